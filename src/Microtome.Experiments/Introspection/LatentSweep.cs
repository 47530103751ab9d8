using Microtome.Dictionaries;

namespace Microtome.Experiments;

/// <summary>The latents that are active while a question is read, without injection and under every vector at every strength: a cell each, kept with the other results.</summary>
/// <param name="Without">Without injection.</param>
/// <param name="Along">Of each vector, at each strength.</param>
internal sealed record LatentSweep(LatentReadings Without, LatentReadings[][] Along)
{
    private static readonly SweepTable Table = new("latents", ["vector", "kind", "strength"], ["active", "activation"]) { Details = ["layer", "latent", "summed", "at_answer"] };

    /// <param name="layer">After which vectors are added.</param>
    /// <param name="fromLayer">The first layer whose latents are read.</param>
    public static LatentSweep Run(ExperimentContext context, TranscoderSet dictionary, YesNoQuestion ask, int layer, IReadOnlyList<double> strengths, int fromLayer)
    {
        IReadOnlyList<InjectedVector> vectors = context.Vectors;
        List<SweepCell> cells = [Table.Cell(0, "", InjectedVector.NoKind, 0.0)];
        List<Steering?> changes = [null];
        foreach (InjectedVector vector in vectors)
            foreach (double strength in strengths)
            {
                cells.Add(Table.Cell(cells.Count, vector.Name, vector.Kind, strength));
                changes.Add(vector.At(layer, strength, ask.Positions, context.Settings.Unit));
            }
        IReadOnlyList<SweepRow> rows = Sweep.Run(context.Store, Table, cells, 1,
            (ordinals, cancellation) => [.. ordinals.Select(ordinal => Cell(LatentReadings.Read(context, dictionary, ask.Prompt.Tokens, changes[ordinal], fromLayer, ask.Positions, cancellation)))],
            context.Progress("latents along vectors"), context.Cancellation);
        SweepStore.WriteJsonLines(Path.Combine(context.Folder, "latents.jsonl"), Table, rows);
        LatentReadings[] readings = [.. rows.Select(Readings)];
        return new LatentSweep(readings[0], [.. readings.Skip(1).Chunk(strengths.Count)]);
    }

    private static CellResult Cell(LatentReadings readings) => new([readings.Summed.Count, readings.Summed.Values.Sum()])
    {
        Details = [.. readings.Summed.OrderBy(one => one.Key.Layer).ThenBy(one => one.Key.Feature).Select(one => new[] { one.Key.Layer, one.Key.Feature, one.Value, readings.AtAnswer.GetValueOrDefault(one.Key) })],
    };

    private static LatentReadings Readings(SweepRow row)
    {
        Dictionary<LatentId, double> answer = [], summed = [];
        foreach (double[] detail in row.Result.Details)
        {
            LatentId id = new((int)detail[0], (int)detail[1]);
            summed.Add(id, detail[2]);
            answer.Add(id, detail[3]);
        }
        return new LatentReadings(answer, summed);
    }
}
