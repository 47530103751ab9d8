using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>What a model says comes next.</summary>
public sealed class NextTokenLogits
{
    private readonly float[] _logits;
    private readonly float[] _probabilities;
    private readonly float[] _uncapped;
    private readonly double _mean;

    /// <param name="logits">Of the last position [1, vocabulary], as the model gives them.</param>
    public NextTokenLogits(Tensor logits, ModelSpecification model)
    {
        _logits = logits.Row(logits.Rows - 1).ToArray();
        _probabilities = new float[_logits.Length];
        TensorPrimitives.SoftMax<float>(_logits, _probabilities);
        _uncapped = model.LogitSoftCap is { } cap ? Array.ConvertAll(_logits, logit => cap * MathF.Atanh(Math.Clamp(logit / cap, -0.9999999f, 0.9999999f))) : _logits;
        foreach (float logit in _uncapped) _mean += logit;
        _mean /= _uncapped.Length;
    }

    /// <summary>[vocabulary]</summary>
    public IReadOnlyList<float> Logits => _logits;

    /// <summary>[vocabulary]</summary>
    public IReadOnlyList<float> Probabilities => _probabilities;

    /// <summary>What graphs explain: the token's logit before any soft cap, over the mean logit, or over another token's.</summary>
    public double Of(int token, int? minus) => _uncapped[token] - (minus is { } other ? _uncapped[other] : _mean);

    /// <summary>The tokens with the highest probability in any of several, highest first.</summary>
    public static int[] MostProbable(int count, params NextTokenLogits[] all) =>
        [.. Enumerable.Range(0, all[0]._probabilities.Length).OrderByDescending(token => all.Max(one => one._probabilities[token])).Take(count)];
}
