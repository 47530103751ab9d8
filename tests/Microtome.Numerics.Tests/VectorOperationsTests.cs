using Microtome.Numerics;

namespace Microtome.Numerics.Tests;

public sealed class VectorOperationsTests
{
    private static readonly int[] Lengths = [0, 1, 2, 3, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 65, 100, 1000, 4097];

    [Fact]
    public void Dot_matches_a_sum_in_double_precision()
    {
        foreach ((float[] x, float[] y) in Pairs())
        {
            double sum = 0, magnitude = 0;
            for (int i = 0; i < x.Length; i++)
            {
                sum += (double)x[i] * y[i];
                magnitude += Math.Abs((double)x[i] * y[i]);
            }
            ((double)VectorOperations.Dot(x, y)).ShouldBe(sum, 1e-6 * magnitude + 1e-30);
        }
    }

    [Fact]
    public void Sum_of_squares_matches_a_sum_in_double_precision()
    {
        foreach ((float[] x, _) in Pairs())
        {
            double sum = x.Sum(value => (double)value * value);
            ((double)VectorOperations.SumOfSquares(x)).ShouldBe(sum, 1e-6 * sum + 1e-30);
        }
    }

    [Fact]
    public void Sums_do_not_depend_on_where_the_vector_lies()
    {
        float[] x = Random(1, 300, 1), buffer = new float[400];
        float dot = VectorOperations.Dot(x, x);
        for (int offset = 0; offset < 32; offset++)
        {
            x.CopyTo(buffer, offset);
            VectorOperations.Dot(buffer.AsSpan(offset, 300), buffer.AsSpan(offset, 300)).ShouldBe(dot);
        }
    }

    [Fact]
    public void Adding_a_scaled_vector_rounds_once()
    {
        foreach ((float[] x, float[] y) in Pairs())
        {
            float[] result = [.. y];
            VectorOperations.AddScaled(result, 0.37f, x);
            for (int i = 0; i < x.Length; i++) result[i].ShouldBe(MathF.FusedMultiplyAdd(x[i], 0.37f, y[i]));
        }
    }

    [Fact]
    public void Softmax_matches_double_precision()
    {
        foreach (int length in Lengths[1..])
        {
            float[] x = Random(length, length, 20), result = [.. x];
            VectorOperations.Softmax(result);
            double largest = x.Max(), sum = x.Sum(value => Math.Exp(value - largest));
            for (int i = 0; i < length; i++)
            {
                double expected = Math.Exp(x[i] - largest) / sum;
                ((double)result[i]).ShouldBe(expected, 3e-6 * expected);
            }
        }
    }

    [Fact]
    public void Softmax_survives_large_and_masked_scores()
    {
        float[] x = [float.NegativeInfinity, 1e30f, 1e30f, float.NegativeInfinity, -1e30f];
        VectorOperations.Softmax(x);
        x.ShouldBe([0, 0.5f, 0.5f, 0, 0]);
    }

    [Fact]
    public void Sigmoid_is_accurate_to_the_last_bit_but_one() => CheckFunction(VectorOperations.Sigmoid, x => 1 / (1 + Math.Exp(-x)));

    [Fact]
    public void Silu_is_accurate_to_the_last_bit_but_one() => CheckFunction(VectorOperations.Silu, x => x / (1 + Math.Exp(-x)));

    [Fact]
    public void Tanh_is_accurate_to_the_last_bit_but_one() => CheckFunction(VectorOperations.Tanh, Math.Tanh);

    [Fact]
    public void Gelu_by_tanh_is_accurate_to_the_last_bit_but_one() =>
        CheckFunction(VectorOperations.GeluTanh, x => x / (1 + Math.Exp(-2 * Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))));

    [Fact]
    public void Gelu_is_accurate_to_the_last_bit_but_one() => CheckFunction(VectorOperations.Gelu, x => x * NormalCdf(x));

    [Theory]
    [InlineData(-10.0, -7.61985302416047e-23)]
    [InlineData(-1.0, -0.158655253931457)]
    [InlineData(0.5, 0.345731230637019)]
    [InlineData(3.0, 2.99595030590511)]
    public void Gelu_has_the_published_values(double x, double expected)
    {
        float[] result = [(float)x];
        VectorOperations.Gelu(result, result);
        ((double)result[0]).ShouldBe(expected, Math.Abs(expected) * 1e-7);
    }

    [Fact]
    public void Activations_do_not_depend_on_the_position_in_the_vector()
    {
        float[] x = Random(2, 40, 3), whole = new float[40], part = new float[1];
        VectorOperations.Gelu(x, whole);
        for (int i = 0; i < x.Length; i++)
        {
            VectorOperations.Gelu(x.AsSpan(i, 1), part);
            part[0].ShouldBe(whole[i]);
        }
    }

    [Fact]
    public void Top_k_are_those_of_a_stable_sort()
    {
        Random random = new(3);
        for (int round = 0; round < 300; round++)
        {
            // Few different values, so that there are many ties.
            float[] x = [.. Enumerable.Range(0, random.Next(60)).Select(_ => random.Next(12) is var value && value == 11 ? float.NaN : value)];
            int[] indexes = new int[random.Next(x.Length + 1)];
            VectorOperations.TopK(x, indexes);
            indexes.ShouldBe(Enumerable.Range(0, x.Length).OrderByDescending(i => x[i]).Take(indexes.Length));
        }
    }

    [Fact]
    public void Top_k_of_fewer_elements_is_refused() =>
        Should.Throw<ArgumentException>(() => VectorOperations.TopK(new float[3], new int[4]));

    private delegate void Function(ReadOnlySpan<float> x, Span<float> result);

    /// <summary>Over magnitudes from 1e-30 to 1e4, both signs, and every length of the rest.</summary>
    private static void CheckFunction(Function function, Func<double, double> exact)
    {
        Random random = new(4);
        foreach (int length in Lengths)
        {
            float[] x = new float[length], result = new float[length];
            for (int i = 0; i < length; i++)
                x[i] = i % 2 == 0 ? 24 * random.NextSingle() - 12 : (float)((random.Next(2) * 2 - 1) * Math.Pow(10, 34 * random.NextDouble() - 30));
            function(x, result);
            for (int i = 0; i < length; i++)
            {
                double expected = exact(x[i]);
                ((double)result[i]).ShouldBe(expected, Math.Abs(expected) * 7e-8 + 1.5e-45, $"at {x[i]:R}");
            }
        }
    }

    /// <summary>By a series near 0 and a continued fraction in the tails.</summary>
    private static double NormalCdf(double x)
    {
        double z = Math.Abs(x), density = Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI);
        if (z < 3)
        {
            double term = z, sum = z;
            for (int n = 3; Math.Abs(term) > 1e-20; n += 2) sum += term *= z * z / n;
            return x < 0 ? 0.5 - density * sum : 0.5 + density * sum;
        }
        double fraction = z;
        for (int n = 200; n > 0; n--) fraction = z + n / fraction;
        return x < 0 ? density / fraction : 1 - density / fraction;
    }

    private static IEnumerable<(float[] X, float[] Y)> Pairs() => Lengths.Select(length => (Random(length, length, 1), Random(length + 1, length, 1)));

    private static float[] Random(int seed, int length, float scale)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => scale * (2 * random.NextSingle() - 1))];
    }
}
