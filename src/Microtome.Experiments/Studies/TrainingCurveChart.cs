using Microtome.Models.Training;

namespace Microtome.Experiments;

/// <summary>Draws how a loss fell.</summary>
public static class TrainingCurveChart
{
    private const int MostPoints = 200;

    /// <param name="records">In the order of the steps.</param>
    public static Chart Of(IReadOnlyList<TrainingRecord> records)
    {
        int stretch = (records.Count + MostPoints - 1) / MostPoints;
        List<Series> series =
        [
            new(SeriesKind.Line, stretch > 1 ? $"training, means of {stretch} steps" : "training",
                [.. records.Chunk(Math.Max(1, stretch)).Select(chunk => new DataPoint(chunk.Average(record => record.Step), chunk.Average(record => record.Loss)))]),
        ];
        DataPoint[] validation = [.. records.Where(record => record.ValidationLoss is not null).Select(record => new DataPoint(record.Step, record.ValidationLoss!.Value))];
        if (validation.Length > 0) series.Add(new Series(SeriesKind.Points, "held-out texts", validation));
        return new XyChart("Loss during training", "The mean cross-entropy of the next token over the steps of training.", new Axis("Step"), new Axis("Cross-entropy, nats a token"), series);
    }
}
