using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>
/// Changes to a model's stream that hold for a text: for its prompt, whole or in parts, and for every token generated after it. Positions
/// are absolute, so the same hooks serve every pass over the text.
/// </summary>
public sealed class Steering
{
    /// <param name="edits">Applied together; additions to one layer are summed.</param>
    /// <exception cref="ArgumentException">A latent is changed twice at one position.</exception>
    public Steering(IReadOnlyList<SteeringEdit> edits)
    {
        LatentEdit[] latents = [.. edits.OfType<LatentEdit>()];
        for (int i = 0; i < latents.Length; i++)
            for (int j = 0; j < i; j++)
                if ((latents[i].Layer, latents[i].Feature) == (latents[j].Layer, latents[j].Feature) && latents[i].Positions.Overlaps(latents[j].Positions))
                    throw new ArgumentException($"The latent {latents[i].Layer}:{latents[i].Feature} is changed twice at the same positions.", nameof(edits));
        AutoencoderEdit[] own = [.. edits.OfType<AutoencoderEdit>()];
        for (int i = 0; i < own.Length; i++)
            for (int j = 0; j < i; j++)
                if (own[i].Autoencoder == own[j].Autoencoder && own[i].Latent == own[j].Latent && own[i].Positions.Overlaps(own[j].Positions))
                    throw new ArgumentException($"The latent {own[i].Latent} of the autoencoder at {own[i].Autoencoder.Settings.HookName} is changed twice at the same positions.", nameof(edits));
        Edits = edits;
    }

    public IReadOnlyList<SteeringEdit> Edits { get; }

    /// <summary>Hooks that steer every sequence of a pass alike. Those of latents remember what they read, so that one pass at a time may use them.</summary>
    /// <param name="measure">Told how large the additions are; costs a few norms a row.</param>
    /// <exception cref="ArgumentException">An edit names a layer or latent that the model does not have, or a direction of another width.</exception>
    public ForwardHooks Hooks(ModelSpecification model, SteeringMeasure? measure = null) => Compile(model, [.. Edits.Select(edit => (edit, -1))], measure);

    /// <summary>Hooks for a trace, which finds what steering changed at the embedding, at attention's and the MLP's outputs and after a layer.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Hooks"/>, or an autoencoder writes elsewhere.</exception>
    public ForwardHooks HooksForTracing(ModelSpecification model, TranscoderSet transcoders, SteeringMeasure? measure = null)
    {
        ArgumentNullException.ThrowIfNull(transcoders);
        ForwardHooks hooks = Hooks(model, measure);
        foreach (AutoencoderEdit edit in Edits.OfType<AutoencoderEdit>())
        {
            (_, _, HookPoint point, int layer) = edit.Autoencoder.FindHooks(model);
            if (AutoencoderSteering.Place(point, layer).Point is not (HookPoint.Embed or HookPoint.AttentionOut or HookPoint.MlpOut or HookPoint.ResidPost) and var other && other != transcoders.Output)
                throw new ArgumentException($"The autoencoder writes at {point.FullName(layer)}, where a trace does not see what steering changes; it does at hook_attn_out, hook_mlp_out, hook_resid_pre from layer 1 on, and hook_resid_post.");
        }
        return hooks;
    }

    /// <summary>Hooks that steer each sequence of a batch in its own way; where null, not at all.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Hooks"/>.</exception>
    public static ForwardHooks HooksFor(ModelSpecification model, IReadOnlyList<Steering?> sequences, SteeringMeasure? measure = null) =>
        Compile(model, [.. sequences.SelectMany((steering, sequence) => (steering?.Edits ?? []).Select(edit => (edit, sequence)))], measure);

