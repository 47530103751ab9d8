namespace Microtome.Numerics;

/// <summary>How much of their operands' precision matrix products keep.</summary>
public enum Precision
{
    /// <summary>
    /// All of it: sums are accurate to a few units in the last place of float32, whatever multiplies. A matrix unit that takes bfloat16 only
    /// is given each float32 as a sum of three.
    /// </summary>
    Exact,

    /// <summary>
    /// Operands are rounded to bfloat16, to between 2 and 3 digits, where a matrix unit multiplies them; sums stay in float32. It then has a
    /// third of the multiplications to do, or a sixth where both are float32. Elsewhere it is the same as <see cref="Exact"/>.
    /// </summary>
    BFloat16,
}
