namespace Microtome.Experiments;

/// <summary>
/// A chart, described by what it shows: <see cref="ChartSvg"/> draws it, <see cref="VegaLite"/> writes it for others to draw and change. Values that are
/// not finite are left out, and lines are broken there.
/// </summary>
/// <param name="Title">What is shown; it names the picture for those who cannot see it, too.</param>
/// <param name="Description">What one sees, in a sentence, for those who cannot.</param>
public abstract record Chart(string Title, string Description)
{
    /// <summary>In pixels, title and legend included.</summary>
    public int Width { get; init; } = 640;

    /// <summary>In pixels, title and legend included.</summary>
    public int Height { get; init; } = 360;
}

/// <param name="Title">What is measured, with its unit.</param>
public sealed record Axis(string Title)
{
    /// <summary>Only positive values, each decade as long as the next.</summary>
    public bool IsLogarithmic { get; init; }

    /// <summary>Names of the places 0, 1, 2 …, instead of numbers.</summary>
    public IReadOnlyList<string>? Categories { get; init; }

    /// <summary>Where it begins; by the values where null.</summary>
    public double? Minimum { get; init; }

    /// <summary>Where it ends; by the values where null.</summary>
    public double? Maximum { get; init; }
}

/// <summary>A chart over two axes: lines, points, bars and reference lines, drawn in order.</summary>
public sealed record XyChart(string Title, string Description, Axis X, Axis Y, IReadOnlyList<Series> Series) : Chart(Title, Description)
{
    public IReadOnlyList<Reference> References { get; init; } = [];
}

public enum SeriesKind
{
    /// <summary>A line; with intervals, a band around it.</summary>
    Line,

    /// <summary>A point each; with intervals, error bars.</summary>
    Points,

    /// <summary>A bar each from zero; several series stand side by side. With intervals, error bars.</summary>
    Bars,
}

public enum SeriesColor
{
    /// <summary>The next of the palette.</summary>
    Palette,

    /// <summary>The text's colour: black on white, white on black. For placebos and references.</summary>
    Ink,

    /// <summary>The text's colour, faint: for many lines of which none matters by itself.</summary>
    Faint,
}

/// <summary>Values of one kind.</summary>
/// <param name="Label">What the legend calls it; null to leave it out there.</param>
public sealed record Series(SeriesKind Kind, string? Label, IReadOnlyList<DataPoint> Points)
{
    public SeriesColor Color { get; init; }

    public bool IsDashed { get; init; }
}

/// <summary>A value and, where known, the bounds of its interval.</summary>
/// <param name="Text">What it is, shown when pointed at.</param>
public readonly record struct DataPoint(double X, double Y, double Low = double.NaN, double High = double.NaN, string? Text = null)
{
    public DataPoint(double x, Interval y, string? text = null) : this(x, y.Estimate, y.Low, y.High, text)
    {
    }
}

/// <summary>A line across the chart at a value of one axis, such as chance.</summary>
public sealed record Reference(string Label, double Value, bool IsVertical = false);

/// <summary>Values over rows and columns as colours.</summary>
/// <param name="Values">[rows, columns], the first row on top; NaN is drawn as missing.</param>
/// <param name="ValueTitle">What the colours mean.</param>
public sealed record HeatMap(string Title, string Description, Axis Columns, Axis Rows, double[,] Values, string ValueTitle) : Chart(Title, Description)
{
    /// <summary><see cref="ColorScale.Diverging"/> is symmetric around zero.</summary>
    public ColorScale Scale { get; init; }

    /// <summary>The value of the first colour; the least where null.</summary>
    public double? Minimum { get; init; }

    /// <summary>The value of the last colour; the greatest where null.</summary>
    public double? Maximum { get; init; }

    /// <summary>The values of the first and the last colour.</summary>
    internal (double Low, double High) Range()
    {
        double[] finite = [.. Values.Cast<double>().Where(double.IsFinite)];
        double low = Minimum ?? (finite.Length == 0 ? 0 : finite.Min()), high = Maximum ?? (finite.Length == 0 ? 1 : finite.Max());
        if (Scale == ColorScale.Diverging) (low, high) = (-Math.Max(Math.Abs(low), Math.Abs(high)), Math.Max(Math.Abs(low), Math.Abs(high)));
        return high > low ? (low, high) : (low - 0.5, low + 0.5);
    }
}

/// <summary>How often values fall into bins of equal width.</summary>
public sealed record Histogram(string Title, string Description, Axis X, IReadOnlyList<(string? Label, IReadOnlyList<double> Values)> Groups) : Chart(Title, Description)
{
    /// <summary>How many bins; by the rule of Freedman and Diaconis (1981) where null.</summary>
    public int? Bins { get; init; }

    /// <summary>The bins' edges and each group's counts.</summary>
    internal (double[] Edges, int[][] Counts) Count()
    {
        double[] all = [.. Groups.SelectMany(group => group.Values).Where(double.IsFinite).Order()];
        double low = X.Minimum ?? (all.Length == 0 ? 0 : all[0]), high = X.Maximum ?? (all.Length == 0 ? 1 : all[^1]);
        if (!(high > low)) (low, high) = (low - 0.5, low + 0.5);
        double width = all.Length == 0 ? 0 : 2 * (Descriptive.SortedQuantile(all, 0.75) - Descriptive.SortedQuantile(all, 0.25)) / Math.Cbrt(all.Length);
        int bins = Bins ?? (width > 0 ? (int)Math.Clamp(Math.Ceiling((high - low) / width), 1, 60) : 10);
        double[] edges = [.. Enumerable.Range(0, bins + 1).Select(i => low + (high - low) * i / bins)];
        int[][] counts = [.. Groups.Select(group =>
        {
            int[] count = new int[bins];
            foreach (double value in group.Values)
                if (value >= low && value <= high) count[Math.Min(bins - 1, (int)((value - low) / (high - low) * bins))]++;
            return count;
        })];
        return (edges, counts);
    }
}
