using System.Numerics.Tensors;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>
/// One prompt's local replacement model (Ameisen et al. 2025, "Circuit Tracing"): what a forward pass leaves frozen - attention
/// patterns and every norm's denominators - and the sources that the stream is a linear function of: active features, the errors
/// that the transcoders leave, token embeddings, and what steering added where the prompt was steered.
/// </summary>
public sealed class LocalReplacement
{
    private LocalReplacement(ReplacementModel model, int[] tokens)
    {
        int layers = model.Specification.Layers.Count;
        Model = model;
        Tokens = tokens;
        Patterns = new Tensor[layers];
        AttentionDenominators = new Tensor?[layers];
        AttentionPostDenominators = new Tensor?[layers];
        MlpDenominators = new Tensor?[layers];
        MlpPostDenominators = new Tensor?[layers];
        Inputs = new Tensor[layers];
        Outputs = new Tensor[layers];
    }

    public ReplacementModel Model { get; }

    public int[] Tokens { get; }

    /// <summary>The active features, sorted by layer, position and feature.</summary>
    public IReadOnlyList<FeatureNode> Features { get; private set; } = [];

    /// <summary>The logits of the last position [vocabulary], after any soft cap.</summary>
    public Tensor Logits { get; private set; } = null!;

    /// <summary>What each layer's features leave unexplained [layers, positions, width], at the output hook.</summary>
    internal Tensor Errors { get; private set; } = null!;

    /// <summary>[positions, width]</summary>
    internal Tensor Embeddings { get; private set; } = null!;

    /// <summary>What steering added; null where the prompt was not steered.</summary>
    internal Injections? Injected { get; private set; }

    /// <summary>For each layer [heads, queries, keys].</summary>
    internal Tensor[] Patterns { get; }

    /// <summary>For each layer the norm's denominator at each position; null where there is no such norm.</summary>
    internal Tensor?[] AttentionDenominators { get; }

    internal Tensor?[] AttentionPostDenominators { get; }

    internal Tensor?[] MlpDenominators { get; }

    internal Tensor?[] MlpPostDenominators { get; }

    internal Tensor FinalDenominators { get; private set; } = null!;

    /// <summary>For each layer what transcoders read [positions, width].</summary>
    internal Tensor[] Inputs { get; }

    /// <summary>For each layer what transcoders should write [positions, width].</summary>
    internal Tensor[] Outputs { get; }

    /// <summary>For each layer and position the first of its features in <see cref="Features"/>; one more entry at the end.</summary>
    internal int[] FirstFeature { get; private set; } = [];

    internal int Positions => Tokens.Length;

    internal int Layers => Patterns.Length;

    /// <summary>How many sources there are: features, then errors by layer and position, then tokens, then injections by layer and position.</summary>
    internal int Sources => InjectionSource(Injected?.Nodes.Count ?? 0);

    /// <summary>The source of the error at a layer and position; at layer <see cref="Layers"/>, of the token.</summary>
    internal int ErrorSource(int layer, int position) => Features.Count + layer * Positions + position;

    /// <summary>The source of an injection.</summary>
    /// <param name="index">Which of the <see cref="Injections.Nodes"/>.</param>
    internal int InjectionSource(int index) => ErrorSource(Layers + 1, 0) + index;

    /// <summary>Runs the prompt once and finds its features and errors.</summary>
    /// <param name="progress">Told the fraction done.</param>
    public static LocalReplacement Build(ReplacementModel model, int[] tokens, IProgress<double>? progress = null, CancellationToken cancellation = default) =>
        Build(model, tokens, steering: null, progress, cancellation);

    /// <summary>The same of a prompt that is steered.</summary>
    /// <param name="steering">Hooks that change the stream: at the embedding, at attention's and the MLP's outputs, or after a layer.</param>
    /// <param name="progress">Told the fraction done.</param>
    public static LocalReplacement Build(ReplacementModel model, int[] tokens, ForwardHooks? steering, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        LocalReplacement local = Run(model, tokens, steering, cancellation);
        progress?.Report(0);
        local.FindFeatures(progress, cancellation);
        return local;
    }

