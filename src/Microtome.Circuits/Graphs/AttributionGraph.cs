using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>What made a graph.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Transcoders">The transcoders' name (<c>scan</c>).</param>
/// <param name="Prompt">The text.</param>
public sealed record GraphOrigin(string Model, string Transcoders, string Prompt);

/// <summary>
/// An attribution graph before pruning. Nodes, in order: selected features by layer, position and feature; errors by layer and
/// position; tokens; what steering added, by layer and position, where the prompt was steered; targets. Edges are stored as a rectangle: rows are the nodes whose inputs were computed (selected features,
/// then targets), columns the nodes that have effects (features, errors, tokens, injections). An edge is the source's linear effect on the
/// target: on a feature's pre-activation, or on a logit.
/// </summary>
public sealed record AttributionGraph
{
    internal AttributionGraph(int layers, int[] tokens, string[] tokenTexts, FeatureNode[] activeFeatures, int[] selected, GraphTarget[] targets, Matrix edges, IReadOnlyList<InjectionNode>? injections = null)
    {
        Layers = layers;
        Tokens = tokens;
        TokenTexts = tokenTexts;
        ActiveFeatures = activeFeatures;
        Selected = selected;
        Targets = targets;
        Edges = edges;
        Injections = injections ?? [];
    }

    public int Layers { get; }

    /// <summary>The prompt's token ids.</summary>
    public IReadOnlyList<int> Tokens { get; }

    public IReadOnlyList<string> TokenTexts { get; }

    /// <summary>All features that are active on the prompt.</summary>
    public IReadOnlyList<FeatureNode> ActiveFeatures { get; }

    /// <summary>Which of <see cref="ActiveFeatures"/> are nodes, ascending.</summary>
    public IReadOnlyList<int> Selected { get; }

    public IReadOnlyList<GraphTarget> Targets { get; }

    /// <summary>What steering added; none where the prompt was not steered.</summary>
    public IReadOnlyList<InjectionNode> Injections { get; }

    /// <summary>[selected features + targets, selected features + errors + tokens + injections]</summary>
    public Matrix Edges { get; }

    public GraphOrigin Origin { get; init; } = new("", "", "");

    public int Positions => Tokens.Count;

    public int FeatureCount => Selected.Count;

    /// <summary>The first error node; nodes before it are features.</summary>
    public int FirstError => FeatureCount;

    public int FirstToken => FirstError + Layers * Positions;

    /// <summary>The first injection node; nodes between <see cref="FirstToken"/> and it are tokens.</summary>
    public int FirstInjection => FirstToken + Positions;

    public int FirstTarget => FirstInjection + Injections.Count;

    public int NodeCount => FirstTarget + Targets.Count;

    /// <summary>The feature of a feature node.</summary>
    public FeatureNode Feature(int node) => ActiveFeatures[Selected[node]];

    /// <summary>The node whose inputs a row of <see cref="Edges"/> holds.</summary>
    public int NodeOfRow(int row) => row < FeatureCount ? row : row - FeatureCount + FirstTarget;

    /// <summary>Whether a node is what steering added.</summary>
    public bool IsInjection(int node) => node >= FirstInjection && node < FirstTarget;

    /// <summary>The layer of a node's output: -1 for tokens, <see cref="Layers"/> for targets.</summary>
    public int LayerOf(int node) =>
        node < FirstError ? Feature(node).Layer : node < FirstToken ? (node - FirstError) / Positions : node < FirstInjection ? -1 : node < FirstTarget ? Injections[node - FirstInjection].Layer : Layers;

    public int PositionOf(int node) =>
        node < FirstError ? Feature(node).Position : node < FirstInjection ? (node - FirstError) % Positions : node < FirstTarget ? Injections[node - FirstInjection].Position : Positions - 1;

    /// <summary>Brings rows into the nodes' order and drops the columns of features that were not selected, in place.</summary>
    /// <param name="edges">Rows: targets, then <paramref name="chosen"/>; columns: all sources.</param>
    internal static AttributionGraph Package(LocalReplacement local, GraphTarget[] targets, Tensor edges, List<int> chosen, Func<int, string> textOf)
    {
        int[] selected = [.. chosen.Order()];
        Matrix compact = DropColumns(edges, selected, local.Features.Count);

        // Which present row belongs at each place: features ascending, then targets.
        int[] rowOf = new int[compact.Rows];
        Dictionary<int, int> computedAt = [];
        for (int i = 0; i < chosen.Count; i++) computedAt.Add(chosen[i], targets.Length + i);
        for (int i = 0; i < selected.Length; i++) rowOf[i] = computedAt[selected[i]];
        for (int i = 0; i < targets.Length; i++) rowOf[selected.Length + i] = i;
        Permute(compact, rowOf);
        return new AttributionGraph(local.Layers, local.Tokens, [.. local.Tokens.Select(textOf)], [.. local.Features], selected, targets, compact, local.Injected?.Nodes);
    }

    private static unsafe Matrix DropColumns(Tensor edges, int[] selected, int features)
    {
        int rest = edges.Columns - features, columns = selected.Length + rest;
        Matrix compact = new(edges.Pointer, edges.Rows, columns, columns, edges);
        if (selected.Length == features) return compact;
        for (int row = 0; row < edges.Rows; row++) // the target never lies after the source
        {
            Span<float> source = edges.Row(row), target = compact.Row(row);
            for (int i = 0; i < selected.Length; i++) target[i] = source[selected[i]];
            source[features..].CopyTo(target[selected.Length..]);
        }
        return compact;
    }

    /// <summary>Moves row <c>rowOf[i]</c> to place i for all i, along the permutation's cycles.</summary>
    private static void Permute(Matrix rows, int[] rowOf)
    {
        float[] held = new float[rows.Columns];
        bool[] placed = new bool[rowOf.Length];
        for (int start = 0; start < rowOf.Length; start++)
        {
            if (placed[start]) continue;
            rows.Row(start).CopyTo(held);
            int place = start;
            for (; rowOf[place] != start; place = rowOf[place])
            {
                rows.Row(rowOf[place]).CopyTo(rows.Row(place));
                placed[place] = true;
            }
            held.CopyTo(rows.Row(place));
            placed[place] = true;
        }
    }
}
