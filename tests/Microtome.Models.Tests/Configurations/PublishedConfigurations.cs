using System.Text.Json.Nodes;

namespace Microtome.Models.Tests;

/// <summary>The configurations in <c>tests/data/configurations</c>.</summary>
internal static class PublishedConfigurations
{
    public static IEnumerable<string> Names => Directory.EnumerateFiles(TestFiles.Get("configurations"), "*.config.json")
        .Select(path => Path.GetFileName(path).Replace(".config.json", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    public static JsonObject Read(string name) => JsonNode.Parse(File.ReadAllText(TestFiles.Get($"configurations/{name}.config.json")))!.AsObject();

    public static ModelSpecification Load(string name) => Parse(Read(name));

    public static ModelSpecification Parse(JsonObject configuration) => ModelConfiguration.Parse(configuration.ToJsonString(), "config.json");

    public static JsonObject Without(this JsonObject configuration, string key)
    {
        configuration.Remove(key);
        return configuration;
    }
}
