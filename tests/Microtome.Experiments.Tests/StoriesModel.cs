using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments.Tests;

/// <summary>The trained model of the repository and its transcoders.</summary>
internal static class StoriesModel
{
    public static readonly string Folder = Path.Combine(TestFiles.Repository, "models", "stories260k");

    public static LoadedModel Load() => new ModelSource().LoadModelAsync(Folder).GetAwaiter().GetResult();

    public static TranscoderSet Transcoders() => TranscoderReader.Open(Folder + "-transcoders");

    /// <summary>A random model of the golden files.</summary>
    public static LoadedModel Golden(string family) => new ModelSource().LoadModelAsync(Path.Combine(TestFiles.Repository, "tests", "data", "golden", "models", family)).GetAwaiter().GetResult();
}
