namespace Microtome.Circuits;

/// <summary>What a graph says that changing features does.</summary>
public static class PredictedEffect
{
    /// <summary>
    /// The change of each target's logit (over the mean logit) when features get other activations, along all paths of the whole graph. Edges are
    /// linear in their source's activation and attention patterns stay as they are, so that a feature's relative change carries over to all its
    /// edges; one pass from the first layer to the last adds the paths up. Features that are set do not respond to one another.
    /// </summary>
    /// <param name="activations">The new activations of feature nodes.</param>
    /// <returns>[targets]</returns>
    /// <exception cref="ArgumentException">A node is not a feature.</exception>
    public static double[] OnTargets(AttributionGraph graph, IReadOnlyDictionary<int, float> activations)
    {
        foreach (int node in activations.Keys)
            if ((uint)node >= (uint)graph.FirstError) throw new ArgumentException($"The node {node} is not a feature; features are 0 to {graph.FirstError - 1}.", nameof(activations));
        double[] relative = new double[graph.FeatureCount]; // the change of each feature, of its activation
        List<int> changed = [];
        double Change(int row)
        {
            ReadOnlySpan<float> edges = graph.Edges.Row(row);
            double sum = 0;
            foreach (int source in changed) sum += edges[source] * relative[source];
            return sum;
        }
        for (int node = 0; node < relative.Length; node++)
        {
            float activation = graph.Feature(node).Activation;
            if (activation == 0) continue;
            relative[node] = (activations.TryGetValue(node, out float value) ? value - activation : Change(node)) / activation;
            if (relative[node] != 0) changed.Add(node);
        }
        double[] effects = new double[graph.Targets.Count];
        for (int i = 0; i < effects.Length; i++) effects[i] = Change(graph.FeatureCount + i);
        return effects;
    }

    /// <summary>How alike predicted and measured changes are: the cosine of the two; null where either is all zero.</summary>
    public static double? Agreement(IReadOnlyList<double> predicted, IReadOnlyList<double> measured)
    {
        double product = 0, first = 0, second = 0;
        for (int i = 0; i < predicted.Count; i++)
        {
            product += predicted[i] * measured[i];
            first += predicted[i] * predicted[i];
            second += measured[i] * measured[i];
        }
        return first > 0 && second > 0 ? product / Math.Sqrt(first * second) : null;
    }
}
