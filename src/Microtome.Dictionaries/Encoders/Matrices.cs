using System.Runtime.InteropServices;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>Writes matrices row by row in another type or order than they are held in.</summary>
internal static class Matrices
{
    public static void Add(SafetensorsWriter writer, string name, MatrixView matrix, ElementType type) =>
        AddRows(writer, name, matrix.Rows, matrix.Columns, (row, values) => matrix.CopyRow(row, values), type);

    public static void AddRows(SafetensorsWriter writer, string name, int rows, int columns, RowReader read, ElementType type) =>
        AddRows(writer, name, [rows, columns], read, type);

    /// <param name="shape">The last dimension is a row's.</param>
    public static void AddRows(SafetensorsWriter writer, string name, ReadOnlySpan<long> shape, RowReader read, ElementType type)
    {
        if (!type.IsWeight()) throw new ArgumentException($"Weights are written as F32, F16 or BF16, not {type}.", nameof(type));
        long rows = 1;
        foreach (long size in shape[..^1]) rows *= size;
        int columns = (int)shape[^1];
        writer.Add(name, type, shape, stream =>
        {
            float[] values = new float[columns];
            for (int row = 0; row < rows; row++)
            {
                read(row, values);
                stream.Write(Bytes(values, type));
            }
        });
    }

    public static ReadOnlySpan<byte> Bytes(float[] values, ElementType type) => type switch
    {
        ElementType.BF16 => MemoryMarshal.AsBytes(Array.ConvertAll(values, Elements.ToBFloat16).AsSpan()),
        ElementType.F16 => MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (Half)value).AsSpan()),
        _ => MemoryMarshal.AsBytes(values.AsSpan()),
    };
}

/// <summary>Writes one row of a matrix as float32.</summary>
internal delegate void RowReader(int row, Span<float> values);
