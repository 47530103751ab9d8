using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>A feature's activation at a position of a context.</summary>
internal readonly record struct Firing(int Position, float Value);

/// <summary>A context in which a feature is active.</summary>
/// <param name="Key">What identifies the text up to the peak: contexts with equal keys read the same there.</param>
/// <param name="Firings">Around the peak, by position.</param>
/// <param name="Peak">Which of the firings was chosen.</param>
internal sealed record ActivatingContext(TokenContext Context, ulong Key, Firing[] Firings, int Peak)
{
    private const int KeyTokens = 32;

    public float Value => Firings[Peak].Value;

    public int Position => Firings[Peak].Position;

    /// <summary>A hash of the last tokens up to a position.</summary>
    public static ulong KeyOf(ReadOnlySpan<int> tokens, int position)
    {
        ulong hash = 0xCBF29CE484222325;
        for (int i = Math.Max(0, position + 1 - KeyTokens); i <= position; i++) hash = Mix(hash ^ (uint)tokens[i]);
        return hash;
    }

    /// <summary>The finaliser of SplitMix64 (Steele et al. 2014): every bit of the result depends on every bit of the value.</summary>
    public static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
