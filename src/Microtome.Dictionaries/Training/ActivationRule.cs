using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>Which latents of a batch are active, and what that makes of gradients.</summary>
internal abstract class ActivationRule
{
    public static ActivationRule For(DictionaryOptions options) => options.Activation switch
    {
        DictionaryActivation.Relu => new ReluRule(),
        DictionaryActivation.Gated => new GatedRule(),
        DictionaryActivation.JumpRelu => new JumpReluRule((float)options.Bandwidth),
        DictionaryActivation.TopK => new TopKRule(options.K),
        _ => new BatchTopKRule(options.K),
    };

    /// <param name="pre">[rows, latents]: pre-activations; may be written over.</param>
    public abstract BlockActivity Select(Matrix pre, LatentBlock block);

    /// <summary>Adds the gradients through the activations: of the decoder, the encoder and what the rule has beside.</summary>
    public virtual void AddGradients(BlockActivity activity, LatentBlock block, Matrix input, int prefix, Matrix error, float sparsity)
    {
        (int first, int count) = block.LatentsOf(prefix);
        SparseActivations active = activity.Parts[prefix];
        active.AddTransposedProduct(error, block.Decoder.Gradient.AsMatrix().RowRange(first, count));
        SparseActivations through = active.With(active.Dots(error, block.Decoder.Rows.RowRange(first, count)));
        through.AddTransposedProduct(input, block.Encoder.Gradient.AsMatrix().RowRange(first, count));
        through.AddSums(block.EncoderBias.Gradient.Span.Slice(first, count));
    }

    /// <summary>Pre-activations that a condition chooses.</summary>
    /// <param name="floor">[latents] or one: values above it are chosen.</param>
    protected static SparseActivations Above(Matrix pre, float[] floor) => SparseActivations.Choose(pre.Rows, pre.Columns, (row, latents, amounts) =>
    {
        ReadOnlySpan<float> values = pre.Row(row);
        int count = 0;
        for (int latent = 0; latent < values.Length; latent++)
            if (values[latent] > floor[floor.Length == 1 ? 0 : latent])
            {
                latents[count] = latent;
                amounts[count++] = values[latent];
            }
        return count;
    });

    protected static BlockActivity Whole(SparseActivations active) => new(active) { Parts = [active] };
}

/// <summary>ReLU with the penalty λ Σ f ‖d‖ (Conerly et al. 2024).</summary>
internal sealed class ReluRule : ActivationRule
{
    public override BlockActivity Select(Matrix pre, LatentBlock block) => Whole(Above(pre, [0]));

    public override void AddGradients(BlockActivity activity, LatentBlock block, Matrix input, int prefix, Matrix error, float sparsity)
    {
        SparseActivations active = activity.Active;
        float[] norms = DecoderRows.Norms(block.Decoder.Value), sums = new float[active.Latents];
        active.AddSums(sums);
        for (int latent = 0; latent < norms.Length; latent++)
            if (norms[latent] > 0 && sums[latent] != 0) VectorOperations.AddScaled(block.Decoder.Gradient.Row(latent), sparsity * sums[latent] / norms[latent], block.Decoder.Value.Row(latent));
        active.AddTransposedProduct(error, block.Decoder.Gradient.AsMatrix());
        float[] gradients = active.Dots(error, block.Decoder.Rows);
        for (int entry = 0; entry < gradients.Length; entry++) gradients[entry] += sparsity * norms[active.Indexes[entry]];
        SparseActivations through = active.With(gradients);
        through.AddTransposedProduct(input, block.Encoder.Gradient.AsMatrix());
        through.AddSums(block.EncoderBias.Gradient.Span);
    }
}

