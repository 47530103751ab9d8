using System.Diagnostics;

namespace Microtome.Numerics;

/// <summary>A writable view of a row-major float32 matrix. It keeps the owner of its memory alive; code that works on <see cref="Data"/> must itself keep <see cref="Owner"/> alive until it is done.</summary>
public readonly unsafe struct Matrix
{
    public Matrix(float* data, int rows, int columns, nint stride, object? owner)
    {
        Data = data;
        Rows = rows;
        Columns = columns;
        Stride = stride;
        Owner = owner;
    }

    public float* Data { get; }

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>Elements from one row to the next.</summary>
    public nint Stride { get; }

    public object? Owner { get; }

    /// <summary>The transpose, for reading.</summary>
    public MatrixView T => ((MatrixView)this).T;

    public Span<float> Row(int row)
    {
        Debug.Assert((uint)row < (uint)Rows);
        return new Span<float>(Data + row * Stride, Columns);
    }

    /// <summary>Rows <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/>.</summary>
    public Matrix RowRange(int start, int count)
    {
        Debug.Assert(start >= 0 && count >= 0 && start + count <= Rows);
        return new Matrix(Data + start * Stride, count, Columns, Stride, Owner);
    }

    /// <summary>Columns <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/>.</summary>
    public Matrix ColumnRange(int start, int count)
    {
        Debug.Assert(start >= 0 && count >= 0 && start + count <= Columns);
        return new Matrix(Data + start, Rows, count, Stride, Owner);
    }

    public void Clear()
    {
        for (int row = 0; row < Rows; row++) Row(row).Clear();
    }

    public static implicit operator MatrixView(Matrix matrix) =>
        new(matrix.Data, ElementType.F32, matrix.Rows, matrix.Columns, matrix.Stride, 1, matrix.Owner);
}
