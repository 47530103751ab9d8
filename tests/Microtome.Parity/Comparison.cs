using Microtome.Numerics;

namespace Microtome.Parity;

/// <summary>Collects the worst error over its tolerance.</summary>
public sealed class Comparison
{
    public double Worst { get; private set; }

    public string Where { get; private set; } = "";

    /// <summary>What is wrong beyond a number out of tolerance.</summary>
    public string? Failure { get; private set; }

    /// <summary>How many things were compared.</summary>
    public int Count { get; private set; }

    /// <summary>Compares to <paramref name="tolerance"/> of the expected values' largest magnitude.</summary>
    public void Close(string what, ReadOnlySpan<float> actual, StoredTensor expected, double tolerance)
    {
        Span<float> values = expected.ToTensor().Span;
        Rows(what, actual, values, values.Length, tolerance);
    }

    /// <summary>Compares each row of <paramref name="columns"/> values to <paramref name="tolerance"/> of the row's largest magnitude.</summary>
    public void Rows(string what, ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, int columns, double tolerance)
    {
        Count++;
        if (!SameLength(what, actual.Length, expected.Length)) return;
        for (int start = 0; start < expected.Length; start += columns)
        {
            double largest = 0, error = 0;
            for (int i = start; i < start + columns; i++)
            {
                largest = Math.Max(largest, Math.Abs(expected[i]));
                double difference = Math.Abs((double)actual[i] - expected[i]);
                error = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(error, difference);
            }
            Note(what, error == 0 ? 0 : error / (tolerance * Math.Max(largest, 1e-12)));
        }
    }

    public void Same<T>(string what, ReadOnlySpan<T> actual, ReadOnlySpan<T> expected)
    {
        Count++;
        if (!SameLength(what, actual.Length, expected.Length)) return;
        for (int i = 0; i < expected.Length; i++)
            if (!EqualityComparer<T>.Default.Equals(actual[i], expected[i]))
            {
                Fail($"{what}: [{i}] is {actual[i]}, expected {expected[i]}");
                return;
            }
    }

    public void Fail(string failure) => Failure ??= failure;

    private bool SameLength(string what, int actual, int expected)
    {
        if (actual == expected) return true;
        Fail($"{what}: {actual} values, expected {expected}");
        return false;
    }

    private void Note(string what, double error)
    {
        if (error <= Worst && Where.Length > 0) return;
        Worst = Math.Max(error, Worst);
        Where = what;
    }
}
