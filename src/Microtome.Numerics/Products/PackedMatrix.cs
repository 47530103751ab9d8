namespace Microtome.Numerics;

/// <summary>The right operand of many products, laid out once in the order in which the kernel reads it; its element type is kept.</summary>
public sealed class PackedMatrix
{
    private readonly object? _owner;

    private PackedMatrix(MatrixView view, object? owner)
    {
        View = view;
        _owner = owner;
    }

    /// <summary>The number of rows: the inner dimension of the products it takes part in.</summary>
    public int Rows => View.Rows;

    public int Columns => View.Columns;

    internal MatrixView View { get; }

    /// <param name="owner">What keeps the memory of <paramref name="matrix"/> valid, for as long as the packed matrix may still read it.</param>
    public static PackedMatrix Pack(MatrixView matrix, object? owner) => new(matrix, owner);
}
