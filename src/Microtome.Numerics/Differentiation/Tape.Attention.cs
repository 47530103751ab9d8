namespace Microtome.Numerics.Differentiation;

/// <summary>A run of rows that attend to one another: a sequence, or a document among several in one.</summary>
/// <param name="Start">Its first row.</param>
public readonly record struct RowSpan(int Start, int Length);

public sealed partial class Tape
{
    /// <summary>
    /// Rotates pairs of columns of each head by angles given for each row: rotary position embedding (Su et al. 2021, arXiv 2104.09864), halves
    /// against each other. Columns of a head beyond the pairs stay as they are.
    /// </summary>
    /// <param name="x">[rows, heads · head width]</param>
    /// <param name="cosines">[positions, pairs]</param>
    /// <param name="sines">[positions, pairs]</param>
    /// <param name="positions">One for each row.</param>
    public Variable Rotate(Variable x, int headWidth, Matrix cosines, Matrix sines, int[] positions)
    {
        if (positions.Length != x.Rows || x.Columns % headWidth != 0 || 2 * cosines.Columns > headWidth || cosines.Columns != sines.Columns)
            throw new ArgumentException($"{positions.Length} positions and {cosines.Columns} pairs of columns do not fit [{x.Rows}, {x.Columns}] with heads of {headWidth}.", nameof(positions));
        Matrix y = _pool.Rent(x.Rows, x.Columns);
        Rows.For(x.Rows, x.Columns * 2, row => RotaryKernel.Rotate(x.Value.Row(row), headWidth, cosines.Row(positions[row]), sines.Row(positions[row]), 1, y.Row(row), accumulate: false));
        return Record(y, x.NeedsGradient, gradient =>
        {
            // The transpose of a rotation turns back.
            Matrix target = GradientOf(x, out bool accumulate);
            Rows.For(x.Rows, x.Columns * 2, row =>
                RotaryKernel.Rotate(gradient.Row(row), headWidth, cosines.Row(positions[row]), sines.Row(positions[row]), -1, target.Row(row), accumulate));
        });
    }

    /// <summary>
    /// Causal attention with shared keys and values (Vaswani et al. 2017, arXiv 1706.03762; Ainslie et al. 2023, arXiv 2305.13245): within each span,
    /// a row's heads are averages of the values of the rows up to itself, weighted by the softmax of <c>scale · query·key</c>.
    /// </summary>
    /// <param name="queries">[rows, heads · head width]</param>
    /// <param name="keys">[rows, key-value heads · head width]; heads share them in order, as many each</param>
    /// <param name="values">As the keys.</param>
    /// <param name="spans">They cover all rows, each once, in order.</param>
    /// <returns>[rows, heads · head width]</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or the spans leave rows out.</exception>
    public unsafe Variable Attention(Variable queries, Variable keys, Variable values, int headWidth, float scale, IReadOnlyList<RowSpan> spans)
    {
        int heads = queries.Columns / headWidth, shared = keys.Columns / headWidth;
        CheckAttention(queries, keys, values, headWidth, spans);
        int[] offsets = new int[spans.Count + 1]; // of each span's patterns, in elements for one head
        for (int i = 0; i < spans.Count; i++) offsets[i + 1] = checked(offsets[i] + AttentionKernel.PatternLength(spans[i].Length));
        Matrix output = _pool.Rent(queries.Rows, queries.Columns), patterns = _pool.Rent(heads, offsets[^1]);
        int[] order = AttentionKernel.LongestFirst(spans);
        AttentionKernel kernel = new(headWidth, heads / shared, scale);
        WorkerPool.For(spans.Count * shared, item =>
        {
            int span = order[item / shared], group = item % shared;
            kernel.Forward(queries.Value, keys.Value, values.Value, output, spans[span], group, patterns.Data + offsets[span], patterns.Stride);
        });
        bool needed = queries.NeedsGradient || keys.NeedsGradient || values.NeedsGradient;
        return Record(output, needed, gradient =>
        {
            // All three are computed together; what is not wanted goes nowhere.
            Matrix dQueries = Target(queries, out bool addQueries), dKeys = Target(keys, out bool addKeys), dValues = Target(values, out bool addValues);
            WorkerPool.For(spans.Count * shared, item =>
            {
                int span = order[item / shared], group = item % shared;
                kernel.Backward(queries.Value, keys.Value, values.Value, gradient, spans[span], group, patterns.Data + offsets[span], patterns.Stride,
                    (dQueries, addQueries), (dKeys, addKeys), (dValues, addValues));
            });
            GC.KeepAlive(patterns.Owner);
        }, patterns);

        Matrix Target(Variable variable, out bool accumulate)
        {
            accumulate = false;
            return variable.NeedsGradient ? GradientOf(variable, out accumulate) : default;
        }
    }

    private static void CheckAttention(Variable queries, Variable keys, Variable values, int headWidth, IReadOnlyList<RowSpan> spans)
    {
        if (headWidth < 1 || keys.Columns < headWidth || queries.Columns % keys.Columns != 0 || keys.Columns % headWidth != 0 || keys.Columns != values.Columns || keys.Rows != queries.Rows || values.Rows != queries.Rows)
            throw new ArgumentException($"Queries [{queries.Rows}, {queries.Columns}], keys [{keys.Rows}, {keys.Columns}] and values [{values.Rows}, {values.Columns}] do not fit with heads of {headWidth}.", nameof(queries));
        int row = 0;
        foreach (RowSpan span in spans)
        {
            if (span.Start != row || span.Length < 1) throw new ArgumentException($"The span [{span.Start}, {span.Start + span.Length}) does not begin where the one before it ends, at {row}.", nameof(spans));
            row += span.Length;
        }
        if (row != queries.Rows) throw new ArgumentException($"The spans cover {row} of {queries.Rows} rows.", nameof(spans));
    }
}
