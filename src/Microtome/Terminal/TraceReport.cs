using Microtome.Circuits;
using Spectre.Console;

namespace Microtome.Terminal;

/// <summary>What <c>microtome trace</c> prints.</summary>
internal sealed class TraceReport(PrunedGraph pruned, GraphScores scores, IReadOnlyList<string> written)
{
    private readonly AttributionGraph _graph = pruned.Graph;

    public void Print(int paths)
    {
        Screen.Line($"[bold]{Screen.Escape(_graph.Origin.Prompt)}[/]");
        Screen.Line($"[{Screen.Faint}]{_graph.Positions} tokens, {Screen.Escape(Path.GetFileName(Path.TrimEndingDirectorySeparator(_graph.Origin.Model)))}, transcoders {Screen.Escape(_graph.Origin.Transcoders)}[/]");

        Screen.Heading("What comes next");
        Screen.Table(["", ">", ""], _graph.Targets.Select(target => new[] { Screen.Escape(TextFormat.Token(target.Text)), TextFormat.Percent(target.Probability), Screen.Bar(target.Probability, 30) }));

        Screen.Heading("The graph");
        long edges = CountEdges();
        Screen.Table(["", ">found", ">traced", ">kept"],
        [
            ["features", TextFormat.Number(_graph.ActiveFeatures.Count), TextFormat.Number(_graph.FeatureCount), TextFormat.Number(Kept(0, _graph.FirstError))],
            ["errors", TextFormat.Number(_graph.FirstToken - _graph.FirstError), "", TextFormat.Number(Kept(_graph.FirstError, _graph.FirstToken))],
            .. _graph.Injections.Count == 0 ? Array.Empty<string[]>() : [["steering", TextFormat.Number(_graph.Injections.Count), "", TextFormat.Number(Kept(_graph.FirstInjection, _graph.FirstTarget))]],
            ["edges", "", TextFormat.Number(edges), TextFormat.Number(pruned.Edges.Count)],
        ]);
        Screen.Line($"  replacement score {TextFormat.Value(scores.Replacement)}, completeness {TextFormat.Value(scores.Completeness)}");

        if (paths > 0)
        {
            Screen.Heading($"The strongest paths to {TextFormat.Token(_graph.Targets[0].Text)}");
            Screen.Line($"[{Screen.Faint}]share of input, weight, node (layer/feature at position), activation[/]");
            Tree tree = new($"[bold]{Screen.Escape(TextFormat.Token(_graph.Targets[0].Text))}[/]");
            foreach (PathNode child in PathTree.Grow(pruned, most: paths).Inputs) Add(tree, child);
            Screen.Write(tree);
        }
        if (written.Count > 0) Screen.Line($"\nWrote {string.Join(" and ", written.Select(Screen.Escape))}");
    }

    public void PrintJson() => JsonRecord.Print(json =>
    {
        json.WriteString("prompt", _graph.Origin.Prompt);
        json.WriteString("model", _graph.Origin.Model);
        json.WriteString("transcoders", _graph.Origin.Transcoders);
        json.WriteNumbers("tokens", _graph.Tokens);
        json.WriteStrings("token_texts", _graph.TokenTexts);
        json.WriteStartArray("targets");
        foreach (GraphTarget target in _graph.Targets)
        {
            json.WriteStartObject();
            json.WriteNumber("token", target.Token);
            json.WriteString("text", target.Text);
            json.WriteNumber("probability", target.Probability);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("active_features", _graph.ActiveFeatures.Count);
        json.WriteNumber("traced_features", _graph.FeatureCount);
        json.WriteNumber("errors", _graph.FirstToken - _graph.FirstError);
        if (_graph.Injections.Count > 0)
        {
            json.WriteNumber("steering_nodes", _graph.Injections.Count);
            json.WriteNumber("kept_steering_nodes", Kept(_graph.FirstInjection, _graph.FirstTarget));
        }
        json.WriteNumber("edges", CountEdges());
        json.WriteNumber("kept_nodes", pruned.Nodes.Count(kept => kept));
        json.WriteNumber("kept_features", Kept(0, _graph.FirstError));
        json.WriteNumber("kept_errors", Kept(_graph.FirstError, _graph.FirstToken));
        json.WriteNumber("kept_edges", pruned.Edges.Count);
        json.WriteNumber("node_threshold", pruned.NodeThreshold);
        json.WriteNumber("edge_threshold", pruned.EdgeThreshold);
        json.WriteNumber("replacement_score", scores.Replacement);
        json.WriteNumber("completeness_score", scores.Completeness);
        json.WriteStrings("files", written);
    });

    private void Add(IHasTreeNodes parent, PathNode path)
    {
        string colour = path.Weight >= 0 ? Screen.Positive : Screen.Negative;
        TreeNode node = parent.AddNode($"[{colour}]{path.Share,4:0%} {path.Weight,8:+0.000;-0.000}[/]  {Screen.Escape(Label(path.Node))}{(path.Repeated ? $" [{Screen.Faint}](above)[/]" : "")}");
        foreach (PathNode child in path.Inputs) Add(node, child);
    }

    private string Label(int node)
    {
        int position = _graph.PositionOf(node);
        string token = TextFormat.Token(_graph.TokenTexts[position], 14), at = $"{token}@{position}";
        if (node < _graph.FirstError) return $"{_graph.LayerOf(node)}/{_graph.Feature(node).Feature} {at} {TextFormat.Value(_graph.Feature(node).Activation)}";
        return node < _graph.FirstToken ? $"error {_graph.LayerOf(node)} {at}" : _graph.IsInjection(node) ? $"steering {_graph.LayerOf(node)} {at}" : $"token {at}";
    }

    private int Kept(int first, int end)
    {
        int count = 0;
        for (int node = first; node < end; node++) count += pruned.Nodes[node] ? 1 : 0;
        return count;
    }

    private long CountEdges()
    {
        long count = 0;
        for (int row = 0; row < _graph.Edges.Rows; row++)
            foreach (float weight in _graph.Edges.Row(row)) count += weight != 0 ? 1 : 0;
        return count;
    }
}
