using Microtome.Numerics;

namespace Microtome.Models;

/// <summary>Rotates queries and keys by angles that grow with the position (Su et al. 2021, arXiv 2104.09864).</summary>
internal static class RotaryEmbedding
{
    /// <param name="x">[rows, heads · head width], rotated in place</param>
    public static void Rotate(Tensor x, int headWidth, ReadOnlySpan<int> positions, RotarySpecification rotary)
    {
        int half = rotary.InverseFrequencies.Length, heads = x.Columns / headWidth;
        Span<float> cosines = stackalloc float[half], sines = stackalloc float[half];
        for (int row = 0; row < x.Rows; row++)
        {
            for (int i = 0; i < half; i++)
            {
                (double sine, double cosine) = Math.SinCos(positions[row] * rotary.InverseFrequencies[i]);
                (cosines[i], sines[i]) = ((float)cosine * rotary.Magnitude, (float)sine * rotary.Magnitude);
            }
            for (int head = 0; head < heads; head++)
            {
                Span<float> first = x.Row(row).Slice(head * headWidth, half), second = x.Row(row).Slice(head * headWidth + half, half);
                for (int i = 0; i < half; i++)
                    (first[i], second[i]) = (first[i] * cosines[i] - second[i] * sines[i], second[i] * cosines[i] + first[i] * sines[i]);
            }
        }
    }
}
