namespace Microtome.Bench;

/// <summary>The sizes of a model to synthesise; the architecture is always Qwen 3's.</summary>
internal sealed record SyntheticShape(string Name, int Layers, int Width, int Heads, int KeyValueHeads, int HeadWidth, int MlpWidth)
{
    public static IReadOnlyList<SyntheticShape> All { get; } =
    [
        new("stories260k", 5, 64, 8, 4, 8, 172),
        new("stories15m", 6, 288, 6, 6, 48, 768),
        new("stories42m", 8, 512, 8, 8, 64, 1376),
        new("stories110m", 12, 768, 12, 12, 64, 2048),
        new("qwen3-0.6b", 28, 1024, 16, 8, 128, 3072),
        new("qwen3-1.7b", 28, 2048, 16, 8, 128, 6144),
        new("qwen3-4b", 36, 2560, 32, 8, 128, 9728),
    ];

    /// <exception cref="ArgumentException">There is none of this name.</exception>
    public static SyntheticShape Named(string name) =>
        All.FirstOrDefault(shape => shape.Name == name) ?? throw new ArgumentException($"There is no shape '{name}'; there are {string.Join(", ", All.Select(shape => shape.Name))}.");
}
