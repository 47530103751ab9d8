namespace Microtome.Experiments;

/// <summary>Draws heat maps, with a colour bar at the right.</summary>
internal static class HeatMapSvg
{
    private const int BarSteps = 48;

    public static void Draw(HeatMap map, SvgDrawing drawing, double top)
    {
        int rows = map.Values.GetLength(0), columns = map.Values.GetLength(1);
        Axis rowAxis = map.Rows with { Categories = Names(map.Rows, rows) }, columnAxis = map.Columns with { Categories = Names(map.Columns, columns) };
        double bottom = map.Height - 46, height = bottom - top;
        double left = 32 + Math.Min(map.Width / 3.0, rowAxis.Categories!.Select(name => SvgDrawing.WidthOf(name, 11)).DefaultIfEmpty(0).Max()), right = map.Width - 86;
        LinearScale x = new(columnAxis, [], left, right - left), y = new(rowAxis, [], top, height);
        (double low, double high) = map.Range();
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
            {
                double value = map.Values[row, column];
                string tip = $"{rowAxis.Categories![row]}, {columnAxis.Categories![column]}: {(double.IsFinite(value) ? ChartSvg.Value(value) : "none")}";
                string style = double.IsFinite(value) ? $"fill=\"{Palette.At(map.Scale, (value - low) / (high - low))}\"" : "fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.25\" stroke-dasharray=\"2 2\"";
                drawing.Rectangle(x[column] - x.Band / 2, y[row] - y.Band / 2, x.Band + 0.2, y.Band + 0.2, style, tip);
            }
        int every = Math.Max(1, (int)Math.Ceiling(14 / y.Band));
        for (int row = 0; row < rows; row += every)
            drawing.Text(left - 6, y[row] + 4, SvgDrawing.Fit(rowAxis.Categories![row], left - 32, 11), SvgDrawing.Anchor.End, ChartSvg.Small);
        ChartSvg.XTicks(drawing, columnAxis, x, bottom);
        drawing.Text((left + right) / 2, map.Height - 8, SvgDrawing.Fit(map.Columns.Title, right - left), SvgDrawing.Anchor.Middle);
        drawing.Text(14, (top + bottom) / 2, SvgDrawing.Fit(map.Rows.Title, height + 40), SvgDrawing.Anchor.Middle, turned: -90);
        ColorBar(map, drawing, right + 14, top, height, low, high);
    }

    private static void ColorBar(HeatMap map, SvgDrawing drawing, double left, double top, double height, double low, double high)
    {
        for (int i = 0; i < BarSteps; i++)
            drawing.Rectangle(left, top + height * (BarSteps - 1 - i) / BarSteps, 12, height / BarSteps + 0.4, $"fill=\"{Palette.At(map.Scale, (i + 0.5) / BarSteps)}\"");
        foreach ((double share, double value) in new[] { (0.0, low), (0.5, (low + high) / 2), (1.0, high) })
            drawing.Text(left + 16, Math.Clamp(top + height * (1 - share) + 4, top + 9, top + height), ChartSvg.Value(value), style: ChartSvg.Small);
        drawing.Text(left + 64, top + height / 2, SvgDrawing.Fit(map.ValueTitle, height), SvgDrawing.Anchor.Middle, ChartSvg.Small, turned: -90);
    }

    private static string[] Names(Axis axis, int count) =>
        [.. Enumerable.Range(0, count).Select(i => axis.Categories is { } names && i < names.Count ? names[i] : i.ToString(System.Globalization.CultureInfo.InvariantCulture))];
}
