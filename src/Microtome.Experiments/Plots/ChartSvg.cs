using System.Globalization;

namespace Microtome.Experiments;

/// <summary>
/// Draws charts as SVG. Text and axes take the colour of the text around (<c>currentColor</c>), so one drawing serves light and dark pages; it has a title and a
/// description for readers of screens, and needs no font, style or script from elsewhere.
/// </summary>
public static class ChartSvg
{
    internal const string Ink = "currentColor", Small = "font-size=\"11\"";
    private const double Margin = 12, TitleHeight = 22, LegendRow = 18;

    /// <summary>A drawing to put into a page.</summary>
    /// <param name="id">Begins the identifiers of its parts: unique within the page.</param>
    public static string Write(Chart chart, string id = "chart")
    {
        ArgumentNullException.ThrowIfNull(chart);
        ArgumentNullException.ThrowIfNull(id);
        SvgDrawing drawing = new();
        drawing.Raw($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {chart.Width} {chart.Height}\" width=\"{chart.Width}\" height=\"{chart.Height}\" role=\"img\" " +
            $"aria-labelledby=\"{MarkupText.Escape(id)}-title {MarkupText.Escape(id)}-description\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"{Ink}\">");
        drawing.Raw($"<title id=\"{MarkupText.Escape(id)}-title\">{MarkupText.Escape(chart.Title)}</title>");
        drawing.Raw($"<desc id=\"{MarkupText.Escape(id)}-description\">{MarkupText.Escape(chart.Description)}</desc>");
        Draw(chart, drawing);
        return drawing.Raw("</svg>").ToString();
    }

    /// <summary>A file of its own, which is dark text on white or, where the reader prefers it, light text on black.</summary>
    public static string WriteFile(Chart chart)
    {
        const string style = "<style>:root{color:#1a1a1a;background:#fff}@media (prefers-color-scheme:dark){:root{color:#e6e6e6;background:#161616}}</style>";
        string svg = Write(chart);
        int end = svg.IndexOf('\n', StringComparison.Ordinal);
        return $"{svg[..end]}\n{style}{svg[end..]}";
    }

    private static void Draw(Chart chart, SvgDrawing drawing)
    {
        drawing.Text(Margin, Margin + 10, SvgDrawing.Fit(chart.Title, chart.Width - 2 * Margin, 14), style: "font-size=\"14\" font-weight=\"600\"");
        switch (chart)
        {
            case XyChart xy: XySvg.Draw(xy, drawing, Legend(chart, drawing, XySvg.Legend(xy))); break;
            case Histogram histogram: HistogramSvg.Draw(histogram, drawing, Legend(chart, drawing, HistogramSvg.Legend(histogram))); break;
            case HeatMap map: HeatMapSvg.Draw(map, drawing, Margin + TitleHeight); break;
            default: throw new ArgumentException($"There is no drawing of {chart.GetType().Name}.", nameof(chart));
        }
    }

    /// <summary>Draws the legend in rows under the title and returns where they end.</summary>
    private static double Legend(Chart chart, SvgDrawing drawing, IReadOnlyList<(string Label, string Color, bool IsLine, bool IsDashed)> entries)
    {
        double x = Margin, y = Margin + TitleHeight;
        if (entries.Count == 0) return y;
        foreach ((string label, string color, bool isLine, bool isDashed) in entries)
        {
            string shown = SvgDrawing.Fit(label, chart.Width - 2 * Margin - 24);
            double width = 24 + SvgDrawing.WidthOf(shown) + 12;
            if (x > Margin && x + width > chart.Width - Margin) (x, y) = (Margin, y + LegendRow);
            if (isLine) drawing.Line(x, y + 5, x + 18, y + 5, $"stroke=\"{color}\" stroke-width=\"2.5\"{(isDashed ? " stroke-dasharray=\"5 3\"" : "")}");
            else drawing.Rectangle(x + 3, y, 11, 11, $"fill=\"{color}\"");
            drawing.Text(x + 24, y + 9, shown);
            x += width;
        }
        return y + LegendRow + 4;
    }

    /// <summary>The frame in which a chart's marks are drawn, its axes drawn around it.</summary>
    internal static (LinearScale X, LinearScale Y) Axes(Chart chart, SvgDrawing drawing, double top, Axis xAxis, Axis yAxis, IEnumerable<double> xs, IEnumerable<double> ys)
    {
        double bottom = chart.Height - 46, height = Math.Max(20, bottom - top);
        LinearScale y = new(yAxis, ys, bottom, -height, Math.Max(2, (int)(height / 45)));
        double left = Margin + 20 + Math.Min(chart.Width / 3.0, y.Ticks.Select(tick => SvgDrawing.WidthOf(tick.Text, 11)).DefaultIfEmpty(0).Max()), right = chart.Width - Margin - 4;
        LinearScale x = new(xAxis, xs, left, right - left, Math.Max(2, (int)((right - left) / 80)));
        foreach ((double value, string text) in y.Ticks)
        {
            drawing.Line(left, y[value], right, y[value], $"stroke=\"{Ink}\" stroke-opacity=\"0.14\"");
            drawing.Text(left - 6, y[value] + 4, SvgDrawing.Fit(text, left - Margin - 19, 11), SvgDrawing.Anchor.End, Small);
        }
        XTicks(drawing, xAxis, x, bottom);
        drawing.Line(left, bottom, right, bottom, $"stroke=\"{Ink}\" stroke-opacity=\"0.6\"");
        drawing.Text((left + right) / 2, chart.Height - 8, SvgDrawing.Fit(xAxis.Title, right - left), SvgDrawing.Anchor.Middle);
        drawing.Text(Margin + 2, (top + bottom) / 2, SvgDrawing.Fit(yAxis.Title, height + 40), SvgDrawing.Anchor.Middle, turned: -90);
        return (x, y);
    }

    /// <summary>Names under an axis; of many categories only as many as there is room for.</summary>
    internal static void XTicks(SvgDrawing drawing, Axis axis, LinearScale x, double bottom)
    {
        double widest = x.Ticks.Select(tick => SvgDrawing.WidthOf(tick.Text, 11)).DefaultIfEmpty(0).Max();
        int every = axis.Categories is null ? 1 : Math.Max(1, (int)Math.Ceiling((Math.Min(widest, 60) + 6) / Math.Max(1, x.Band)));
        for (int i = 0; i < x.Ticks.Count; i += every)
        {
            (double value, string text) = x.Ticks[i];
            drawing.Line(x[value], bottom, x[value], bottom + 4, $"stroke=\"{Ink}\" stroke-opacity=\"0.6\"");
            drawing.Text(x[value], bottom + 16, axis.Categories is null ? text : SvgDrawing.Fit(text, Math.Max(24, x.Band * every), 11), SvgDrawing.Anchor.Middle, Small);
        }
    }

    internal static string Value(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
