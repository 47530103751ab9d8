using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>
/// Latents chosen one at a time: that whose row fits best what the ones before left of the input takes its share of it, until so little is left, or
/// nothing new is chosen (Costa et al. 2025, arXiv 2506.03093). Encoder and decoder are one matrix. It reads the input itself, not only its products.
/// </summary>
/// <param name="residualThreshold">It ends where less is left than a vector of this length; at 0 or below it does not.</param>
/// <param name="maximumIterations">The most choices; as many as the input has values when null.</param>
/// <param name="stopsAtSameLatents">Whether it ends when a choice adds no latent to those that are active.</param>
public sealed class MatchingPursuit(float residualThreshold, int? maximumIterations, bool stopsAtSameLatents) : FeatureActivation
{
    public override string Name => "matching pursuit";

    public override bool NeedsAllFeatures => true;

    public float ResidualThreshold => residualThreshold;

    public int? MaximumIterations => maximumIterations;

    public bool StopsAtSameLatents => stopsAtSameLatents;

    /// <exception cref="NotSupportedException">Always: see <see cref="Encode"/>.</exception>
    public override void Apply(Span<float> values, int first) => throw new NotSupportedException("Matching pursuit encodes inputs; their products with the encoder do not suffice.");

    /// <summary>All latents' activations at every position.</summary>
    /// <param name="input">[positions, width]</param>
    /// <param name="rows">[latents, width]</param>
    /// <returns>[positions, latents]</returns>
    internal Tensor Encode(Matrix input, MatrixView rows)
    {
        Tensor activations = new(input.Rows, rows.Rows), left = Tensor.Uninitialized(input.Rows, input.Columns);
        for (int position = 0; position < input.Rows; position++) input.Row(position).CopyTo(left.Row(position));
        int[] open = [.. Enumerable.Range(0, input.Rows)];
        for (int iteration = 0; open.Length > 0 && iteration < (maximumIterations ?? input.Columns); iteration++)
        {
            Tensor remaining = Tensor.Uninitialized(open.Length, input.Columns), products = Tensor.Uninitialized(open.Length, rows.Rows);
            for (int i = 0; i < open.Length; i++) left.Row(open[i]).CopyTo(remaining.Row(i));
            MatrixProduct.Multiply(remaining.AsMatrix(), rows.T, products.AsMatrix());
            bool[] done = new bool[open.Length];
            WorkerPool.For(open.Length, i => done[i] = Choose(products.Row(i), rows, left.Row(open[i]), activations.Row(open[i])));
            open = [.. open.Where((_, i) => !done[i])];
        }
        return activations;
    }

    /// <summary>Takes one latent's share.</summary>
    /// <param name="products">[latents]: of the rows with what is left.</param>
    /// <returns>Whether the position is done.</returns>
    private bool Choose(ReadOnlySpan<float> products, MatrixView rows, Span<float> left, Span<float> activations)
    {
        int latent = TensorPrimitives.IndexOfMax(products);
        float value = products[latent];
        if (!(value > 0)) return true; // nothing fits; nothing would change any more
        bool isNew = activations[latent] == 0;
        activations[latent] += value;
        float[] row = new float[left.Length];
        rows.CopyRow(latent, row);
        VectorOperations.AddScaled(left, -value, row);
        return (stopsAtSameLatents && !isNew) || (residualThreshold > 0 && MathF.Sqrt(VectorOperations.SumOfSquares(left)) < residualThreshold);
    }
}
