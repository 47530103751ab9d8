namespace Microtome.Circuits;

/// <summary>What flows into and out of each node of a whole graph.</summary>
/// <param name="Inputs">The sum of the magnitudes of the edges into each node [nodes]; 0 for errors and tokens.</param>
/// <param name="Outputs">The same of the edges out of it [nodes]; 0 for targets.</param>
/// <param name="Edges">How many edges are not zero.</param>
public sealed record NodeSums(IReadOnlyList<double> Inputs, IReadOnlyList<double> Outputs, long Edges)
{
    public static NodeSums Of(AttributionGraph graph)
    {
        double[] inputs = new double[graph.NodeCount], outputs = new double[graph.NodeCount];
        long edges = 0;
        for (int row = 0; row < graph.Edges.Rows; row++)
        {
            ReadOnlySpan<float> weights = graph.Edges.Row(row);
            inputs[graph.NodeOfRow(row)] = Influence.Sum(weights);
            for (int source = 0; source < weights.Length; source++)
            {
                if (weights[source] == 0) continue;
                outputs[source] += Math.Abs(weights[source]);
                edges++;
            }
        }
        return new NodeSums(inputs, outputs, edges);
    }
}
