using System.Text;

namespace Microtome.Experiments;

/// <summary>Draws lines, points and bars.</summary>
internal static class XySvg
{
    public static List<(string Label, string Color, bool IsLine, bool IsDashed)> Legend(XyChart chart)
    {
        string[] colors = Colors(chart);
        List<(string, string, bool, bool)> entries = [];
        for (int i = 0; i < chart.Series.Count; i++)
            if (chart.Series[i].Label is { } label) entries.Add((label, colors[i], chart.Series[i].Kind == SeriesKind.Line, chart.Series[i].IsDashed));
        return entries;
    }

    public static void Draw(XyChart chart, SvgDrawing drawing, double top)
    {
        List<double> xs = [], ys = [];
        foreach (Series series in chart.Series)
        {
            if (series.Kind == SeriesKind.Bars) ys.Add(0);
            foreach (DataPoint point in series.Points)
            {
                if (!double.IsFinite(point.Y)) continue;
                xs.Add(point.X);
                ys.AddRange([point.Y, point.Low, point.High]);
            }
        }
        foreach (Reference reference in chart.References) (reference.IsVertical ? xs : ys).Add(reference.Value);
        (LinearScale x, LinearScale y) = ChartSvg.Axes(chart, drawing, top, chart.X, chart.Y, xs, ys);

        string[] colors = Colors(chart);
        int[] bars = [.. Enumerable.Range(0, chart.Series.Count).Where(i => chart.Series[i].Kind == SeriesKind.Bars)];
        for (int i = 0; i < chart.Series.Count; i++)
        {
            Series series = chart.Series[i];
            switch (series.Kind)
            {
                case SeriesKind.Line: Line(series, colors[i], x, y, drawing); break;
                case SeriesKind.Bars: Bars(series, colors[i], Array.IndexOf(bars, i), bars.Length, x, y, drawing); break;
                default: Points(series, colors[i], x, y, drawing); break;
            }
        }
        foreach (Reference reference in chart.References) Draw(reference, chart, x, y, top, drawing);
    }

    private static string[] Colors(XyChart chart)
    {
        int next = 0;
        return [.. chart.Series.Select(series => series.Color == SeriesColor.Palette ? Palette.OkabeIto[next++ % Palette.OkabeIto.Count].ToString() : ChartSvg.Ink)];
    }

