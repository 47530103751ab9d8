using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microtome.Numerics;

/// <summary>
/// A float32 as a sum of bfloat16 terms, each the nearest to what those before it leave: three hold its 24 bits exactly, two hold the 11
/// of a float16, one those of a bfloat16. One term alone of a float32 is its rounding, with ties to even.
/// </summary>
/// <remarks>
/// Two terms of a float32 would leave up to 2^-17 of it, and products with errors of 5e-6 of the largest in their row; with three they are
/// below 6e-7, less than those of the vector kernels.
///
/// The unit takes bfloat16 below 2^-126 for zero, and so flushes products and sums: an element loses less than 2^-126 to the former, and
/// a product of k elements less than k·2^-122 to the latter. Infinities and NaN are in the last term; the others are finite, so
/// that nothing becomes infinite or NaN by being split.
/// </remarks>
internal static class TileTerms
{
    public const int Most = 3;

    private const uint Sign = 0x8000_0000, High = 0xFFFF_0000, LargestBFloat16 = 0x7F7F_FFFF;

    /// <summary>The number of terms that hold every number of a type exactly.</summary>
    public static int Exact(ElementType type) => type switch
    {
        ElementType.BF16 => 1,
        ElementType.F16 => 2,
        _ => 3,
    };

    /// <summary>
    /// The pairs of terms (of the left and the right operand) whose products are summed, in this order. Those left out, whose indexes sum to
    /// more than 2, are 2^-24 of the product at most. Consecutive pairs share a term, which then need not be loaded again.
    /// </summary>
    public static ReadOnlySpan<(int Left, int Right)> Pairs(int leftTerms, int rightTerms) => AllPairs[(leftTerms - 1) * Most + rightTerms - 1];

    private static readonly (int, int)[][] AllPairs =
    [
        [(0, 0)],
        [(0, 1), (0, 0)],
        [(0, 2), (0, 1), (0, 0)],
        [(1, 0), (0, 0)],
        [(1, 1), (0, 1), (0, 0), (1, 0)],
        [(0, 2), (0, 1), (1, 1), (1, 0), (0, 0)],
        [(2, 0), (1, 0), (0, 0)],
        [(2, 0), (0, 0), (1, 0), (1, 1), (0, 1)],
        [(2, 0), (0, 0), (1, 0), (1, 1), (0, 1), (0, 2)],
    ];

    /// <summary>Takes the next of several terms, the last if <paramref name="last"/>, off the rest; it is in the upper halves of the lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Next(ref Vector512<float> rest, bool last)
    {
        Vector512<uint> bits = rest.AsUInt32();
        if (last) return bits & Vector512.Create(High);
        Vector512<uint> magnitude = Vector512.Min((bits & Vector512.Create(~Sign)) + Vector512.Create(0x8000u), Vector512.Create(LargestBFloat16));
        Vector512<uint> term = (magnitude & Vector512.Create(High)) | (bits & Vector512.Create(Sign));
        rest -= term.AsSingle();
        return term;
    }

    /// <summary>The nearest bfloat16, in the upper halves of the lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Nearest(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        Vector512<uint> rounded = bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One);
        Vector512<uint> quiet = bits | Vector512.Create(0x0040_0000u);
        return Vector512.ConditionalSelect(Vector512.Equals(value, value).AsUInt32(), rounded, quiet) & Vector512.Create(High);
    }
}
