using Microtome.Circuits;

namespace Microtome.Experiments;

/// <summary>Draws a pruned graph: a column for each token, a row for each layer, the answer on top.</summary>
public static class GraphSvg
{
    private const double Left = 76, Top = 40, RowHeight = 76, Radius = 4.5, Right = 24, Bottom = 62, NarrowestColumn = 68, Step = 12;
    private const string Excites = "#0072b2", Inhibits = "#d55e00", Ink = "#222", Faint = "#667";

    /// <param name="label">What to write at a feature and to fill it for; null for most.</param>
    /// <returns>A whole SVG document.</returns>
    public static string Draw(PrunedGraph pruned, Func<FeatureNode, string?>? label = null)
    {
        ArgumentNullException.ThrowIfNull(pruned);
        AttributionGraph graph = pruned.Graph;
        ILookup<(int Layer, int Position), int> cells = Enumerable.Range(0, graph.NodeCount).Where(node => pruned.Nodes[node]).ToLookup(node => (graph.LayerOf(node), graph.PositionOf(node)));
        double[] columns = Columns(graph, cells, out double width);
        double height = Top + (graph.Layers + 1) * RowHeight + Bottom;
        Dictionary<int, (double X, double Y)> places = [];
        foreach (IGrouping<(int Layer, int Position), int> cell in cells)
        {
            int count = cell.Count(), index = 0;
            foreach (int node in cell) places[node] = (columns[cell.Key.Position] + (index++ - (count - 1) / 2.0) * Step, Y(graph, cell.Key.Layer));
        }

        SvgDrawing svg = new();
        svg.Raw($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SvgDrawing.N(width)} {SvgDrawing.N(height)}\" font-family=\"system-ui,-apple-system,Segoe UI,sans-serif\" font-size=\"13\">");
        svg.Rectangle(0, 0, width, height, "fill=\"#ffffff\"");
        GraphTarget answer = graph.Targets[0];
        svg.Text(Left + 8, 22, $"{graph.Origin.Prompt} → “{answer.Text}” ({answer.Probability:0.0 %})", style: $"font-size=\"15\" font-weight=\"600\" fill=\"{Ink}\"");
        for (int layer = -1; layer <= graph.Layers; layer++)
        {
            svg.Line(Left, Y(graph, layer), width - Right, Y(graph, layer), "stroke=\"#eef0f2\"");
            svg.Text(Left - 8, Y(graph, layer) + 4, layer < 0 ? "tokens" : layer == graph.Layers ? "answer" : $"layer {layer}", SvgDrawing.Anchor.End, $"fill=\"{Faint}\"");
        }
        DrawEdges(svg, pruned, places);
        Dictionary<int, string> labels = [];
        foreach (int node in places.Keys.Where(node => node < graph.FirstError))
            if (label?.Invoke(graph.Feature(node)) is { } text) labels.Add(node, text);
        foreach ((int node, (double x, double y)) in places.OrderBy(place => place.Key)) DrawNode(svg, graph, node, x, y, labels.ContainsKey(node));
        foreach (IGrouping<(int, int, string), int> alike in labels.Keys.Order().GroupBy(node => (graph.LayerOf(node), graph.PositionOf(node), labels[node]))) // one word over neighbours that share it
            svg.Text(alike.Average(node => places[node].X), places[alike.First()].Y - 12, alike.Key.Item3, SvgDrawing.Anchor.Middle,
                $"font-size=\"12\" font-weight=\"600\" fill=\"{Ink}\" stroke=\"#ffffff\" stroke-width=\"3\" paint-order=\"stroke\"");
        for (int position = 0; position < graph.Positions; position++)
            svg.Text(columns[position], Y(graph, -1) + 24, graph.TokenTexts[position].Trim(), SvgDrawing.Anchor.Middle, $"fill=\"{Ink}\"");
        svg.Text(Left + 8, height - 12, $"○ feature   △ error   ■ token or answer   blue: excites, orange: inhibits; width: strength. Node threshold {pruned.NodeThreshold:0.##}.", style: $"fill=\"{Faint}\" font-size=\"12\"");
        return svg.Raw("</svg>").ToString();
    }

    private static double Y(AttributionGraph graph, int layer) => Top + (graph.Layers - layer) * RowHeight + 4;

    /// <summary>The middle of each token's column, as wide as its fullest row or its text.</summary>
    private static double[] Columns(AttributionGraph graph, ILookup<(int Layer, int Position), int> cells, out double width)
    {
        double[] middles = new double[graph.Positions];
        width = Left;
        for (int position = 0; position < middles.Length; position++)
        {
            int fullest = Enumerable.Range(-1, graph.Layers + 2).Max(layer => cells[(layer, position)].Count());
            double own = Math.Max(NarrowestColumn, Math.Max((fullest + 1) * Step, SvgDrawing.WidthOf(graph.TokenTexts[position], 13) + 12));
            middles[position] = width + own / 2;
            width += own;
        }
        width += Right;
        return middles;
    }

    /// <summary>Edges as curves, the weak first, each as wide as its share of its target's input.</summary>
    private static void DrawEdges(SvgDrawing svg, PrunedGraph pruned, Dictionary<int, (double X, double Y)> places)
    {
        AttributionGraph graph = pruned.Graph;
        double[] sums = new double[graph.Edges.Rows];
        foreach (GraphEdge edge in pruned.Edges) sums[edge.Row] += Math.Abs(edge.Weight);
        foreach ((GraphEdge edge, double share) in pruned.Edges.Select(edge => (edge, Math.Abs(edge.Weight) / sums[edge.Row])).OrderBy(edge => edge.Item2))
        {
            (double x1, double y1) = places[edge.Source];
            (double x2, double y2) = places[graph.NodeOfRow(edge.Row)];
            double middle = (y1 + y2) / 2;
            svg.Path($"M{SvgDrawing.N(x1)},{SvgDrawing.N(y1)}C{SvgDrawing.N(x1)},{SvgDrawing.N(middle)} {SvgDrawing.N(x2)},{SvgDrawing.N(middle)} {SvgDrawing.N(x2)},{SvgDrawing.N(y2)}",
                FormattableString.Invariant($"fill=\"none\" stroke=\"{(edge.Weight > 0 ? Excites : Inhibits)}\" stroke-width=\"{0.4 + 5 * share:0.##}\" opacity=\"{Math.Min(0.85, 0.1 + 1.6 * share):0.##}\""));
        }
    }

    private static void DrawNode(SvgDrawing svg, AttributionGraph graph, int node, double x, double y, bool labelled)
    {
        if (node < graph.FirstError)
        {
            FeatureNode feature = graph.Feature(node);
            svg.Circle(x, y, labelled ? Radius + 1.5 : Radius, $"fill=\"{(labelled ? "#e69f00" : "#ffffff")}\" stroke=\"{Ink}\" stroke-width=\"1.2\"", FormattableString.Invariant($"layer {feature.Layer}, feature {feature.Feature}: {feature.Activation:0.###}"));
        }
        else if (node < graph.FirstToken)
        {
            svg.Path($"M{SvgDrawing.N(x)},{SvgDrawing.N(y - Radius)}l{SvgDrawing.N(Radius)},{SvgDrawing.N(2 * Radius)}h{SvgDrawing.N(-2 * Radius)}z", $"fill=\"#ffffff\" stroke=\"{Faint}\"");
        }
        else
        {
            svg.Rectangle(x - 5, y - 5, 10, 10, $"fill=\"{Ink}\"", node < graph.FirstTarget ? null : graph.Targets[node - graph.FirstTarget].Text);
            if (node >= graph.FirstTarget) svg.Text(x, y - 9, graph.Targets[node - graph.FirstTarget].Text.Trim(), SvgDrawing.Anchor.Middle, $"font-size=\"12\" fill=\"{Ink}\"");
        }
    }
}
