using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>Computes several cells of one group together.</summary>
/// <param name="cells">Their places in the sweep.</param>
/// <returns>A result for each, in order.</returns>
public delegate IReadOnlyList<CellResult> CellEvaluation(IReadOnlyList<int> cells, CancellationToken cancellation);

/// <summary>
/// Runs the cells of an experiment that have no results yet. Which cells are computed together depends on the cells alone, so results have the same bits
/// for any number of threads and however often the sweep was interrupted.
/// </summary>
public static class Sweep
{
    /// <param name="cells">Those of one group follow one another.</param>
    /// <param name="batch">How many cells are computed together at most.</param>
    /// <param name="evaluate">Called by several threads at once.</param>
    /// <param name="progress">Told the fraction of cells that have results.</param>
    /// <returns>All results, in the order of the cells.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled; what was found is kept.</exception>
    /// <exception cref="InvalidDataException">The store holds other cells' results.</exception>
    public static IReadOnlyList<SweepRow> Run(SweepStore store, SweepTable table, IReadOnlyList<SweepCell> cells, int batch, CellEvaluation evaluate, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(cells);
        ArgumentNullException.ThrowIfNull(evaluate);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        if (cells.GroupBy(cell => cell.Key).FirstOrDefault(group => group.Count() > 1) is { } twice) throw new ArgumentException($"The cell {twice.Key} is there twice.", nameof(cells));

        HashSet<int> done = store.Done(table, cells);
        List<int[]> batches = [.. Batches(cells, batch).Where(ordinals => !ordinals.All(done.Contains))];
        int finished = done.Count;
        void Report() => progress?.Report(cells.Count == 0 ? 1 : (double)finished / cells.Count);
        Report();
        WorkerPool.For(batches.Count, i =>
        {
            cancellation.ThrowIfCancellationRequested();
            int[] ordinals = [.. batches[i].Where(ordinal => !done.Contains(ordinal))];
            IReadOnlyList<CellResult> results = evaluate(ordinals, cancellation);
            store.Add(table, cells, ordinals, results);
            Interlocked.Add(ref finished, ordinals.Length);
            Report();
        });
        return store.Read(table, cells);
    }

    /// <summary>Runs of cells of one group, cut to at most <paramref name="batch"/>.</summary>
    internal static IEnumerable<int[]> Batches(IReadOnlyList<SweepCell> cells, int batch)
    {
        for (int start = 0; start < cells.Count;)
        {
            int end = start + 1;
            while (end < cells.Count && end - start < batch && cells[end].Group == cells[start].Group) end++;
            yield return [.. Enumerable.Range(start, end - start)];
            start = end;
        }
    }
}
