using System.Runtime.Intrinsics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Numerics.Tests.Differentiation;

public sealed class ExponentialTests
{
    [Fact]
    public void The_fast_exponential_is_that_of_float64_to_a_few_units_in_the_last_place()
    {
        for (float x = -87; x < 88; x += 0.00917f)
        {
            double expected = Math.Exp(x);
            Math.Abs(Exponential.Exp(Vector256.Create(x))[0] / expected - 1).ShouldBeLessThan(3e-7, $"{x}");
        }
        Exponential.Exp(Vector256.Create(float.NegativeInfinity))[0].ShouldBeLessThan(2e-38f);
        float.IsNaN(Exponential.Exp(Vector256.Create(float.NaN))[0]).ShouldBeTrue();
    }

    [Fact]
    public void Sums_of_exponentials_of_any_length_match_the_plain_ones()
    {
        Random random = new(1);
        for (int length = 0; length < 70; length++)
        {
            float[] x = [.. Enumerable.Range(0, length).Select(_ => 6 * random.NextSingle() - 3)], values = [.. x];
            Exponential.ExpAndSum(values, 0.5f).ShouldBe((float)x.Sum(value => Math.Exp(value - 0.5)), 1e-5f * (length + 1));
            for (int i = 0; i < length; i++) values[i].ShouldBe((float)Math.Exp(x[i] - 0.5), 1e-5f);
        }
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 1)]
    [InlineData(33, 70)]
    [InlineData(64, 31)]
    public void Rows_become_columns(int rows, int columns)
    {
        Random random = new(2);
        Tensor source = new(rows, columns), target = new(columns, rows);
        foreach (ref float value in source.Span) value = random.NextSingle();
        Transposition.Copy(source.AsMatrix(), target.AsMatrix());
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) target.Row(column)[row].ShouldBe(source.Row(row)[column]);
    }
}
