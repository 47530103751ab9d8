using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Microtome.Numerics;

/// <summary>
/// A read-only view of a matrix of float32, float16 or bfloat16 elements with any strides: an operand of a product. Taking the
/// transpose costs nothing. It keeps the owner of its memory alive; code that works on <see cref="Data"/> must itself keep
/// <see cref="Owner"/> alive until it is done.
/// </summary>
public readonly unsafe struct MatrixView
{
    public MatrixView(void* data, ElementType type, int rows, int columns, nint rowStride, nint columnStride, object? owner)
    {
        if (!type.IsWeight()) throw new ArgumentException($"A matrix of {type} cannot be an operand; f32, f16 and bf16 can.", nameof(type));
        Data = (byte*)data;
        Type = type;
        Rows = rows;
        Columns = columns;
        RowStride = rowStride;
        ColumnStride = columnStride;
        Owner = owner;
    }

    public byte* Data { get; }

    public ElementType Type { get; }

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>Elements from one row to the next.</summary>
    public nint RowStride { get; }

    /// <summary>Elements from one column to the next.</summary>
    public nint ColumnStride { get; }

    public object? Owner { get; }

    public MatrixView T => new(Data, Type, Columns, Rows, ColumnStride, RowStride, Owner);

    public MatrixView RowRange(int start, int count)
    {
        Debug.Assert(start >= 0 && count >= 0 && start + count <= Rows);
        return new MatrixView(Data + start * RowStride * Type.Size(), Type, count, Columns, RowStride, ColumnStride, Owner);
    }

    public MatrixView ColumnRange(int start, int count) => T.RowRange(start, count).T;

    /// <summary>Writes one row as float32.</summary>
    public void CopyRow(int row, Span<float> destination)
    {
        Debug.Assert((uint)row < (uint)Rows && destination.Length >= Columns);
        byte* start = Data + row * RowStride * Type.Size();
        if (ColumnStride == 1)
        {
            Elements.ToSingle(start, Type, destination[..Columns]);
            GC.KeepAlive(Owner);
            return;
        }
        nint step = ColumnStride * Type.Size();
        for (int column = 0; column < Columns; column++, start += step)
            destination[column] = Elements.ToSingle(start, Type);
        GC.KeepAlive(Owner);
    }

    /// <summary>The element at a row and column as float32.</summary>
    public float this[int row, int column]
    {
        get
        {
            Debug.Assert((uint)row < (uint)Rows && (uint)column < (uint)Columns);
            return Elements.ToSingle(Data + (row * RowStride + column * ColumnStride) * Type.Size(), Type);
        }
    }
}

/// <summary>Conversions of stored elements to float32; all are exact but for float64, which rounds.</summary>
public static unsafe class Elements
{
    /// <summary>Converts consecutive elements.</summary>
    public static void ToSingle(byte* source, ElementType type, Span<float> destination)
    {
        int count = destination.Length;
        switch (type)
        {
            case ElementType.F32:
                new ReadOnlySpan<float>(source, count).CopyTo(destination);
                break;
            case ElementType.BF16:
                BFloat16ToSingle(new ReadOnlySpan<ushort>(source, count), destination);
                break;
            case ElementType.F16:
                TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(source, count), destination);
                break;
            default:
                int size = type.Size();
                for (int i = 0; i < count; i++) destination[i] = ToSingle(source + (nint)i * size, type);
                break;
        }
    }

    /// <summary>Converts one element.</summary>
    public static float ToSingle(byte* source, ElementType type) => type switch
    {
        ElementType.F32 => *(float*)source,
        ElementType.BF16 => BitConverter.UInt32BitsToSingle((uint)*(ushort*)source << 16),
        ElementType.F16 => (float)*(Half*)source,
        ElementType.F64 => (float)*(double*)source,
        ElementType.I64 => *(long*)source,
        ElementType.I32 => *(int*)source,
        ElementType.I16 => *(short*)source,
        ElementType.I8 => *(sbyte*)source,
        _ => *source,
    };

    /// <summary>float32 to bfloat16, to nearest with ties to even; NaN stays NaN.</summary>
    public static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value)) return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static void BFloat16ToSingle(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        Span<uint> bits = MemoryMarshal.Cast<float, uint>(destination);
        TensorPrimitives.ConvertTruncating(source, bits);
        TensorPrimitives.ShiftLeft(bits, 16, bits);
    }
}
