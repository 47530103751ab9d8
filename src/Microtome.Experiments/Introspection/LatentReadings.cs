using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>A dictionary's latents by layer and number.</summary>
internal readonly record struct LatentId(int Layer, int Feature)
{
    public override string ToString() => $"{Layer}:{Feature}";
}

/// <summary>Which latents are active in a prompt under a change.</summary>
/// <param name="AtAnswer">At the answer's position.</param>
/// <param name="Summed">Over the positions that are looked at.</param>
internal sealed record LatentReadings(IReadOnlyDictionary<LatentId, double> AtAnswer, IReadOnlyDictionary<LatentId, double> Summed)
{
    /// <param name="fromLayer">The first layer to look at.</param>
    /// <param name="positions">Where to look.</param>
    public static LatentReadings Read(ExperimentContext context, TranscoderSet dictionary, int[] tokens, Steering? change, int fromLayer, PositionRange positions, CancellationToken cancellation)
    {
        ModelSpecification model = context.Model.Specification;
        Dictionary<LatentId, double> answer = [], summed = [];
        ForwardHooks hooks = change?.Hooks(model) ?? new ForwardHooks();
        for (int layer = fromLayer; layer < model.Layers.Count; layer++)
            hooks.Add(dictionary.Input, layer, (input, at) =>
            {
                foreach (ActiveFeature active in dictionary.Layers[at.Layer].EncodeSparse(input.AsMatrix()))
                {
                    if (!positions.Contains(active.Position) || !float.IsFinite(active.Value)) continue;
                    LatentId id = new(at.Layer, active.Feature);
                    summed[id] = summed.GetValueOrDefault(id) + active.Value;
                    if (active.Position == tokens.Length - 1) answer[id] = active.Value;
                }
            });
        context.Model.Transformer.Forward(tokens, hooks, logits: LogitRows.None, cancellation: cancellation);
        return new LatentReadings(answer, summed);
    }
}
