using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microtome.Numerics;

/// <summary>A dense row-major float32 tensor in 64-byte-aligned memory that never moves.</summary>
public sealed unsafe class Tensor
{
    private const int Alignment = 64;

    /// <summary>The most elements that a tensor can have.</summary>
    public static int MaximumLength => Array.MaxLength - Alignment;

    private readonly float[] _storage;
    private readonly int[] _shape;

    /// <summary>A tensor of zeros.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A dimension is negative, or the product of all exceeds 2^31 - 64 elements.</exception>
    public Tensor(params ReadOnlySpan<int> shape) : this(shape, zeroed: true)
    {
    }

    private Tensor(ReadOnlySpan<int> shape, bool zeroed)
    {
        long length = 1;
        foreach (int dimension in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dimension);
            length *= dimension;
            ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaximumLength, nameof(shape));
        }
        _shape = shape.ToArray();
        Length = (int)length;
        _storage = zeroed
            ? GC.AllocateArray<float>(Length + Alignment / sizeof(float), pinned: true)
            : GC.AllocateUninitializedArray<float>(Length + Alignment / sizeof(float), pinned: true);
        nint start = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_storage));
        Pointer = (float*)((start + Alignment - 1) & ~(nint)(Alignment - 1));
    }

    /// <summary>A tensor whose elements are not set, for results that are about to be written.</summary>
    public static Tensor Uninitialized(params ReadOnlySpan<int> shape) => new(shape, zeroed: false);

    /// <summary>A tensor with a copy of the given elements, in row-major order.</summary>
    /// <exception cref="ArgumentException">The number of elements is not the product of the shape.</exception>
    public static Tensor From(ReadOnlySpan<float> elements, params ReadOnlySpan<int> shape)
    {
        Tensor tensor = new(shape, zeroed: false);
        if (elements.Length != tensor.Length)
            throw new ArgumentException($"{elements.Length} elements do not fill a tensor of shape [{string.Join(", ", shape.ToArray())}].", nameof(elements));
        elements.CopyTo(tensor.Span);
        return tensor;
    }

    public ReadOnlySpan<int> Shape => _shape;

    public int Rank => _shape.Length;

    /// <summary>The number of elements.</summary>
    public int Length { get; }

    /// <summary>The first element. It stays valid for as long as the tensor is referenced.</summary>
    public float* Pointer { get; }

    public Span<float> Span => new(Pointer, Length);

    /// <summary>The size of the last dimension.</summary>
    public int Columns => _shape.Length == 0 ? 1 : _shape[^1];

    /// <summary>The product of all dimensions but the last.</summary>
    public int Rows => Columns == 0 ? 0 : Length / Columns;

    /// <summary>Row <paramref name="row"/> of the tensor seen as a matrix [<see cref="Rows"/>, <see cref="Columns"/>].</summary>
    public Span<float> Row(int row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        return new Span<float>(Pointer + (nint)row * Columns, Columns);
    }

    /// <summary>The tensor seen as a matrix [<see cref="Rows"/>, <see cref="Columns"/>].</summary>
    public Matrix AsMatrix() => new(Pointer, Rows, Columns, Columns, this);

    /// <summary>The matrix at <paramref name="index"/> of a tensor of rank 3 or more, its leading dimensions but one flattened.</summary>
    public Matrix Slice(int index)
    {
        int rows = _shape[^2];
        int count = Rows / Math.Max(1, rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)count, nameof(index));
        return new Matrix(Pointer + (nint)index * rows * Columns, rows, Columns, Columns, this);
    }

    public Tensor Clone() => From(Span, _shape);
}
