using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>A latent (a feature) that is active at a position.</summary>
public readonly record struct ActiveFeature(int Position, int Feature, float Value);

/// <summary>The half of every dictionary that reads: <c>activation(scale · (W x + b))</c>. The weights stay in their file; rows are read on demand.</summary>
public sealed class LatentEncoder
{
    private const int LatentsAtOnce = 1024; // by one thread, in one product

    [ThreadStatic]
    private static Tensor? t_activations;

    /// <param name="weights">[latents, width]</param>
    /// <param name="bias">[latents]</param>
    /// <param name="scale">[latents]; what pre-activations are multiplied by before they are compared with each other; nothing for 1.</param>
    internal LatentEncoder(MatrixView weights, Tensor bias, FeatureActivation activation, Tensor? scale = null)
    {
        Weights = weights;
        Bias = bias;
        Activation = activation;
        Scale = scale;
    }

    public int Latents => Weights.Rows;

    public int Width => Weights.Columns;

    /// <summary>[latents, width]</summary>
    public MatrixView Weights { get; }

    /// <summary>[latents]</summary>
    public Tensor Bias { get; }

    public FeatureActivation Activation { get; }

    /// <summary>[latents]; nothing for 1.</summary>
    public Tensor? Scale { get; }

    /// <summary>All latents' activations at every position.</summary>
    /// <param name="input">[positions, width]</param>
    /// <returns>[positions, latents]</returns>
    public Tensor Encode(Matrix input)
    {
        if (Activation is MatchingPursuit pursuit) return pursuit.Encode(input, Weights);
        Tensor activations = Tensor.Uninitialized(input.Rows, Latents);
        PreActivations(input, 0, activations.AsMatrix());
        WorkerPool.For(input.Rows, position => Activation.Apply(activations.Row(position), 0));
        return activations;
    }

    /// <summary>The active latents, by position and then by latent. The weights are streamed through once.</summary>
    /// <param name="input">[positions, width]</param>
    public List<ActiveFeature> EncodeSparse(Matrix input)
    {
        List<ActiveFeature>[] parts; // each by position, then by latent
        if (Activation.NeedsAllFeatures)
        {
            Matrix all = Encode(input).AsMatrix();
            parts = new List<ActiveFeature>[input.Rows];
            WorkerPool.For(parts.Length, position => parts[position] = Active(all.RowRange(position, 1), 0, position));
        }
        else
        {
            parts = new List<ActiveFeature>[(Latents + LatentsAtOnce - 1) / LatentsAtOnce];
            WorkerPool.For(parts.Length, part =>
            {
                int first = part * LatentsAtOnce, count = Math.Min(LatentsAtOnce, Latents - first);
                if (t_activations is null || t_activations.Rows < input.Rows) t_activations = Tensor.Uninitialized(input.Rows, LatentsAtOnce);
                Matrix values = t_activations.AsMatrix().RowRange(0, input.Rows).ColumnRange(0, count);
                PreActivations(input, first, values);
                for (int position = 0; position < values.Rows; position++) Activation.Apply(values.Row(position), first);
                parts[part] = Active(values, first, 0);
            });
            ResidentMemory.Trim();
        }
        return [.. parts.SelectMany(part => part).OrderBy(active => active.Position)]; // a stable sort
    }

    /// <summary>One latent's activation at one position.</summary>
    /// <param name="input">[width]</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such latent.</exception>
    public float Encode(ReadOnlySpan<float> input, int latent)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)latent, (uint)Latents, nameof(latent));
        if (Activation.NeedsAllFeatures) return Encode(Tensor.From(input, 1, input.Length).AsMatrix()).Span[latent];
        float[] row = new float[Width];
        Weights.CopyRow(latent, row);
        Span<float> value = [TensorPrimitives.Dot(row, input) + Bias.Span[latent]];
        if (Scale is not null) value[0] *= Scale.Span[latent];
        Activation.Apply(value, latent);
        return value[0];
    }

    /// <summary>What is not zero among the activations of consecutive latents.</summary>
    internal static List<ActiveFeature> Active(Matrix values, int firstLatent, int firstPosition)
    {
        List<ActiveFeature> active = [];
        for (int position = 0; position < values.Rows; position++)
        {
            ReadOnlySpan<float> row = values.Row(position);
            ReadOnlySpan<int> bits = MemoryMarshal.Cast<float, int>(row);
            for (int i = 0, next; i < row.Length && (next = bits[i..].IndexOfAnyExcept(0)) >= 0; i++)
            {
                i += next;
                if (row[i] != 0) active.Add(new ActiveFeature(firstPosition + position, firstLatent + i, row[i])); // bits of -0 are not 0
            }
        }
        return active;
    }

    private void PreActivations(Matrix input, int first, Matrix values)
    {
        MatrixProduct.Multiply(input, Weights.RowRange(first, values.Columns).T, values);
        for (int position = 0; position < values.Rows; position++)
        {
            Span<float> row = values.Row(position);
            TensorPrimitives.Add(row, Bias.Span.Slice(first, row.Length), row);
            if (Scale is not null) TensorPrimitives.Multiply(row, Scale.Span.Slice(first, row.Length), row);
        }
    }
}
