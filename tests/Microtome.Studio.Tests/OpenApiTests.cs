using System.Text.Json;
using Microsoft.AspNetCore.Routing;

namespace Microtome.Studio.Tests;

[Collection(StudioCollection.Name)]
public class OpenApiTests(RunningStudio studio)
{
    [Fact]
    public async Task The_description_has_every_endpoint_with_a_summary_and_its_answers()
    {
        JsonElement document = await studio.GetAsync("/openapi.json");
        document.GetProperty("openapi").GetString().ShouldBe("3.1.0");
        int operations = 0;
        foreach (RouteEndpoint endpoint in studio.Server.Endpoints)
        {
            JsonElement path = document.GetProperty("paths").GetProperty(OpenApi.OpenApiDocument.PathOf(endpoint));
            foreach (string method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods)
            {
                operations++;
                JsonElement operation = path.GetProperty(method.ToLowerInvariant());
                operation.GetProperty("summary").GetString().ShouldNotBeNullOrEmpty();
                operation.GetProperty("responses").EnumerateObject().Count().ShouldBeGreaterThan(1, $"{method} {endpoint.RoutePattern.RawText} says what it answers");
                if (method is "POST" or "PUT" or "PATCH" && !endpoint.RoutePattern.RawText!.EndsWith("/cancel", StringComparison.Ordinal) && !endpoint.RoutePattern.RawText.EndsWith("/load", StringComparison.Ordinal))
                    operation.TryGetProperty("requestBody", out _).ShouldBeTrue($"{method} {endpoint.RoutePattern.RawText} says what it takes");
            }
        }
        operations.ShouldBeGreaterThan(40);
    }

    [Fact]
    public async Task References_lead_somewhere()
    {
        JsonElement document = await studio.GetAsync("/openapi.json");
        List<string> references = [];
        Collect(document, references);
        references.ShouldNotBeEmpty();
        foreach (string reference in references.Distinct())
        {
            JsonElement at = document;
            foreach (string part in reference.TrimStart('#', '/').Split('/'))
                at = at.ValueKind == JsonValueKind.Array ? at[int.Parse(part)] : at.GetProperty(part.Replace("~1", "/", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void The_guide_names_every_endpoint()
    {
        string guide = File.ReadAllText(Path.Combine(TestFiles.Repository, "docs", "studio-api.md"));
        foreach (RouteEndpoint endpoint in studio.Server.Endpoints)
        {
            string path = OpenApi.OpenApiDocument.PathOf(endpoint);
            guide.ShouldContain(path, Case.Sensitive, $"docs/studio-api.md describes {path}");
        }
    }

    private static void Collect(JsonElement element, List<string> references)
    {
        if (element.ValueKind == JsonValueKind.Array)
            foreach (JsonElement item in element.EnumerateArray()) Collect(item, references);
        if (element.ValueKind != JsonValueKind.Object) return;
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (property.Name == "$ref" && property.Value.ValueKind == JsonValueKind.String) references.Add(property.Value.GetString()!);
            Collect(property.Value, references);
        }
    }
}
