using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>A transformer together with the transcoders that explain its MLPs.</summary>
public sealed class ReplacementModel
{
    // <bos><start_of_turn>user\n: what every prompt of Gemma 3's instruction-tuned models begins with.
    private static readonly int[] Gemma3Turn = [2, 105, 2364, 107];

    /// <exception cref="InvalidDataException">The transcoders were made for a model of another shape; the message says what differs.</exception>
    public ReplacementModel(Transformer transformer, TranscoderSet transcoders)
    {
        transcoders.CheckFits(transformer.Specification);
        Transformer = transformer;
        Transcoders = transcoders;
    }

    public Transformer Transformer { get; }

    public TranscoderSet Transcoders { get; }

    public ModelSpecification Specification => Transformer.Specification;

    /// <summary>
    /// How many positions at the start of a prompt have no features and no errors: models treat the first token as a resting place
    /// for attention, and dictionaries are not trained on it.
    /// </summary>
    public int DroppedPositions(ReadOnlySpan<int> tokens) =>
        Specification.Family.StartsWith("gemma3", StringComparison.Ordinal) && tokens.StartsWith(Gemma3Turn) ? Gemma3Turn.Length : 1;

    /// <summary>The sparse activations at a layer, without those at dropped positions.</summary>
    /// <param name="input">[positions, width], at the transcoders' input hook</param>
    internal List<ActiveFeature> Encode(int layer, Tensor input, int dropped)
    {
        List<ActiveFeature> active = Transcoders.Layers[layer].EncodeSparse(input.AsMatrix());
        active.RemoveAll(feature => feature.Position < dropped);
        return active;
    }

    /// <summary>
    /// Takes gradients with respect to what transcoders read back to the stream that the layer's MLP branch starts from, in place,
    /// with the norm's denominators frozen.
    /// </summary>
    /// <param name="gradients">[rows, width]</param>
    /// <param name="denominators">Of the norm before the MLP, one for each row.</param>
    internal void PullInput(int layer, Matrix gradients, ReadOnlySpan<float> denominators)
    {
        if (NormBeforeInput(layer) is { } norm) norm.Pull(gradients, denominators, throughScale: ReadsScaled(norm));
    }

    /// <summary>Takes what reaches the stream that the layer's MLP branch starts from to what transcoders read, in place: the linear map that <see cref="PullInput"/> is the adjoint of.</summary>
    /// <param name="values">[rows, width]</param>
    /// <param name="denominators">Of the norm before the MLP, one for each row.</param>
    internal void PushInput(int layer, Matrix values, ReadOnlySpan<float> denominators)
    {
        if (NormBeforeInput(layer) is { } norm) norm.Push(values, denominators, throughScale: ReadsScaled(norm));
    }

    private Normalization? NormBeforeInput(int layer) => Transcoders.Input == HookPoint.ResidMid ? null : Transformer.Weights.Layers[layer].NormBeforeMlp;

    private bool ReadsScaled(Normalization norm) => Transcoders.Input == HookPoint.MlpIn || norm.NormalizedIsAffine;

    /// <summary>The norm between what transcoders write and the stream, if there is one.</summary>
    internal Normalization? NormAfterOutput(int layer) =>
        Transcoders.Output == HookPoint.MlpRawOut ? Transformer.Weights.Layers[layer].NormAfterMlp : null;
}