    private static void Line(Series series, string color, LinearScale x, LinearScale y, SvgDrawing drawing)
    {
        bool faint = series.Color == SeriesColor.Faint;
        foreach (DataPoint[] part in Unbroken(series.Points, point => x.Holds(point.X) && y.Holds(point.Low) && y.Holds(point.High)))
        {
            StringBuilder band = new();
            for (int i = 0; i < part.Length; i++) band.Append(i == 0 ? 'M' : 'L').Append(At(x[part[i].X], y[part[i].High]));
            for (int i = part.Length - 1; i >= 0; i--) band.Append('L').Append(At(x[part[i].X], y[part[i].Low]));
            drawing.Path(band.Append('Z').ToString(), $"fill=\"{color}\" fill-opacity=\"0.18\"");
        }
        foreach (DataPoint[] part in Unbroken(series.Points, point => x.Holds(point.X) && y.Holds(point.Y)))
        {
            string path = string.Concat(part.Select((point, i) => (i == 0 ? "M" : "L") + At(x[point.X], y[point.Y])));
            string dashes = series.IsDashed ? " stroke-dasharray=\"5 3\"" : "";
            drawing.Path(path, $"fill=\"none\" stroke=\"{color}\" stroke-width=\"{(faint ? "1" : "2")}\" stroke-linejoin=\"round\"{(faint ? " stroke-opacity=\"0.35\"" : "")}{dashes}");
            if (faint) continue;
            foreach (DataPoint point in part) drawing.Circle(x[point.X], y[point.Y], 2.6, $"fill=\"{color}\"", Tip(series, point));
        }
    }

    private static void Points(Series series, string color, LinearScale x, LinearScale y, SvgDrawing drawing)
    {
        string opacity = series.Color == SeriesColor.Faint ? "0.35" : series.Points.Count > 200 ? "0.6" : "0.9";
        foreach (DataPoint point in series.Points.Where(point => x.Holds(point.X) && y.Holds(point.Y)))
        {
            ErrorBar(point, x[point.X], color, y, drawing);
            drawing.Circle(x[point.X], y[point.Y], 3.5, $"fill=\"{color}\" fill-opacity=\"{opacity}\"", Tip(series, point));
        }
    }

    private static void Bars(Series series, string color, int index, int count, LinearScale x, LinearScale y, SvgDrawing drawing)
    {
        double gap = series.Points.Select(point => point.X).Where(double.IsFinite).Distinct().Order().ToArray() is { Length: > 1 } places
            ? Enumerable.Range(1, places.Length - 1).Min(i => Math.Abs(x[places[i]] - x[places[i - 1]]))
            : Math.Min(x.Band, 120);
        double width = Math.Max(1, gap * 0.78 / count);
        foreach (DataPoint point in series.Points.Where(point => x.Holds(point.X) && y.Holds(point.Y)))
        {
            double left = x[point.X] + (index - count / 2.0) * width, zero = y[0], end = y[point.Y];
            drawing.Rectangle(left, Math.Min(zero, end), width * 0.94, Math.Abs(end - zero), $"fill=\"{color}\" fill-opacity=\"{(series.Color == SeriesColor.Palette ? "0.9" : "0.55")}\"", Tip(series, point));
            ErrorBar(point, left + width * 0.47, ChartSvg.Ink, y, drawing);
        }
    }

    private static void ErrorBar(DataPoint point, double at, string color, LinearScale y, SvgDrawing drawing)
    {
        if (!y.Holds(point.Low) || !y.Holds(point.High)) return;
        string style = $"stroke=\"{color}\" stroke-width=\"1.4\"";
        drawing.Line(at, y[point.Low], at, y[point.High], style);
        drawing.Line(at - 3, y[point.Low], at + 3, y[point.Low], style);
        drawing.Line(at - 3, y[point.High], at + 3, y[point.High], style);
    }

    private static void Draw(Reference reference, XyChart chart, LinearScale x, LinearScale y, double top, SvgDrawing drawing)
    {
        const string style = "stroke=\"currentColor\" stroke-width=\"1.2\" stroke-dasharray=\"2 3\"";
        double bottom = chart.Height - 46, right = chart.Width - 16;
        if (reference.IsVertical)
        {
            drawing.Line(x[reference.Value], top, x[reference.Value], bottom, style);
            drawing.Text(x[reference.Value] + 4, top + 10, reference.Label, style: ChartSvg.Small);
            return;
        }
        drawing.Line(x.Start, y[reference.Value], right, y[reference.Value], style);
        drawing.Text(right, y[reference.Value] - 4, reference.Label, SvgDrawing.Anchor.End, ChartSvg.Small);
    }

    private static string Tip(Series series, DataPoint point)
    {
        string value = double.IsFinite(point.Low) ? $"{ChartSvg.Value(point.Y)} [{ChartSvg.Value(point.Low)}, {ChartSvg.Value(point.High)}]" : ChartSvg.Value(point.Y);
        return point.Text ?? $"{(series.Label is null ? "" : series.Label + ", ")}{ChartSvg.Value(point.X)}: {value}";
    }

    private static IEnumerable<DataPoint[]> Unbroken(IReadOnlyList<DataPoint> points, Func<DataPoint, bool> holds)
    {
        List<DataPoint> part = [];
        foreach (DataPoint point in points)
        {
            if (holds(point))
            {
                part.Add(point);
                continue;
            }
            if (part.Count > 0) yield return [.. part];
            part.Clear();
        }
        if (part.Count > 0) yield return [.. part];
    }

    private static string At(double x, double y) => $"{SvgDrawing.N(x)},{SvgDrawing.N(y)}";
}
