using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>What turns a dictionary's pre-activations into sparse activations. A feature is active where the result is not zero.</summary>
public abstract class FeatureActivation
{
    /// <summary>What inspection calls it.</summary>
    public abstract string Name { get; }

    /// <summary>Whether a feature's activation depends on the other features' of the same position.</summary>
    public virtual bool NeedsAllFeatures => false;

    /// <summary>Replaces pre-activations of consecutive features at one position by activations.</summary>
    /// <param name="values">Those of <paramref name="first"/> and the features after it; all features where <see cref="NeedsAllFeatures"/>.</param>
    public abstract void Apply(Span<float> values, int first);
}

/// <summary><c>max(x, 0)</c></summary>
public sealed class Relu : FeatureActivation
{
    public override string Name => "ReLU";

    public override void Apply(Span<float> values, int first) => TensorPrimitives.Max(values, 0f, values);
}

/// <summary><c>x</c> where it exceeds the feature's threshold, else 0 (Rajamanoharan et al. 2024, arXiv 2407.14435).</summary>
/// <param name="thresholds">[features]</param>
public sealed class JumpRelu(Tensor thresholds) : FeatureActivation
{
    public override string Name => "JumpReLU";

    /// <summary>[features]</summary>
    public Tensor Thresholds => thresholds;

    public override void Apply(Span<float> values, int first)
    {
        ReadOnlySpan<float> threshold = thresholds.Span.Slice(first, values.Length);
        for (int i = 0; i < values.Length; i++)
            if (!(values[i] > threshold[i])) values[i] = 0;
    }
}

/// <summary>
/// The k largest pre-activations, the rest 0 (Gao et al. 2024, arXiv 2406.04093). Ties go to the lower feature. Whether negative ones among
/// them count differs: circuit-tracer keeps them, SAELens does not.
/// </summary>
public sealed class TopK(int k, bool rectified = false) : FeatureActivation
{
    public override string Name => $"TopK({k})";

    public int K => k;

    public override bool NeedsAllFeatures => true;

    public override void Apply(Span<float> values, int first)
    {
        if (values.Length > k) Select(values);
        if (rectified) TensorPrimitives.Max(values, 0f, values);
    }

    private void Select(Span<float> values)
    {
        float[] sorted = values.ToArray();
        Array.Sort(sorted);
        float least = sorted[^k];
        int ties = k;
        foreach (float value in values)
            if (value > least) ties--;
        foreach (ref float value in values)
            if (value < least || (value == least && ties-- <= 0)) value = 0;
    }
}

/// <summary>
/// A gate and a magnitude of the same products: <c>max(e^r·x + b_mag, 0)</c> where <c>x + b_gate</c> exceeds 0, else 0 (Rajamanoharan et al. 2024,
/// arXiv 2404.16014, equation 6). The encoder itself has no bias.
/// </summary>
/// <param name="gateBias">[features]</param>
/// <param name="logScale">[features]: r</param>
/// <param name="magnitudeBias">[features]</param>
public sealed class Gated(Tensor gateBias, Tensor logScale, Tensor magnitudeBias) : FeatureActivation
{
    private readonly float[] _scale = Array.ConvertAll(logScale.Span.ToArray(), MathF.Exp);

    public override string Name => "Gated";

    /// <summary>[features]</summary>
    public Tensor GateBias => gateBias;

    /// <summary>[features]</summary>
    public Tensor LogScale => logScale;

    /// <summary>[features]</summary>
    public Tensor MagnitudeBias => magnitudeBias;

    public override void Apply(Span<float> values, int first)
    {
        ReadOnlySpan<float> gate = gateBias.Span.Slice(first, values.Length), magnitude = magnitudeBias.Span.Slice(first, values.Length);
        ReadOnlySpan<float> scale = _scale.AsSpan(first, values.Length);
        for (int i = 0; i < values.Length; i++)
            values[i] = values[i] + gate[i] > 0 ? MathF.Max(values[i] * scale[i] + magnitude[i], 0) : 0;
    }
}