/// <summary>The k largest of each row, without those that are negative.</summary>
internal sealed class TopKRule(int k) : ActivationRule
{
    public override BlockActivity Select(Matrix pre, LatentBlock block) => Whole(SparseActivations.Choose(pre.Rows, pre.Columns, (row, latents, amounts) =>
    {
        ReadOnlySpan<float> values = pre.Row(row);
        Span<int> best = latents.AsSpan(0, Math.Min(k, values.Length));
        VectorOperations.TopK(values, best);
        best.Sort();
        int count = 0;
        foreach (int latent in best)
            if (values[latent] > 0)
            {
                latents[count] = latent;
                amounts[count++] = values[latent];
            }
        return count;
    }));
}

/// <summary>The k · rows largest of a batch, without those that are negative. Of equal ones the first count.</summary>
internal sealed class BatchTopKRule(int k) : ActivationRule
{
    private const double Recent = 0.99; // how much of the threshold is kept from batch to batch

    public override BlockActivity Select(Matrix pre, LatentBlock block)
    {
        (float least, long ties) = LargestOf.Threshold(pre, (long)k * pre.Rows);
        // A row's share of the ties is known only after the rows before it; ties are rare, so they are counted before.
        long[] tiesBefore = new long[pre.Rows + 1];
        if (least > 0)
            for (int row = 0; row < pre.Rows; row++) tiesBefore[row + 1] = tiesBefore[row] + CountOf(pre.Row(row), least);
        SparseActivations active = SparseActivations.Choose(pre.Rows, pre.Columns, (row, latents, amounts) =>
        {
            ReadOnlySpan<float> values = pre.Row(row);
            long left = ties - tiesBefore[row];
            int count = 0;
            for (int latent = 0; latent < values.Length; latent++)
            {
                float value = values[latent];
                if (!(value > least || (value == least && value > 0 && left-- > 0))) continue;
                latents[count] = latent;
                amounts[count++] = value;
            }
            return count;
        });
        if (active.Count > 0)
        {
            double smallest = TensorPrimitives.Min<float>(active.Values);
            block.KeptFrom = block.KeptFrom < 0 ? smallest : Recent * block.KeptFrom + (1 - Recent) * smallest;
        }
        return block.Prefixes.Count == 1 ? Whole(active) : new BlockActivity(active) { Parts = Split(active, block) };
    }

    private static long CountOf(ReadOnlySpan<float> values, float value) => MemoryMarshal.Cast<float, int>(values).Count(BitConverter.SingleToInt32Bits(value));

    /// <summary>The entries of each prefix, their latents counted from the prefix's first.</summary>
    private static SparseActivations[] Split(SparseActivations active, LatentBlock block) => [.. Enumerable.Range(0, block.Prefixes.Count).Select(prefix =>
    {
        (int first, int count) = block.LatentsOf(prefix);
        return SparseActivations.Choose(active.Rows, count, (row, latents, amounts) =>
        {
            int chosen = 0;
            for (int entry = active.Starts[row]; entry < active.Starts[row + 1]; entry++)
                if (active.Indexes[entry] >= first && active.Indexes[entry] < first + count)
                {
                    latents[chosen] = active.Indexes[entry] - first;
                    amounts[chosen++] = active.Values[entry];
                }
            return chosen;
        });
    })];
}

/// <summary>A threshold θ for each latent, whose gradients come through a kernel of width ε around it (Rajamanoharan et al. 2024, equations 10 to 12).</summary>
internal sealed class JumpReluRule(float bandwidth) : ActivationRule
{
    public override BlockActivity Select(Matrix pre, LatentBlock block)
    {
        float[] thresholds = block.Threshold!.Value.Span.ToArray();
        SparseActivations window = SparseActivations.Choose(pre.Rows, pre.Columns, (row, latents, amounts) =>
        {
            ReadOnlySpan<float> values = pre.Row(row);
            int count = 0;
            for (int latent = 0; latent < values.Length; latent++)
                if (Math.Abs(values[latent] - thresholds[latent]) < bandwidth / 2)
                {
                    latents[count] = latent;
                    amounts[count++] = values[latent];
                }
            return count;
        });
        return Whole(Above(pre, thresholds)) with { Window = window };
    }

