using Microtome.Dictionaries;

namespace Microtome.Experiments;

/// <summary>The latents that respond to injected concepts, in the layers after the injection.</summary>
internal static class RespondingLatents
{
    public static void Describe(ExperimentContext context, ExperimentOutcome outcome, TranscoderSet dictionary, YesNoQuestion ask, int layer, double strength)
    {
        if (layer == context.Model.Specification.Layers.Count - 1)
        {
            outcome.Caution($"After layer {layer}, the last, there are no latents that could respond.");
            return;
        }
        ExperimentSettings settings = context.Settings;
        (LatentReadings without, LatentReadings[][] along) = LatentSweep.Run(context, dictionary, ask, layer, [strength], layer + 1);
        LatentReadings[] Of(bool placebos) => [.. along.Where((_, i) => context.Vectors[i].IsPlacebo == placebos).Select(one => one[0])];
        LatentReadings[] concepts = Of(placebos: false), placebos = Of(placebos: true);
        double[] Changes(LatentReadings[] readings, LatentId id) => [.. readings.Select(reading => reading.Summed.GetValueOrDefault(id) - without.Summed.GetValueOrDefault(id))];
        LatentId[] all = [.. concepts.SelectMany(reading => reading.Summed.Keys).Concat(without.Summed.Keys).Distinct().OrderBy(id => id.Layer).ThenBy(id => id.Feature)];
        // Later layers' activations are larger: each layer shows its own.
        int each = Math.Max(1, (int)settings.Number("top") / Math.Max(1, context.Model.Specification.Layers.Count - 1 - layer));
        LatentId[] top = [.. all.GroupBy(id => id.Layer).OrderBy(group => group.Key).SelectMany(group => group.OrderByDescending(id => Math.Abs(Descriptive.Mean(Changes(concepts, id)))).Take(each))];
        outcome.Section("Latents that respond");
        outcome.Paragraph($"Latents of {dictionary.Name} whose activation, summed over the injected positions, changes most under concepts, of each layer after the injection; of {all.Length:N0} that are active at all, so that the first of them are partly the luckiest.");
        outcome.Table(["latent", ">change under concepts", ">under random vectors", ">concepts less random"], top.Select(id => new[]
        {
            id.ToString(), TextNumber.Of(Bootstrap.Mean(Changes(concepts, id), settings.Seed, settings.Resamples)),
            placebos.Length == 0 ? "" : TextNumber.Of(Bootstrap.Mean(Changes(placebos, id), settings.Seed, settings.Resamples)),
            placebos.Length == 0 ? "" : TextNumber.Of(Bootstrap.Difference(Changes(concepts, id), Changes(placebos, id), settings.Seed, settings.Resamples)),
        }));
    }
}