    /// <summary>The forward pass alone: everything but features and errors.</summary>
    internal static LocalReplacement Run(ReplacementModel model, int[] tokens, ForwardHooks? steering, CancellationToken cancellation)
    {
        LocalReplacement local = new(model, tokens);
        ForwardHooks hooks = new();
        for (int layer = 0; layer < local.Layers; layer++)
        {
            hooks.Add(HookPoint.AttentionPattern, layer, (x, at) => local.Patterns[at.Layer] = x)
                .Add(HookPoint.AttentionNormScale, layer, (x, at) => local.AttentionDenominators[at.Layer] = x)
                .Add(HookPoint.AttentionPostNormScale, layer, (x, at) => local.AttentionPostDenominators[at.Layer] = x)
                .Add(HookPoint.MlpNormScale, layer, (x, at) => local.MlpDenominators[at.Layer] = x)
                .Add(HookPoint.MlpPostNormScale, layer, (x, at) => local.MlpPostDenominators[at.Layer] = x)
                .Add(model.Transcoders.Input, layer, (x, at) => local.Inputs[at.Layer] = x.Clone())
                .Add(model.Transcoders.Output, layer, (x, at) => local.Outputs[at.Layer] = x.Clone());
        }
        hooks.Add(HookPoint.FinalNormScale, 0, (x, _) => local.FinalDenominators = x);
        if (steering is not null)
        {
            local.Injected = new Injections(local.Layers);
            local.Injected.Watch(hooks, steering, model.Transcoders.Output);
        }
        local.Logits = model.Transformer.Forward(tokens, hooks, logits: LogitRows.Last, cancellation: cancellation);
        local.Embeddings = model.Transformer.TokenEmbeddings(tokens);
        local.Injected?.Finish(tokens.Length);
        if (local.Injected?.Embedding is { } added) TensorPrimitives.Add(local.Embeddings.Span, added.Span, local.Embeddings.Span);
        return local;
    }

    private void FindFeatures(IProgress<double>? progress, CancellationToken cancellation)
    {
        int dropped = Model.DroppedPositions(Tokens);
        List<FeatureNode> features = [];
        FirstFeature = new int[Layers * Positions + 1];
        for (int layer = 0; layer < Layers; layer++)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (ActiveFeature active in Model.Encode(layer, Inputs[layer], dropped))
            {
                features.Add(new FeatureNode(layer, active.Position, active.Feature, active.Value));
                FirstFeature[layer * Positions + active.Position + 1]++;
            }
            progress?.Report((layer + 1.0) / Layers);
        }
        for (int i = 1; i < FirstFeature.Length; i++) FirstFeature[i] += FirstFeature[i - 1];
        Features = features;
        FindErrors(dropped);
    }

    /// <summary>Errors: what the MLP wrote, less features, bias and skip.</summary>
    private void FindErrors(int dropped)
    {
        int width = Model.Specification.ModelWidth;
        Errors = Tensor.Uninitialized(Layers, Positions, width);
        for (int layer = 0; layer < Layers; layer++)
        {
            Transcoder transcoder = Model.Transcoders.Layers[layer];
            Matrix errors = Errors.Slice(layer);
            Outputs[layer].Span.CopyTo(Errors.Span[(layer * Positions * width)..]);
            if (transcoder.Skip is { } skip)
            {
                Tensor linear = Tensor.Uninitialized(Positions, width);
                MatrixProduct.Multiply(Inputs[layer].AsMatrix(), skip, linear.AsMatrix());
                for (int position = 0; position < Positions; position++)
                    TensorPrimitives.Subtract(errors.Row(position), linear.Row(position), errors.Row(position));
            }
            for (int position = 0; position < Positions; position++)
                TensorPrimitives.Subtract(errors.Row(position), transcoder.DecoderBias.Span, errors.Row(position));
        }

        for (int layer = 0; layer < Layers; layer++)
        {
            Transcoder transcoder = Model.Transcoders.Layers[layer];
            int first = layer * Positions;
            WorkerPool.For(Positions, position =>
            {
                float[] row = new float[width];
                for (int i = FirstFeature[first + position]; i < FirstFeature[first + position + 1]; i++)
                    for (int target = transcoder.Layer; target < transcoder.Layer + transcoder.Targets; target++)
                    {
                        transcoder.DecoderRow(Features[i].Feature, target, row);
                        Span<float> error = Errors.Slice(target).Row(position);
                        TensorPrimitives.MultiplyAdd(row, -Features[i].Activation, error, error);
                    }
            });
            ResidentMemory.Trim();
        }
        for (int layer = 0; layer < Layers; layer++) Errors.Slice(layer).RowRange(0, Math.Min(dropped, Positions)).Clear();
    }
}
