namespace Microtome.Models.Tests.Transformers;

/// <summary>Small random checkpoints of every family that there are.</summary>
internal static class GoldenModels
{
    public static readonly int[] Tokens = [1, 81, 187, 5, 120, 33, 64, 7, 199, 14, 2, 90, 90, 31, 8, 160, 77];

    public static TheoryData<string> Families() => [.. Directory.EnumerateDirectories(TestFiles.Get("golden/models")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    public static Checkpoint Open(string family) => Checkpoint.Open(TestFiles.Get($"golden/models/{family}"));

    /// <summary>Fails where values differ by more than <paramref name="tolerance"/> of the largest expected magnitude.</summary>
    public static void ShouldBeClose(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, double tolerance)
    {
        actual.Length.ShouldBe(expected.Length);
        double largest = 0;
        foreach (float value in expected) largest = Math.Max(largest, Math.Abs(value));
        for (int i = 0; i < expected.Length; i++) Math.Abs((double)actual[i] - expected[i]).ShouldBeLessThanOrEqualTo(tolerance * largest, $"element {i}");
    }
}