    public override void AddGradients(BlockActivity activity, LatentBlock block, Matrix input, int prefix, Matrix error, float sparsity)
    {
        base.AddGradients(activity, block, input, prefix, error, sparsity);
        SparseActivations window = activity.Window!;
        ReadOnlySpan<float> thresholds = block.Threshold!.Value.Span;
        float[] gradients = window.Dots(error, block.Decoder.Rows);
        for (int entry = 0; entry < gradients.Length; entry++)
            gradients[entry] = -(thresholds[window.Indexes[entry]] * gradients[entry] + sparsity) / bandwidth;
        window.With(gradients).AddSums(block.Threshold.Gradient.Span);
    }
}

/// <summary>
/// A gate π = Wx + b_gate that the penalty holds down and an auxiliary reconstruction keeps honest, and a magnitude e^r Wx + b_mag that both leave
/// alone (Rajamanoharan et al. 2024, arXiv 2404.16014, equation 8).
/// </summary>
internal sealed class GatedRule : ActivationRule
{
    public override BlockActivity Select(Matrix pre, LatentBlock block)
    {
        SparseActivations gate = Above(pre, [0]);
        float[] scale = Array.ConvertAll(block.LogScale!.Value.Span.ToArray(), MathF.Exp), gateBias = block.EncoderBias.Value.Span.ToArray(), bias = block.MagnitudeBias!.Value.Span.ToArray();
        SparseActivations active = SparseActivations.Choose(pre.Rows, pre.Columns, (row, latents, amounts) =>
        {
            int count = 0;
            for (int entry = gate.Starts[row]; entry < gate.Starts[row + 1]; entry++)
            {
                int latent = gate.Indexes[entry];
                float magnitude = scale[latent] * (gate.Values[entry] - gateBias[latent]) + bias[latent];
                if (magnitude <= 0) continue;
                latents[count] = latent;
                amounts[count++] = magnitude;
            }
            return count;
        });
        return Whole(active) with { Gate = gate };
    }

    public override void AddGradients(BlockActivity activity, LatentBlock block, Matrix input, int prefix, Matrix error, float sparsity)
    {
        SparseActivations active = activity.Active;
        active.AddTransposedProduct(error, block.Decoder.Gradient.AsMatrix());
        float[] magnitudes = active.Dots(error, block.Decoder.Rows), scaled = new float[magnitudes.Length], logs = new float[magnitudes.Length];
        ReadOnlySpan<float> log = block.LogScale!.Value.Span, bias = block.MagnitudeBias!.Value.Span;
        for (int entry = 0; entry < magnitudes.Length; entry++)
        {
            int latent = active.Indexes[entry];
            scaled[entry] = magnitudes[entry] * MathF.Exp(log[latent]);
            logs[entry] = magnitudes[entry] * (active.Values[entry] - bias[latent]);
        }
        active.With(magnitudes).AddSums(block.MagnitudeBias.Gradient.Span);
        active.With(logs).AddSums(block.LogScale.Gradient.Span);
        active.With(scaled).AddTransposedProduct(input, block.Encoder.Gradient.AsMatrix());
    }

    /// <summary>Adds the gradients through the gate: the penalty's, and those of what the open gates alone reconstruct. The decoder feels neither.</summary>
    /// <param name="error">[rows, output width]: the gradient of the gates' reconstruction</param>
    /// <returns>The gradient of the gates, for what the input's own bias gets of it.</returns>
    public static SparseActivations AddGateGradients(SparseActivations gate, LatentBlock block, Matrix input, Matrix error, float sparsity)
    {
        float[] gradients = gate.Dots(error, block.Decoder.Rows);
        for (int entry = 0; entry < gradients.Length; entry++) gradients[entry] += sparsity;
        SparseActivations through = gate.With(gradients);
        through.AddTransposedProduct(input, block.Encoder.Gradient.AsMatrix());
        through.AddSums(block.EncoderBias.Gradient.Span);
        return through;
    }
}
