using System.Runtime.InteropServices;
using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Tensors;

public sealed unsafe class StoredTensorTests
{
    [Fact]
    public void A_tensor_is_read_as_it_is_stored()
    {
        Tensor tensor = TensorTests.Counted(2, 3, 4);
        StoredTensor stored = StoredTensor.Over("weights", tensor);
        stored.ShapeText.ShouldBe("[2, 3, 4]");
        (stored.Length, stored.Bytes).ShouldBe((24, 96));
        stored.AsMatrix()[5, 3].ShouldBe(23);
        stored[1].AsMatrix()[2, 0].ShouldBe(20);
        stored.ToTensor().Span.SequenceEqual(tensor.Span).ShouldBeTrue();
    }

    [Theory]
    [InlineData(ElementType.I64, 8)]
    [InlineData(ElementType.I32, 4)]
    [InlineData(ElementType.I16, 2)]
    [InlineData(ElementType.I8, 1)]
    public void Integers_of_every_size_keep_their_sign(ElementType type, int size)
    {
        byte[] bytes = new byte[3 * size];
        Array.Fill(bytes, (byte)0xFF, size, size);
        bytes[2 * size] = 5;
        Read(type, bytes, 3, stored => stored.ToInt64().ShouldBe([0, -1, 5]));
    }

    [Fact]
    public void Unaligned_numbers_are_read()
    {
        byte[] bytes = [0, .. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f)];
        fixed (byte* data = bytes)
            new StoredTensor("x", ElementType.F32, data + 1, null, 2).ToTensor().Span.ToArray().ShouldBe([1.5f, -2f]);
    }

    [Fact]
    public void Float64_is_rounded() =>
        Read(ElementType.F64, MemoryMarshal.AsBytes([1.0 / 3, 1e300]).ToArray(), 2,
            stored => stored.ToTensor().Span.ToArray().ShouldBe([1f / 3, float.PositiveInfinity]));

    [Fact]
    public void Vectors_and_integers_are_no_matrices()
    {
        StoredTensor vector = StoredTensor.Over("bias", new Tensor(3));
        Should.Throw<InvalidOperationException>(() => vector.AsMatrix()).Message.ShouldBe("bias is F32 [3]; a matrix of f32, f16 or bf16 is needed.");
        Read(ElementType.I8, new byte[4], 4, stored => Should.Throw<InvalidOperationException>(() => new StoredTensor("i", ElementType.I8, stored.Data, null, 2, 2).AsMatrix()));
    }

    [Fact]
    public void Weights_are_no_integers() =>
        Should.Throw<InvalidOperationException>(() => StoredTensor.Over("bias", new Tensor(3)).ToInt64()).Message.ShouldContain("bias");

    [Fact]
    public void Parts_outside_are_refused() =>
        Should.Throw<ArgumentOutOfRangeException>(() => StoredTensor.Over("x", new Tensor(2, 3))[2]);

    [Fact]
    public void A_length_beyond_64_bits_is_refused() =>
        Should.Throw<OverflowException>(() => new StoredTensor("x", ElementType.U8, null, null, 1L << 62, 4));

    private static void Read(ElementType type, byte[] bytes, long length, Action<StoredTensor> check)
    {
        fixed (byte* data = bytes) check(new StoredTensor("x", type, data, null, length));
    }
}
