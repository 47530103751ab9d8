using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Products;

/// <summary>A random matrix of any type and storage order inside a larger one, whose other elements are NaN.</summary>
internal sealed unsafe class Operand
{
    private readonly Tensor _storage;

    public Operand(Random random, ElementType type, int rows, int columns, bool transposed, int padding = 0)
    {
        (int outer, int inner) = transposed ? (columns, rows) : (rows, columns);
        int stride = inner + padding;
        _storage = Tensor.Uninitialized(outer + 1, stride + 1);
        _storage.Span.Fill(float.NaN);
        MatrixView stored = new((byte*)_storage.Pointer + padding * type.Size(), type, outer, inner, stride, 1, _storage);
        for (int row = 0; row < outer; row++)
            for (int column = 0; column < inner; column++)
                Store(stored.Data, type, (nint)row * stride + column, 2 * random.NextSingle() - 1);
        View = transposed ? stored.T : stored;
    }

    public MatrixView View { get; }

    private static void Store(byte* data, ElementType type, nint index, float value)
    {
        if (type == ElementType.F32) ((float*)data)[index] = value;
        else if (type == ElementType.BF16) ((ushort*)data)[index] = Elements.ToBFloat16(value);
        else ((Half*)data)[index] = (Half)value;
    }
}