    private static ForwardHooks Compile(ModelSpecification model, (SteeringEdit Edit, int Sequence)[] edits, SteeringMeasure? measure)
    {
        foreach ((SteeringEdit edit, int _) in edits) Check(edit, model);
        ForwardHooks hooks = new();
        AddAblations(hooks, model, [.. edits.Where(one => one.Edit is Ablation).Select(one => ((Ablation)one.Edit, one.Sequence))]);
        foreach (var layer in edits.Where(one => one.Edit is LatentEdit).Select(one => (Edit: (LatentEdit)one.Edit, one.Sequence)).GroupBy(one => (one.Edit.Dictionary, one.Edit.Layer)))
            new LatentSteering(layer.Key.Dictionary, layer.Key.Layer, [.. layer.Select(one => (one.Edit, one.Sequence))], StreamPoints.Adds(layer.Key.Dictionary.Output, model) ? measure : null).AddTo(hooks);
        foreach (var layer in edits.Where(one => one.Edit is Addition).Select(one => (Edit: (Addition)one.Edit, one.Sequence)).GroupBy(one => one.Edit.Layer).OrderBy(group => group.Key))
        {
            RowEdits<Addition> additions = new(layer.Select(one => (one.Edit, one.Sequence)));
            float[] norms = [.. additions.All.Select(addition => SteeringVector.Norm(addition.Direction))];
            if (measure is not null) hooks.Add(HookPoint.ResidPost, layer.Key, (stream, at) => measure.Note(stream, at, additions, norms));
            RowEdit<Addition> add = (addition, index, row, _) => VectorOperations.AddScaled(row, Factor(addition, norms[index], row), addition.Direction);
            hooks.Add(HookPoint.ResidPost, layer.Key, (stream, at) => additions.Apply(stream, at, add));
        }
        // After the additions, so that a latent that is set has the value that it was set to.
        foreach (var own in edits.Where(one => one.Edit is AutoencoderEdit).Select(one => (Edit: (AutoencoderEdit)one.Edit, one.Sequence)).GroupBy(one => one.Edit.Autoencoder))
            new AutoencoderSteering(own.Key, model, [.. own], measure).AddTo(hooks);
        return hooks;
    }

    /// <summary>What an addition's direction is multiplied by at a row.</summary>
    internal static float Factor(Addition addition, float norm, ReadOnlySpan<float> row) => addition.Unit switch
    {
        SteeringUnit.Vector => addition.Strength,
        SteeringUnit.Length => norm > 0 ? addition.Strength / norm : 0,
        _ => norm > 0 ? addition.Strength * SteeringVector.Norm(row) / norm : 0,
    };

    private static void AddAblations(ForwardHooks hooks, ModelSpecification model, (Ablation Edit, int Sequence)[] ablations)
    {
        if (ablations.Length == 0) return;
        for (int layer = -1; layer < model.Layers.Count; layer++) // -1: the embedding
        {
            int at = layer;
            RowEdits<Ablation> here = new(ablations.Where(one => at < 0 ? one.Edit.Embedding : one.Edit.Layers.Contains(at)));
            if (here.All.Count == 0) continue;
            float[][] units = [.. here.All.Select(ablation => SteeringVector.Scaled(ablation.Direction, 1 / SteeringVector.Norm(ablation.Direction)))];
            RowEdit<Ablation> ablate = (_, index, row, _) => VectorOperations.AddScaled(row, -VectorOperations.Dot(row, units[index]), units[index]);
            foreach (HookPoint point in layer < 0 ? [HookPoint.Embed, HookPoint.PositionEmbed] : (HookPoint[])[HookPoint.AttentionOut, HookPoint.MlpOut])
                hooks.Add(point, Math.Max(0, layer), (write, context) => here.Apply(write, context, ablate));
        }
    }

    private static void Check(SteeringEdit edit, ModelSpecification model)
    {
        int layers = model.Layers.Count;
        int[] named = edit switch { Addition addition => [addition.Layer], Ablation ablation => [.. ablation.Layers], LatentEdit edited => [edited.Layer], _ => [] };
        foreach (int layer in named)
            if ((uint)layer >= (uint)layers) throw new ArgumentException($"There is no layer {layer} to steer; the model's are 0 to {layers - 1}.");
        if (((edit as Addition)?.Direction ?? (edit as Ablation)?.Direction) is { } direction)
        {
            if (direction.Length != model.ModelWidth) throw new ArgumentException($"The vector has width {direction.Length}, but the model's stream has {model.ModelWidth}: it was made for another model.");
            if (edit is Ablation && !(SteeringVector.Norm(direction) > 0)) throw new ArgumentException("A direction of length 0 cannot be ablated.");
        }
        if (edit is AutoencoderEdit { Autoencoder: { } autoencoder } latent)
        {
            if ((uint)latent.Latent >= (uint)autoencoder.Latents) throw new ArgumentException($"The autoencoder at {autoencoder.Settings.HookName} has no latent {latent.Latent}; it has 0 to {autoencoder.Latents - 1}.");
            (HookPoint point, int layer, HookPoint outputPoint, int outputLayer) = autoencoder.FindHooks(model);
            if ((outputLayer, outputPoint).CompareTo((layer, point)) < 0) throw new ArgumentException($"The autoencoder writes at {outputPoint.FullName(outputLayer)}, before it reads at {point.FullName(layer)}: its latents cannot be steered.");
        }
        if (edit is LatentEdit { Dictionary: { } dictionary } one)
        {
            dictionary.CheckFits(model);
            int features = dictionary.Layers[one.Layer].Features;
            if ((uint)one.Feature >= (uint)features) throw new ArgumentException($"Layer {one.Layer} has no latent {one.Feature}; it has 0 to {features - 1}.");
        }
    }
}
