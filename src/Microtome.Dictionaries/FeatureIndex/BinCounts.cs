namespace Microtome.Dictionaries;

/// <summary>
/// A histogram whose range is not known beforehand: its bins are a power of two wide and are merged in pairs when a value lies beyond
/// them, so that the result depends on the values, not on their order.
/// </summary>
internal sealed class BinCounts
{
    /// <summary>Bins above zero, and as many below.</summary>
    public const int Bins = 64;

    private const int Finest = -160, Coarsest = 128; // beyond float32's smallest and largest numbers
    private long[] _above = new long[Bins];
    private long[]? _below;

    /// <summary>The bins' width is two to this power.</summary>
    public int Exponent { get; private set; } = Finest;

    public double Width => Math.ScaleB(1, Exponent);

    public void Add(float value, long count = 1)
    {
        while (!Fits(value)) Widen();
        long bin = (long)Math.Floor(value / Width);
        if (bin >= 0) _above[bin] += count;
        else (_below ??= new long[Bins])[-1 - bin] += count;
    }

    /// <summary>Bins from the lowest to the highest that was used.</summary>
    public ActivationHistogram? ToHistogram()
    {
        int first = _below is null ? 0 : -1 - Array.FindLastIndex(_below, count => count > 0);
        int last = Array.FindLastIndex(_above, count => count > 0);
        if (_below is null && last < 0) return null;
        long[] counts = new long[Math.Max(last, -1) - first + 1];
        for (int i = 0; i < counts.Length; i++) counts[i] = first + i >= 0 ? _above[first + i] : _below![-1 - (first + i)];
        return new ActivationHistogram(first * Width, Width, counts);
    }

    /// <summary>The bins of a histogram that <see cref="ToHistogram"/> made.</summary>
    /// <exception cref="InvalidDataException">It is not one.</exception>
    public static BinCounts From(int exponent, int first, ReadOnlySpan<long> counts)
    {
        if (exponent is < Finest or > Coarsest || first < -Bins || (long)first + counts.Length > Bins || counts.ContainsAnyInRange(long.MinValue, -1))
            throw new InvalidDataException("a histogram's bins are out of range");
        BinCounts bins = new() { Exponent = exponent };
        if (first < 0) bins._below = new long[Bins];
        for (int i = 0; i < counts.Length; i++)
            if (first + i >= 0) bins._above[first + i] = counts[i];
            else bins._below![-1 - (first + i)] = counts[i];
        return bins;
    }

    private bool Fits(float value)
    {
        double bound = Width * Bins;
        return value < bound && value >= -bound;
    }

    private void Widen()
    {
        Exponent++;
        _above = Halve(_above);
        if (_below is not null) _below = Halve(_below);
    }

    private static long[] Halve(long[] counts)
    {
        long[] halved = new long[Bins];
        for (int i = 0; i < Bins; i++) halved[i / 2] += counts[i];
        return halved;
    }
}
