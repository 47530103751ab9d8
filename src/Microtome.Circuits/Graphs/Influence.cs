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
    /// <param name="keepNode">The nodes that take part; all when null.</param>
    /// <returns>[nodes]</returns>
    public static double[] OfNodes(AttributionGraph graph, bool[]? keepNode = null)
    {
        bool Kept(int row) => keepNode is null || keepNode[graph.NodeOfRow(row)];
        double[] sums = Sums(graph.Edges, Mask(keepNode));
        double[] influence = new double[graph.NodeCount];
        Spread(graph.Edges, [.. Enumerable.Range(0, graph.Targets.Count).Select(i => graph.FeatureCount + i).Where(Kept)],
            row => graph.Targets[row - graph.FeatureCount].Probability / Math.Max(sums[row], SmallestSum), influence);
        for (int end = graph.FeatureCount, first; end > 0; end = first)
        {
            int layer = graph.LayerOf(end - 1);
            for (first = end - 1; first > 0 && graph.LayerOf(first - 1) == layer; first--) ;
            Spread(graph.Edges, [.. Enumerable.Range(first, end - first).Where(Kept)], row => influence[row] / Math.Max(sums[row], SmallestSum), influence);
        }
        for (int node = 0; node < influence.Length; node++)
            if (keepNode is not null && !keepNode[node]) influence[node] = 0;
        return influence;
    }

    /// <summary>The influence of all features while only some rows are known.</summary>
    /// <param name="edges">Rows: targets, then <paramref name="chosen"/>; columns: all sources.</param>
    public static double[] OfKnownRows(Tensor edges, GraphTarget[] targets, List<int> chosen, LocalReplacement local)
    {
        double[] influence = new double[edges.Columns];
        double[] sums = Sums(edges.AsMatrix().RowRange(0, targets.Length + chosen.Count), null);
        Spread(edges.AsMatrix(), [.. Enumerable.Range(0, targets.Length)], row => targets[row].Probability / Math.Max(sums[row], SmallestKnownSum), influence);
        foreach (IGrouping<int, int> layer in Enumerable.Range(0, chosen.Count).GroupBy(i => local.Features[chosen[i]].Layer).OrderByDescending(layer => layer.Key))
            Spread(edges.AsMatrix(), [.. layer.Select(i => targets.Length + i)], row => influence[chosen[row - targets.Length]] / Math.Max(sums[row], SmallestKnownSum), influence);
        return influence;
    }

    /// <summary>The sum of the magnitudes of a row's edges, times a mask of zeros and ones.</summary>
    public static double Sum(ReadOnlySpan<float> edges, float[]? mask = null)
    {
        Vector256<double> lower = default, upper = default;
        ref float first = ref MemoryMarshal.GetReference(edges);
        int i = 0;
        for (; i <= edges.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            Vector256<float> magnitudes = Vector256.Abs(Vector256.LoadUnsafe(ref first, (nuint)i));
            if (mask is not null) magnitudes *= Vector256.LoadUnsafe(ref mask[0], (nuint)i);
            lower += Vector256.WidenLower(magnitudes);
            upper += Vector256.WidenUpper(magnitudes);
        }
        double sum = Vector256.Sum(lower + upper);
        for (; i < edges.Length; i++) sum += Math.Abs(edges[i]) * (mask?[i] ?? 1);
        return sum;
    }

    /// <summary>One where a node takes part, else zero; null when all do.</summary>
    public static float[]? Mask(bool[]? keepNode) => keepNode is null ? null : Array.ConvertAll(keepNode, kept => kept ? 1f : 0f);

    private static double[] Sums(Matrix edges, float[]? mask)
    {
        double[] sums = new double[edges.Rows];
        WorkerPool.For(sums.Length, row => sums[row] = Sum(edges.Row(row), mask));
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
