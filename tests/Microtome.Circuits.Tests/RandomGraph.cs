using Microtome.Numerics;

namespace Microtome.Circuits.Tests;

/// <summary>Small graphs with random edges, and the dense square matrix that holds the same edges.</summary>
internal static class RandomGraph
{
    /// <param name="featuresAPlace">The most features at each layer and position.</param>
    /// <param name="density">How many of the possible edges there are.</param>
    public static AttributionGraph Create(int seed, int layers = 3, int positions = 4, int featuresAPlace = 4, int targets = 3, double density = 0.5)
    {
        Random random = new(seed);
        List<FeatureNode> active = [];
        for (int layer = 0; layer < layers; layer++)
            for (int position = 1; position < positions; position++)
                for (int feature = 0, count = random.Next(featuresAPlace + 1); feature < count; feature++)
                    active.Add(new FeatureNode(layer, position, 100 + 7 * feature, 0.1f + random.NextSingle()));
        int[] selected = [.. Enumerable.Range(0, active.Count).Where(_ => random.Next(10) > 0)];
        int sources = selected.Length + (layers + 1) * positions;
        Tensor edges = new(selected.Length + targets, sources);
        AttributionGraph graph = new(layers, [.. Enumerable.Range(40, positions)], [.. Enumerable.Range(0, positions).Select(i => $"w{i}")], [.. active], selected,
            [.. Enumerable.Range(0, targets).Select(i => new GraphTarget(i, $"target {i}", (float)Math.Pow(0.5, i + 1)))], edges.AsMatrix())
        {
            Origin = new GraphOrigin("model", "transcoders", "a prompt"),
        };
        for (int row = 0; row < edges.Rows; row++)
        {
            if (random.Next(12) == 0) continue; // a node that nothing feeds
            int node = graph.NodeOfRow(row);
            for (int source = 0; source < sources; source++)
                if (graph.LayerOf(source) < graph.LayerOf(node) && graph.PositionOf(source) <= graph.PositionOf(node) && random.NextDouble() < density)
                    edges.Row(row)[source] = (float)(random.NextDouble() * 4 - 2);
        }
        return graph;
    }

    /// <summary>The magnitudes of all edges [nodes, nodes]: from columns to rows.</summary>
    public static double[,] Dense(AttributionGraph graph)
    {
        double[,] dense = new double[graph.NodeCount, graph.NodeCount];
        for (int row = 0; row < graph.Edges.Rows; row++)
            for (int source = 0; source < graph.Edges.Columns; source++)
                dense[graph.NodeOfRow(row), source] = Math.Abs(graph.Edges.Row(row)[source]);
        return dense;
    }
}
