namespace Microtome.Experiments.Tests.Plots;

/// <summary>A chart of every kind.</summary>
internal static class Charts
{
    public static IEnumerable<Chart> All(string text = "A title") =>
    [
        new XyChart(text, text, new Axis(text), new Axis("P(yes)") { Minimum = 0, Maximum = 1 },
        [
            new Series(SeriesKind.Line, text, [new(0, new Interval(0.1, 0.05, 0.2)), new(1, new Interval(0.4, 0.3, 0.5)), new(2, double.NaN), new(3, new Interval(0.9, 0.8, 1), text)]),
            new Series(SeriesKind.Line, "placebo", [new(0, 0.1), new(1, 0.1), new(3, 0.2)]) { Color = SeriesColor.Ink, IsDashed = true },
            new Series(SeriesKind.Points, null, [new(1.5, 0.5, 0.4, 0.6), new(2, double.PositiveInfinity)]) { Color = SeriesColor.Faint },
        ]) { References = [new Reference("chance", 0.5), new Reference(text, 2, IsVertical: true)] },
        new XyChart(text, text, new Axis("concept") { Categories = [text, "sea", "fire"] }, new Axis("Δ log-odds"),
        [
            new Series(SeriesKind.Bars, "steered", [new(0, 1.5, 1, 2), new(1, -0.5, -1, 0), new(2, 0.1)]),
            new Series(SeriesKind.Bars, "sham", [new(0, 0.1), new(1, 0.2), new(2, 0)]) { Color = SeriesColor.Ink },
        ]),
        new XyChart("Empty", "Nothing.", new Axis("x") { IsLogarithmic = true }, new Axis("y"), []),
        new XyChart("Decades", "A line.", new Axis("x") { IsLogarithmic = true }, new Axis("y") { IsLogarithmic = true }, [new Series(SeriesKind.Line, null, [new(-1, 1), new(1, 1e-3), new(1000, 1e6)])]) { References = [new Reference("one", 1)] },
        new HeatMap(text, text, new Axis("strength") { Categories = ["1", "2", "4"] }, new Axis("layer"), new[,] { { 0.1, -0.4, double.NaN }, { 0.8, 0.2, 0.3 } }, text) { Scale = ColorScale.Diverging },
        new HeatMap("One", "One value.", new Axis("x"), new Axis("y"), new[,] { { 0.0 } }, "value"),
        new HeatMap("None", "No value.", new Axis("x"), new Axis("y"), new double[0, 0], "value"),
        new Histogram(text, text, new Axis("margin"), [(text, [0.1, 0.2, 0.2, 0.4, double.NaN]), ("other", [0.3])]),
        new Histogram("Empty", "Nothing.", new Axis("x"), [(null, [])]),
        new Histogram("Equal", "One value.", new Axis("x"), [(null, [2, 2, 2])]) { Bins = 3 },
    ];
}
