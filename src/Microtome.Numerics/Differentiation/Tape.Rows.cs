using System.Numerics.Tensors;

namespace Microtome.Numerics.Differentiation;

public sealed partial class Tape
{
    /// <summary>Row <c>indices[i]</c> of a table for each i: token embeddings.</summary>
    /// <param name="table">[entries, width]</param>
    /// <returns>[indices, width]</returns>
    /// <exception cref="ArgumentOutOfRangeException">An index is not below the number of entries.</exception>
    public Variable Gather(Variable table, int[] indices)
    {
        CheckIndices(indices, table.Rows, least: 0);
        Matrix y = _pool.Rent(indices.Length, table.Columns);
        Rows.For(indices.Length, table.Columns, row => table.Value.Row(indices[row]).CopyTo(y.Row(row)));
        return Record(y, table.NeedsGradient, gradient => Scatter(gradient, indices, table));
    }

    /// <summary>Adds row <c>indices[i]</c> of a table to row i of x, and nothing where the index is -1: vectors injected into a stream.</summary>
    /// <param name="x">[rows, width]</param>
    /// <param name="table">[entries, width]</param>
    /// <exception cref="ArgumentException">There is not one index for each row, or the widths differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is less than -1 or not below the number of entries.</exception>
    public Variable AddRows(Variable x, Variable table, int[] indices)
    {
        if (indices.Length != x.Rows || table.Columns != x.Columns)
            throw new ArgumentException($"{indices.Length} rows of {table.Columns} cannot be added to [{x.Rows}, {x.Columns}].", nameof(indices));
        CheckIndices(indices, table.Rows, least: -1);
        Matrix y = _pool.Rent(x.Rows, x.Columns);
        Rows.For(x.Rows, x.Columns, row =>
        {
            if (indices[row] < 0) x.Value.Row(row).CopyTo(y.Row(row));
            else TensorPrimitives.Add(x.Value.Row(row), table.Value.Row(indices[row]), y.Row(row));
        });
        Variable output = null!;
        output = Record(y, x.NeedsGradient || table.NeedsGradient, gradient =>
        {
            if (table.NeedsGradient) Scatter(gradient, indices, table);
            PassOn(x, output);
        });
        return output;
    }

    /// <summary>The columns of x in parts, without copying.</summary>
    /// <param name="x">[rows, sum of widths]</param>
    /// <exception cref="ArgumentException">The widths do not add up to the columns.</exception>
    public Variable[] Split(Variable x, params ReadOnlySpan<int> widths)
    {
        Variable[] parts = new Variable[widths.Length];
        int[] starts = new int[widths.Length];
        int start = 0;
        for (int i = 0; i < widths.Length; i++)
        {
            starts[i] = start;
            start += widths[i];
        }
        if (start != x.Columns) throw new ArgumentException($"Widths of {start} in all do not make up {x.Columns} columns.", nameof(widths));
        Matrix whole = default; // the gradient of all parts
        for (int i = 0; i < parts.Length; i++)
        {
            int first = starts[i], width = widths[i];
            parts[i] = new Variable(x.Value.ColumnRange(first, width), x.NeedsGradient)
            {
                GradientSource = () => (whole.Owner is null ? whole = _pool.Rent(x.Rows, x.Columns) : whole).ColumnRange(first, width),
            };
        }
        if (!x.NeedsGradient) return parts;
        _steps.Add(new Step(x, () =>
        {
            if (whole.Owner is null) return;
            foreach (Variable part in parts)
                if (!part.HasGradient) part.GradientToWrite(_pool, out _).Clear();
            if (!x.HasGradient && !x.IsParameter && x.Upstream.Owner is null) x.Give(whole, owned: true);
            else
            {
                AddTo(x, whole);
                _pool.Return(whole);
            }
            whole = default;
        }, [], IsView: true));
        return parts;
    }

    /// <summary>Adds each row of a gradient to the row that it came from. Threads share the columns, so that sums are taken in order.</summary>
    private void Scatter(Matrix gradient, int[] indices, Variable table)
    {
        const int Block = 32;
        Matrix target = GradientOf(table, out bool accumulate);
        if (!accumulate) target.Clear();
        int blocks = (table.Columns + Block - 1) / Block;
        WorkerPool.For(blocks, block =>
        {
            int start = block * Block, count = Math.Min(Block, table.Columns - start);
            for (int row = 0; row < indices.Length; row++)
            {
                if (indices[row] < 0) continue;
                Span<float> sum = target.Row(indices[row]).Slice(start, count);
                TensorPrimitives.Add(sum, gradient.Row(row).Slice(start, count), sum);
            }
        });
    }

    private static void CheckIndices(ReadOnlySpan<int> indices, int count, int least)
    {
        foreach (int index in indices)
            if (index < least || index >= count) throw new ArgumentOutOfRangeException(nameof(indices), index, $"The index is not from {least} to {count - 1}.");
    }
}
