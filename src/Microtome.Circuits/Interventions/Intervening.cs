using System.Numerics.Tensors;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>Runs a model with features set to given activations: each writes its decoder row times the difference to what it would have been.</summary>
public static class Intervening
{
    /// <summary>One forward pass over the prompt.</summary>
    /// <exception cref="ArgumentException">An intervention's layer, position or feature does not exist.</exception>
    public static InterventionResult Run(
        ReplacementModel model, int[] tokens, IReadOnlyList<FeatureIntervention> interventions, InterventionMode mode = InterventionMode.FrozenAttention, bool withActivations = false, LogitRows logits = LogitRows.All, CancellationToken cancellation = default)
    {
        InterventionPass pass = new(model, tokens, interventions, mode, withActivations, cancellation);
        return new InterventionResult(model.Transformer.Forward(tokens, pass.Hooks, logits: logits, cancellation: cancellation), withActivations ? pass.Activations! : null);
    }

    /// <summary>
    /// Generates with interventions. The prompt's pass is as <see cref="Run"/>'s; later passes are unfrozen and keep the open-ended interventions.
    /// </summary>
    /// <exception cref="ArgumentException">As for <see cref="Run"/>, or an option is out of range.</exception>
    public static IEnumerable<int> Generate(
        ReplacementModel model, int[] prompt, IReadOnlyList<FeatureIntervention> interventions, InterventionMode mode, SamplingOptions options, CancellationToken cancellation = default)
    {
        InterventionPass first = new(model, prompt, interventions, mode, withActivations: false, cancellation);
        FeatureIntervention[] openEnded = [.. interventions.Where(intervention => intervention.OpenEnded)];
        return Generation.Generate(model.Transformer, prompt, options,
            position => position == 0 ? first.Hooks : openEnded.Length == 0 ? null : InterventionPass.AtGeneratedToken(model, openEnded, cancellation).Hooks,
            cancellation);
    }
}

/// <summary>The hooks of one forward pass with interventions.</summary>
internal sealed class InterventionPass
{
    private readonly ReplacementModel _model;
    private readonly int _positions;
    private readonly int _dropped;
    private readonly LocalReplacement? _frozen;
    private readonly bool _direct;
    private readonly ILookup<int, FeatureIntervention> _byLayer;
    private readonly Tensor?[] _writes;
    private readonly Tensor?[] _inputs;

    /// <summary>Interventions on a prompt.</summary>
    public InterventionPass(ReplacementModel model, int[] tokens, IReadOnlyList<FeatureIntervention> interventions, InterventionMode mode, bool withActivations, CancellationToken cancellation)
        : this(model, tokens.Length, model.DroppedPositions(tokens), Spread(model, tokens.Length, interventions), withActivations,
            mode == InterventionMode.Unfrozen ? null : LocalReplacement.Run(model, tokens, null, cancellation), mode == InterventionMode.Direct)
    {
    }

    private InterventionPass(ReplacementModel model, int positions, int dropped, IEnumerable<FeatureIntervention> interventions, bool withActivations, LocalReplacement? frozen, bool direct)
    {
        _model = model;
        _positions = positions;
        _dropped = dropped;
        _frozen = frozen;
        _direct = direct;
        _byLayer = interventions.ToLookup(intervention => intervention.Layer);
        int layers = model.Specification.Layers.Count;
        _writes = new Tensor?[layers];
        _inputs = new Tensor?[layers];
        Activations = withActivations ? new Tensor[layers] : null;
        if (frozen is not null) Freeze(frozen);
        for (int layer = 0; layer < layers; layer++)
        {
            Hooks.Add(model.Transcoders.Input, layer, (x, at) => OnInput(at.Layer, x));
            Hooks.Add(model.Transcoders.Output, layer, (x, at) => OnOutput(at.Layer, x));
        }
    }

    public ForwardHooks Hooks { get; } = new();

    /// <summary>For each layer [positions, features], filled by the pass.</summary>
    public Tensor[]? Activations { get; }

    /// <summary>Open-ended interventions on a pass over one generated token.</summary>
    public static InterventionPass AtGeneratedToken(ReplacementModel model, IEnumerable<FeatureIntervention> interventions, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return new InterventionPass(model, 1, 0, Spread(model, 1, [.. interventions.Select(intervention => intervention with { Position = 0 })]), withActivations: false, null, direct: false);
    }

