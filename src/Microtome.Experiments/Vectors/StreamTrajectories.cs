using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>
/// Runs through the layers: the stream at each text's last token after every layer, in the two directions in which the runs differ most at one
/// layer. The directions are fitted there and applied to every layer.
/// </summary>
/// <param name="Points">[runs][layers]</param>
/// <param name="Explained">The share of the variance at the fitted layer along the two directions.</param>
public sealed record StreamTrajectories(int FittedLayer, IReadOnlyList<IReadOnlyList<(double X, double Y)>> Points, IReadOnlyList<double> Explained)
{
    /// <exception cref="ArgumentException">The layer does not exist, or there are fewer than three texts that differ.</exception>
    public static StreamTrajectories Of(StreamStates states, int layer)
    {
        if ((uint)layer >= (uint)states.Layers) throw new ArgumentException($"There is no layer {layer}; the model's are 0 to {states.Layers - 1}.", nameof(layer));
        PrincipalComponents components = PrincipalComponents.Of(states.After(layer).AsMatrix(), 2);
        if (components.Directions.Length < 2) throw new ArgumentException("The texts' states differ in fewer than two directions; give more texts.", nameof(states));
        return new StreamTrajectories(layer,
            [.. Enumerable.Range(0, states.Prompts).Select(run => (IReadOnlyList<(double, double)>)[.. Enumerable.Range(0, states.Layers).Select(at =>
            {
                double[] place = components.Project(states.After(at).Row(run));
                return (place[0], place[1]);
            })])],
            components.Explained);
    }

    /// <summary>The runs as lines from the first layer to the last, one colour a group, with a point at the fitted layer.</summary>
    /// <param name="texts">Of the runs.</param>
    /// <param name="groups">Of the runs; runs of one group have one colour.</param>
    public XyChart Draw(string title, IReadOnlyList<string> texts, IReadOnlyList<string> groups)
    {
        List<Series> series = [];
        string[] names = [.. groups.Distinct()];
        // Lines of a group are one series, broken by values that are not numbers.
        foreach (string group in names)
        {
            int[] runs = [.. Enumerable.Range(0, Points.Count).Where(run => groups[run] == group)];
            series.Add(new Series(SeriesKind.Line, group,
                [.. runs.SelectMany(run => Points[run].Select((point, layer) => new DataPoint(point.X, point.Y, Text: $"{texts[run]} after layer {layer}")).Append(new DataPoint(double.NaN, double.NaN)))]));
        }
        foreach (string group in names)
        {
            int[] runs = [.. Enumerable.Range(0, Points.Count).Where(run => groups[run] == group)];
            series.Add(new Series(SeriesKind.Points, $"{group}, layer {FittedLayer}", [.. runs.Select(run => new DataPoint(Points[run][FittedLayer].X, Points[run][FittedLayer].Y, Text: texts[run]))]));
        }
        return new XyChart(title, $"Each line is one text's stream through {Points[0].Count} layers, in the plane of most variance after layer {FittedLayer}.",
            new Axis($"first component ({Explained[0]:0%} of variance after layer {FittedLayer})"), new Axis($"second component ({Explained[1]:0%})"), series)
        { Height = 480 };
    }
}
