using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Tensors;

public sealed unsafe class ElementsTests
{
    private static readonly ushort[] All = [.. Enumerable.Range(0, 65536).Select(value => (ushort)value)];

    [Fact]
    public void Every_bfloat16_converts_exactly()
    {
        float[] converted = Convert(ElementType.BF16);
        for (int i = 0; i < All.Length; i++) BitConverter.SingleToUInt32Bits(converted[i]).ShouldBe((uint)i << 16);
    }

    [Fact]
    public void Every_float16_converts_exactly()
    {
        float[] converted = Convert(ElementType.F16);
        for (int i = 0; i < All.Length; i++)
        {
            int exponent = i >> 10 & 31, fraction = i & 1023;
            double magnitude = exponent switch
            {
                0 => Math.ScaleB(fraction, -24),
                31 => fraction == 0 ? double.PositiveInfinity : double.NaN,
                _ => Math.ScaleB(1024 + fraction, exponent - 25),
            };
            ((double)converted[i]).ShouldBe((i & 0x8000) == 0 ? magnitude : -magnitude);
        }
    }

    [Fact]
    public void One_element_converts_as_many_do()
    {
        foreach (ElementType type in new[] { ElementType.BF16, ElementType.F16 })
        {
            float[] converted = Convert(type);
            fixed (ushort* source = All)
                for (int i = 0; i < All.Length; i++) Elements.ToSingle((byte*)(source + i), type).ShouldBe(converted[i]);
        }
    }

    [Fact]
    public void Every_bfloat16_survives_the_way_through_float32()
    {
        float[] converted = Convert(ElementType.BF16);
        for (int i = 0; i < All.Length; i++)
            if (!float.IsNaN(converted[i])) Elements.ToBFloat16(converted[i]).ShouldBe(All[i]);
    }

    [Theory]
    [InlineData(0x3F800000u, 0x3F80)] // 1
    [InlineData(0x3F808000u, 0x3F80)] // halfway: to even, down
    [InlineData(0x3F818000u, 0x3F82)] // halfway: to even, up
    [InlineData(0x3F808001u, 0x3F81)]
    [InlineData(0x7F7FFFFFu, 0x7F80)] // the largest float32 becomes infinity
    [InlineData(0xFF800000u, 0xFF80)]
    [InlineData(0x7F800001u, 0x7FC0)] // NaN stays NaN
    public void Float32_rounds_to_the_nearest_bfloat16(uint bits, ushort expected) =>
        Elements.ToBFloat16(BitConverter.UInt32BitsToSingle(bits)).ShouldBe(expected);

    private static float[] Convert(ElementType type)
    {
        float[] converted = new float[All.Length];
        fixed (ushort* source = All) Elements.ToSingle((byte*)source, type, converted);
        return converted;
    }
}
