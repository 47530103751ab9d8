using Microtome.Dictionaries.Training;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

public class SparseActivationsTests
{
    [Theory]
    [InlineData(1, 1, 1, 1.0)]
    [InlineData(3, 5, 4, 0.0)]
    [InlineData(17, 33, 9, 0.1)]
    [InlineData(40, 100, 31, 0.03)]
    [InlineData(65, 20, 64, 0.6)]
    public void Products_with_few_entries_are_those_of_dense_matrices(int rows, int latents, int width, double density)
    {
        Random random = new(rows);
        Tensor dense = Random(random, rows, latents);
        foreach (ref float value in dense.Span)
            if (random.NextDouble() >= density) value = 0;
        SparseActivations chosen = SparseActivations.Choose(rows, latents, (row, indexes, values) =>
        {
            int count = 0;
            for (int latent = 0; latent < latents; latent++)
                if (dense.Row(row)[latent] != 0)
                {
                    indexes[count] = latent;
                    values[count++] = dense.Row(row)[latent];
                }
            return count;
        });
        Tensor weights = Random(random, latents, width), others = Random(random, rows, width), output = Random(random, rows, width), gradient = Random(random, latents, width);

        foreach (bool asDense in new[] { false, true })
        {
            SparseActivations activations = chosen.As(asDense);
            Tensor sum = output.Clone(), transposed = gradient.Clone();
            activations.AddProduct(weights.AsMatrix(), sum.AsMatrix());
            activations.AddTransposedProduct(others.AsMatrix(), transposed.AsMatrix());
            float[] dots = activations.Dots(others.AsMatrix(), weights.AsMatrix()), sums = new float[latents];
            activations.AddSums(sums);
            for (int row = 0; row < rows; row++)
                for (int j = 0; j < width; j++)
                    sum.Row(row)[j].ShouldBe((float)(output.Row(row)[j] + Enumerable.Range(0, latents).Sum(latent => (double)dense.Row(row)[latent] * weights.Row(latent)[j])), 1e-4f);
            for (int latent = 0; latent < latents; latent++)
            {
                sums[latent].ShouldBe((float)Enumerable.Range(0, rows).Sum(row => (double)dense.Row(row)[latent]), 1e-4f);
                for (int j = 0; j < width; j++)
                    transposed.Row(latent)[j].ShouldBe((float)(gradient.Row(latent)[j] + Enumerable.Range(0, rows).Sum(row => (double)dense.Row(row)[latent] * others.Row(row)[j])), 1e-4f);
            }
            for (int row = 0; row < rows; row++)
                for (int entry = activations.Starts[row]; entry < activations.Starts[row + 1]; entry++)
                    dots[entry].ShouldBe((float)Enumerable.Range(0, width).Sum(j => (double)others.Row(row)[j] * weights.Row(activations.Indexes[entry])[j]), 1e-4f);
        }
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 4, 5)]
    [InlineData(100, 37, 250)]
    [InlineData(100, 37, 3699)]
    public void The_least_of_the_largest_is_that_of_sorted_numbers(int rows, int columns, int count)
    {
        Random random = new(count);
        Tensor values = Random(random, rows, columns);
        foreach (ref float value in values.Span)
            if (random.Next(4) == 0) value = 0.25f; // ties
        (float least, long ties) = LargestOf.Threshold(values.AsMatrix(), count);
        float[] positive = [.. values.Span.ToArray().Where(value => value > 0).OrderDescending()];
        if (positive.Length < count)
        {
            least.ShouldBe(0);
            return;
        }
        least.ShouldBe(positive[count - 1]);
        ties.ShouldBe(positive.Take(count).LongCount(value => value == least));
    }

    internal static Tensor Random(Random random, int rows, int columns)
    {
        Tensor tensor = new(rows, columns);
        foreach (ref float value in tensor.Span) value = random.NextSingle() * 2 - 1;
        return tensor;
    }
}
