namespace Microtome.Numerics;

/// <summary>
/// A read-only tensor of any element type whose bytes live elsewhere, usually in a memory-mapped file. Nothing is read until it
/// is asked for. It keeps the owner of its memory alive.
/// </summary>
public sealed unsafe class StoredTensor
{
    private readonly object? _owner;
    private readonly long[] _shape;

    /// <param name="name">What errors call it.</param>
    /// <param name="data">The first element; aligned or not.</param>
    /// <param name="owner">What keeps the memory valid.</param>
    /// <param name="shape">Sizes, outermost first.</param>
    public StoredTensor(string name, ElementType type, byte* data, object? owner, params ReadOnlySpan<long> shape)
    {
        Name = name;
        Type = type;
        Data = data;
        _owner = owner;
        _shape = shape.ToArray();
        long length = 1;
        foreach (long dimension in shape) length = checked(length * dimension);
        Length = length;
    }

    /// <summary>A stored tensor over the memory of <paramref name="tensor"/>.</summary>
    public static StoredTensor Over(string name, Tensor tensor)
    {
        long[] shape = new long[tensor.Rank];
        for (int i = 0; i < shape.Length; i++) shape[i] = tensor.Shape[i];
        return new StoredTensor(name, ElementType.F32, (byte*)tensor.Pointer, tensor, shape);
    }

    public string Name { get; }

    public ElementType Type { get; }

    public byte* Data { get; }

    public ReadOnlySpan<long> Shape => _shape;

    public long Length { get; }

    /// <summary>The size in bytes.</summary>
    public long Bytes => Length * Type.Size();

    /// <summary>The shape as errors print it.</summary>
    public string ShapeText => $"[{string.Join(", ", _shape)}]";

    /// <summary>The part at <paramref name="index"/> of the first dimension.</summary>
    public StoredTensor this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index, (ulong)_shape[0], nameof(index));
            long size = Length / _shape[0] * Type.Size();
            return new StoredTensor($"{Name}[{index}]", Type, Data + index * size, _owner, _shape.AsSpan(1));
        }
    }

    /// <summary>The tensor as an operand [rows, columns]; a tensor of more than two dimensions has its leading ones flattened.</summary>
    /// <exception cref="InvalidOperationException">It has fewer than two dimensions, or elements that are not weights.</exception>
    public MatrixView AsMatrix()
    {
        if (_shape.Length < 2 || !Type.IsWeight())
            throw new InvalidOperationException($"{Name} is {Type} {ShapeText}; a matrix of f32, f16 or bf16 is needed.");
        int columns = checked((int)_shape[^1]);
        int rows = columns == 0 ? 0 : checked((int)(Length / columns));
        return new MatrixView(Data, Type, rows, columns, columns, 1, _owner);
    }

    /// <summary>A float32 copy of the whole tensor.</summary>
    public Tensor ToTensor()
    {
        int[] shape = new int[_shape.Length];
        for (int i = 0; i < shape.Length; i++) shape[i] = checked((int)_shape[i]);
        Tensor tensor = Tensor.Uninitialized(shape);
        Elements.ToSingle(Data, Type, tensor.Span);
        GC.KeepAlive(this);
        return tensor;
    }

    /// <summary>The elements of an integer tensor.</summary>
    public long[] ToInt64()
    {
        long[] values = new long[checked((int)Length)];
        for (int i = 0; i < values.Length; i++)
        {
            byte* source = Data + (nint)i * Type.Size();
            values[i] = Type switch
            {
                ElementType.I64 => *(long*)source,
                ElementType.I32 => *(int*)source,
                ElementType.I16 => *(short*)source,
                ElementType.I8 => *(sbyte*)source,
                ElementType.U8 or ElementType.Bool => *source,
                _ => throw new InvalidOperationException($"{Name} holds {Type}; integers are needed."),
            };
        }
        GC.KeepAlive(this);
        return values;
    }
}
