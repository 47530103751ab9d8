using Microtome.Circuits;
using Microtome.Models;

namespace Microtome.Bench;

/// <summary>
/// The floating-point operations that the rows of a graph need at least, when each target does just the work of its own layers and
/// positions: attention's two projections, its mixing of positions, and one dot product for each source. It counts an attention for
/// each layer below the target's and a gradient at each position up to its own. The walk does a little less (it pushes the first token up
/// once for all targets, and a target's first attention costs next to nothing), so that an efficiency can come out above 1.
/// </summary>
internal readonly record struct AttributionFloor(double Projections, double Mixing, double Sources)
{
    public double Total => Projections + Mixing + Sources;

    public static AttributionFloor Of(ModelSpecification model, AttributionGraph graph, bool crossLayer, bool withTargets = true)
    {
        AttentionSpecification attention = model.Attention;
        double width = model.ModelWidth, heads = attention.Heads * attention.HeadWidth, values = attention.KeyValueHeads * attention.HeadWidth;
        int[,] active = ActiveBelow(graph);
        AttributionFloor floor = default;
        void Add(int layer, int position)
        {
            double gradients = (double)layer * (position + 1);
            double sources = (crossLayer ? Writes(graph, layer, position) : active[layer, position]) + gradients + position + 1; // features, errors, tokens
            floor = new AttributionFloor(
                floor.Projections + 2 * gradients * (width * heads + width * values),
                floor.Mixing + layer * heads * (position + 1.0) * (position + 2),
                floor.Sources + 2 * width * sources);
        }
        foreach (int feature in graph.Selected) Add(graph.ActiveFeatures[feature].Layer, graph.ActiveFeatures[feature].Position);
        if (!withTargets) return floor;
        foreach (GraphTarget _ in graph.Targets) Add(graph.Layers, graph.Positions - 1);
        return floor;
    }

    /// <summary>How many features are active below a layer at positions up to one.</summary>
    private static int[,] ActiveBelow(AttributionGraph graph)
    {
        int[,] count = new int[graph.Layers + 1, graph.Positions];
        foreach (FeatureNode feature in graph.ActiveFeatures)
            for (int layer = feature.Layer + 1; layer <= graph.Layers; layer++)
                for (int position = feature.Position; position < graph.Positions; position++) count[layer, position]++;
        return count;
    }

    /// <summary>How many decoder rows cross-layer features write below a layer at positions up to one.</summary>
    private static long Writes(AttributionGraph graph, int layer, int position) =>
        graph.ActiveFeatures.Where(feature => feature.Layer < layer && feature.Position <= position).Sum(feature => (long)(layer - feature.Layer));
}
