using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>
/// How much each node contributes to the targets, through all paths: <c>p·N + p·N² + …</c>, where N holds the edges' magnitudes with
/// each row divided by its sum, and p the targets' probabilities. Sources lie in earlier layers than what they feed, so one pass over
/// the rows from the last layer to the first adds up the whole series.
/// </summary>
internal static class Influence
{
    private const double SmallestSum = 1e-10;
    private const double SmallestKnownSum = 1e-8;
    private const int ColumnsAtOnce = 2048;

    /// <summary>Each node's influence, targets' included only where they feed something (never).</summary>
    /// <returns>[nodes]</returns>
    public static double[] OfNodes(AttributionGraph graph)
    {
        double[] sums = Sums(graph.Edges);
        double[] influence = new double[graph.NodeCount];
        Spread(graph.Edges, [.. Enumerable.Range(0, graph.Targets.Count).Select(i => graph.FeatureCount + i)],
            row => graph.Targets[row - graph.FeatureCount].Probability / Math.Max(sums[row], SmallestSum), influence);
        for (int end = graph.FeatureCount, first; end > 0; end = first)
        {
            int layer = graph.LayerOf(end - 1);
            for (first = end - 1; first > 0 && graph.LayerOf(first - 1) == layer; first--) ;
            Spread(graph.Edges, [.. Enumerable.Range(first, end - first)], row => influence[row] / Math.Max(sums[row], SmallestSum), influence);
        }
        return influence;
    }

    /// <summary>
    /// Among kept nodes only: the influence that flows through each kept row's node, targets' probabilities included, over the sum of its edges'
    /// magnitudes.
    /// </summary>
    /// <param name="rows">Kept rows, ascending.</param>
    /// <param name="sources">Kept sources, ascending.</param>
    /// <returns>[rows]; 0 where nothing flows.</returns>
    public static double[] SharesAmong(AttributionGraph graph, int[] rows, int[] sources, CancellationToken cancellation)
    {
        double[] shares = new double[rows.Length];
        WorkerPool.For(rows.Length, i =>
        {
            ReadOnlySpan<float> edges = graph.Edges.Row(rows[i]);
            double sum = 0;
            foreach (int source in sources) sum += Math.Abs(edges[source]);
            shares[i] = 1 / Math.Max(sum, SmallestSum);
        });

        double[] influence = new double[graph.FirstTarget];
        for (int end = rows.Length, first; end > 0; end = first)
        {
            cancellation.ThrowIfCancellationRequested();
            // Rows of one layer do not feed each other, so that their shares are known together.
            int layer = LayerOfRow(end - 1), last = end;
            for (first = end; first > 0 && LayerOfRow(first - 1) == layer; first--)
                shares[first - 1] *= rows[first - 1] < graph.FeatureCount ? influence[rows[first - 1]] : graph.Targets[rows[first - 1] - graph.FeatureCount].Probability;
            int begin = first;
            WorkerPool.For((sources.Length + ColumnsAtOnce - 1) / ColumnsAtOnce, part =>
            {
                ReadOnlySpan<int> columns = sources.AsSpan(part * ColumnsAtOnce, Math.Min(ColumnsAtOnce, sources.Length - part * ColumnsAtOnce));
                for (int i = begin; i < last; i++)
                {
                    if (shares[i] == 0) continue;
                    ReadOnlySpan<float> edges = graph.Edges.Row(rows[i]);
                    foreach (int source in columns) influence[source] += shares[i] * Math.Abs(edges[source]);
                }
            });
        }
        return shares;

        int LayerOfRow(int i) => graph.LayerOf(graph.NodeOfRow(rows[i]));
    }

    /// <summary>The influence of all features while only some rows are known.</summary>
    /// <param name="edges">Rows: targets, then <paramref name="chosen"/>; columns: all sources.</param>
    public static double[] OfKnownRows(Tensor edges, GraphTarget[] targets, List<int> chosen, LocalReplacement local)
    {
        double[] influence = new double[edges.Columns];
        double[] sums = Sums(edges.AsMatrix().RowRange(0, targets.Length + chosen.Count));
        Spread(edges.AsMatrix(), [.. Enumerable.Range(0, targets.Length)], row => targets[row].Probability / Math.Max(sums[row], SmallestKnownSum), influence);
        foreach (IGrouping<int, int> layer in Enumerable.Range(0, chosen.Count).GroupBy(i => local.Features[chosen[i]].Layer).OrderByDescending(layer => layer.Key))
            Spread(edges.AsMatrix(), [.. layer.Select(i => targets.Length + i)], row => influence[chosen[row - targets.Length]] / Math.Max(sums[row], SmallestKnownSum), influence);
        return influence;
    }

    /// <summary>The sum of the magnitudes of a row's edges.</summary>
    public static double Sum(ReadOnlySpan<float> edges)
    {
        Vector256<double> lower = default, upper = default;
        ref float first = ref MemoryMarshal.GetReference(edges);
        int i = 0;
        for (; i <= edges.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            Vector256<float> magnitudes = Vector256.Abs(Vector256.LoadUnsafe(ref first, (nuint)i));
            lower += Vector256.WidenLower(magnitudes);
            upper += Vector256.WidenUpper(magnitudes);
        }
        double sum = Vector256.Sum(lower + upper);
        for (; i < edges.Length; i++) sum += Math.Abs(edges[i]);
        return sum;
    }

    private static double[] Sums(Matrix edges)
    {
        double[] sums = new double[edges.Rows];
        WorkerPool.For(sums.Length, row => sums[row] = Sum(edges.Row(row)));
        return sums;
    }

    /// <summary>Adds to each source its edges' magnitudes in rows that do not feed each other, each times the row's share.</summary>
    private static void Spread(Matrix edges, int[] rows, Func<int, double> shareOf, double[] influence)
    {
        double[] shares = Array.ConvertAll(rows, row => shareOf(row));
        WorkerPool.For((edges.Columns + ColumnsAtOnce - 1) / ColumnsAtOnce, part =>
        {
            int start = part * ColumnsAtOnce, count = Math.Min(ColumnsAtOnce, edges.Columns - start);
            for (int i = 0; i < rows.Length; i++)
                if (shares[i] != 0) AddMagnitudes(edges.Row(rows[i]).Slice(start, count), shares[i], influence.AsSpan(start, count));
        });
    }

    /// <summary><c>sums += share · |values|</c></summary>
    private static void AddMagnitudes(ReadOnlySpan<float> values, double share, Span<double> sums)
    {
        Vector256<double> shares = Vector256.Create(share);
        ref float value = ref MemoryMarshal.GetReference(values);
        ref double sum = ref MemoryMarshal.GetReference(sums);
        int i = 0;
        for (; i <= values.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            Vector256<float> magnitudes = Vector256.Abs(Vector256.LoadUnsafe(ref value, (nuint)i));
            (Vector256.LoadUnsafe(ref sum, (nuint)i) + shares * Vector256.WidenLower(magnitudes)).StoreUnsafe(ref sum, (nuint)i);
            (Vector256.LoadUnsafe(ref sum, (nuint)i + 4) + shares * Vector256.WidenUpper(magnitudes)).StoreUnsafe(ref sum, (nuint)i + 4);
        }
        for (; i < values.Length; i++) sums[i] += share * Math.Abs(values[i]);
    }
}
