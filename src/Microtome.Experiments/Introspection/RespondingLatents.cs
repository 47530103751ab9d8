using Microtome.Dictionaries;

namespace Microtome.Experiments;

/// <summary>The latents that respond to injected concepts, from the layer of the injection on.</summary>
internal static class RespondingLatents
{
    public static void Describe(ExperimentContext context, ExperimentOutcome outcome, TranscoderSet dictionary, YesNoQuestion ask, int layer, double strength)
    {
        context.Report("latents", null);
        ExperimentSettings settings = context.Settings;
        LatentReadings Read(InjectedVector? vector) => LatentReadings.Read(context, dictionary, ask.Prompt.Tokens, vector?.At(layer, strength, ask.Positions, settings.Unit), layer, ask.Positions);
        LatentReadings without = Read(null);
        LatentReadings[] concepts = [.. context.Vectors.Where(vector => !vector.IsPlacebo).Select(Read)], placebos = [.. context.Vectors.Where(vector => vector.IsPlacebo).Select(Read)];
        double[] Changes(LatentReadings[] readings, LatentId id) => [.. readings.Select(reading => reading.Summed.GetValueOrDefault(id) - without.Summed.GetValueOrDefault(id))];
        LatentId[] all = [.. concepts.SelectMany(reading => reading.Summed.Keys).Concat(without.Summed.Keys).Distinct().OrderBy(id => id.Layer).ThenBy(id => id.Feature)];
        LatentId[] top = [.. all.OrderByDescending(id => Math.Abs(Descriptive.Mean(Changes(concepts, id)))).Take((int)settings.Number("top"))];
        outcome.Section("Latents that respond");
        outcome.Paragraph($"Latents of {dictionary.Name} whose activation, summed over the injected positions, changes most under concepts; of {all.Length:N0} that are active at all, so that the first of them are partly the luckiest.");
        outcome.Table(["latent", ">change under concepts", ">under random vectors", ">concepts less random"], top.Select(id => new[]
        {
            id.ToString(), TextNumber.Of(Bootstrap.Mean(Changes(concepts, id), settings.Seed, settings.Resamples)),
            placebos.Length == 0 ? "" : TextNumber.Of(Bootstrap.Mean(Changes(placebos, id), settings.Seed, settings.Resamples)),
            placebos.Length == 0 ? "" : TextNumber.Of(Bootstrap.Difference(Changes(concepts, id), Changes(placebos, id), settings.Seed, settings.Resamples)),
        }));
    }
}