    /// <summary>One intervention for each position; a later one on the same feature replaces an earlier.</summary>
    private static IEnumerable<FeatureIntervention> Spread(ReplacementModel model, int positions, IReadOnlyList<FeatureIntervention> interventions)
    {
        Dictionary<(int, int, int), FeatureIntervention> spread = [];
        foreach (FeatureIntervention intervention in interventions)
        {
            (int layer, int position, int feature, float value, bool openEnded, bool isFactor) = intervention;
            if ((uint)layer >= (uint)model.Transcoders.Layers.Count) throw new ArgumentException($"There is no layer {layer}; the model's are 0 to {model.Transcoders.Layers.Count - 1}.", nameof(interventions));
            if ((uint)position >= (uint)positions && !(openEnded && position == positions)) throw new ArgumentException($"There is no position {position}; the prompt's are 0 to {positions - 1}.", nameof(interventions));
            int features = model.Transcoders.Layers[layer].Features;
            if ((uint)feature >= (uint)features) throw new ArgumentException($"Layer {layer} has no feature {feature}; it has 0 to {features - 1}.", nameof(interventions));
            if (!float.IsFinite(value)) throw new ArgumentException($"A feature cannot be set to {value}.", nameof(interventions));
            for (int at = position; at < (openEnded ? positions : position + 1); at++) spread[(layer, at, feature)] = new FeatureIntervention(layer, at, feature, value, IsFactor: isFactor);
        }
        return spread.Values;
    }

    private void Freeze(LocalReplacement frozen)
    {
        for (int layer = 0; layer < frozen.Layers; layer++)
        {
            Hooks.Add(HookPoint.AttentionPattern, layer, (x, at) => frozen.Patterns[at.Layer].Span.CopyTo(x.Span));
            if (!_direct) continue;
            Hooks.Add(HookPoint.AttentionNormScale, layer, (x, at) => frozen.AttentionDenominators[at.Layer]!.Span.CopyTo(x.Span))
                .Add(HookPoint.AttentionPostNormScale, layer, (x, at) => frozen.AttentionPostDenominators[at.Layer]!.Span.CopyTo(x.Span))
                .Add(HookPoint.MlpNormScale, layer, (x, at) => frozen.MlpDenominators[at.Layer]!.Span.CopyTo(x.Span))
                .Add(HookPoint.MlpPostNormScale, layer, (x, at) => frozen.MlpPostDenominators[at.Layer]!.Span.CopyTo(x.Span));
        }
        if (_direct) Hooks.Add(HookPoint.FinalNormScale, 0, (x, _) => frozen.FinalDenominators.Span.CopyTo(x.Span));
    }

    private void OnInput(int layer, Tensor input)
    {
        Transcoder transcoder = _model.Transcoders.Layers[layer];
        if (_direct && transcoder.Skip is not null) _inputs[layer] = input.Clone();
        if (Activations is not null) Activations[layer] = EncodeAll(transcoder, input);
        if (!_byLayer.Contains(layer)) return;

        // What the features would be: in the unchanged prompt where only direct paths count, else as things now stand.
        Tensor read = _direct ? _frozen!.Inputs[layer] : input;
        Tensor? encoded = transcoder.Activation.NeedsAllFeatures ? _direct || Activations is null ? EncodeAll(transcoder, read) : Activations[layer] : null;
        float[] row = new float[transcoder.Width];
        foreach (FeatureIntervention intervention in _byLayer[layer])
        {
            float present = intervention.Position < _dropped ? 0
                : encoded is not null ? encoded.Row(intervention.Position)[intervention.Feature]
                : transcoder.Encode(read.Row(intervention.Position), intervention.Feature);
            float value = intervention.IsFactor ? intervention.Value * present : intervention.Value;
            if (value == present) continue;
            for (int target = layer; target < layer + transcoder.Targets; target++)
            {
                transcoder.DecoderRow(intervention.Feature, target, row);
                Span<float> write = (_writes[target] ??= new Tensor(_positions, transcoder.Width)).Row(intervention.Position);
                TensorPrimitives.MultiplyAdd(row, value - present, write, write);
            }
        }
    }

    private void OnOutput(int layer, Tensor output)
    {
        if (_direct)
        {
            _frozen!.Outputs[layer].Span.CopyTo(output.Span);
            if (_model.Transcoders.Layers[layer].Skip is { } skip)
            {
                Tensor difference = _inputs[layer]!;
                TensorPrimitives.Subtract(difference.Span, _frozen.Inputs[layer].Span, difference.Span);
                MatrixProduct.Multiply(difference.AsMatrix(), skip, output.AsMatrix(), accumulate: true);
            }
        }
        if (_writes[layer] is not { } write) return;
        TensorPrimitives.Add(output.Span, write.Span, output.Span);
        _writes[layer] = null;
    }

    private Tensor EncodeAll(Transcoder transcoder, Tensor input)
    {
        Tensor activations = transcoder.Encode(input.AsMatrix());
        activations.AsMatrix().RowRange(0, Math.Min(_dropped, activations.Rows)).Clear();
        return activations;
    }
}
