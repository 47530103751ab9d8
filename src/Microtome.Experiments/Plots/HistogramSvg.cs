namespace Microtome.Experiments;

/// <summary>Draws histograms.</summary>
internal static class HistogramSvg
{
    public static List<(string Label, string Color, bool IsLine, bool IsDashed)> Legend(Histogram histogram) =>
        [.. histogram.Groups.Select((group, i) => (group.Label, Color(i))).Where(entry => entry.Label is not null).Select(entry => (entry.Label!, entry.Item2, false, false))];

    public static void Draw(Histogram histogram, SvgDrawing drawing, double top)
    {
        (double[] edges, int[][] counts) = histogram.Count();
        (LinearScale x, LinearScale y) = ChartSvg.Axes(histogram, drawing, top, histogram.X, new Axis("count"), edges, [0, .. counts.SelectMany(count => count).Select(count => (double)count)]);
        string opacity = counts.Length > 1 ? "0.6" : "0.9";
        for (int group = 0; group < counts.Length; group++)
            for (int bin = 0; bin < counts[group].Length; bin++)
            {
                if (counts[group][bin] == 0) continue;
                double left = x[edges[bin]], right = x[edges[bin + 1]], end = y[counts[group][bin]];
                drawing.Rectangle(left + 0.5, end, right - left - 1, y[0] - end, $"fill=\"{Color(group)}\" fill-opacity=\"{opacity}\"",
                    $"{ChartSvg.Value(edges[bin])} to {ChartSvg.Value(edges[bin + 1])}: {counts[group][bin]}");
            }
    }

    private static string Color(int group) => Palette.OkabeIto[group % Palette.OkabeIto.Count].ToString();
}
