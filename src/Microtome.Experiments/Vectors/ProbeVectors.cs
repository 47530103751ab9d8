using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>Vectors of what probes learn.</summary>
public static class ProbeVectors
{
    /// <summary>A probe's direction for every layer, of unit length; the recipe's notes say how well each tells held-out texts apart.</summary>
    /// <exception cref="ArgumentException">There are too few pairs, or their texts do not differ.</exception>
    public static SteeringVector Make(LoadedModel model, IReadOnlyList<ContrastPair> pairs, string concept = "", int seed = 0, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        IReadOnlyList<Probe> probes = Probe.Fit(StreamStates.Collect(model.Transformer, PairVectors.Encode(model, pairs), progress: progress, cancellation: cancellation), seed);
        return new SteeringVector(probes.Select(probe => KeyValuePair.Create(probe.Layer, probe.Direction)), new VectorRecipe
        {
            Model = model.Name,
            Family = model.Specification.Family,
            Method = "probe",
            Concept = concept,
            Positive = [.. pairs.Select(pair => pair.Positive)],
            Negative = [.. pairs.Select(pair => pair.Negative)],
            Seed = seed,
            Notes = Notes(probes),
            Version = MicrotomeVersion.Text,
        });
    }

    internal static Dictionary<string, string> Notes(IReadOnlyList<Probe> probes) => probes.ToDictionary(probe => $"held-out accuracy, layer {probe.Layer}", probe => probe.HeldOut.ToString("0.000"));
}
