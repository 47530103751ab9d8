using System.Runtime.Intrinsics;
using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Tiles;

public sealed class TileTermsTests
{
    [Fact]
    public void Three_terms_are_a_float32_down_to_the_smallest_bfloat16()
    {
        Random random = new(1);
        for (int i = 0; i < 100_000; i++)
        {
            float value = BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32));
            if (!float.IsFinite(value)) continue;
            float[] terms = Terms(value, 3);
            double lost = value - ((double)terms[0] + terms[1] + terms[2]);
            Math.Abs(lost).ShouldBeLessThanOrEqualTo(Math.Abs(value) < Math.Pow(2, -109) ? Math.Pow(2, -133) : 0, $"{value}");
        }
    }

    [Fact]
    public void Two_terms_are_a_float16()
    {
        for (int bits = 0; bits < 0x10000; bits++)
        {
            float value = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
            if (!float.IsFinite(value)) continue;
            float[] terms = Terms(value, 2);
            (terms[0] + terms[1]).ShouldBe(value);
        }
    }

    [Theory]
    [InlineData(float.MaxValue)]
    [InlineData(-float.MaxValue)]
    [InlineData(float.Epsilon)]
    [InlineData(0f)]
    public void Finite_numbers_have_finite_terms(float value) => Terms(value, 3).ShouldAllBe(term => float.IsFinite(term));

    [Theory]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.NaN)]
    public void What_is_not_finite_is_in_the_last_term(float value)
    {
        float[] terms = Terms(value, 3);
        terms[2].ShouldBe(value);
        terms[..2].ShouldAllBe(term => float.IsFinite(term));
    }

    [Fact]
    public void One_term_is_the_nearest_bfloat16()
    {
        Random random = new(2);
        for (int i = 0; i < 100_000; i++)
        {
            float value = i switch
            {
                0 => float.NaN,
                1 => float.PositiveInfinity,
                2 => BitConverter.UInt32BitsToSingle(0x7F80_0001),
                _ => BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32)),
            };
            Vector512<uint> rounded = TileTerms.Nearest(Vector512.Create(value));
            ((ushort)(rounded[3] >> 16)).ShouldBe(Elements.ToBFloat16(value));
        }
    }

    [Fact]
    public void Pairs_left_out_are_the_smallest()
    {
        for (int left = 1; left <= TileTerms.Most; left++)
            for (int right = 1; right <= TileTerms.Most; right++)
            {
                List<(int, int)> expected = [];
                for (int i = 0; i < left; i++)
                    for (int j = 0; j < right; j++)
                        if (i + j <= 2) expected.Add((i, j));
                TileTerms.Pairs(left, right).ToArray().ShouldBe(expected, ignoreOrder: true);
            }
    }

    private static float[] Terms(float value, int count)
    {
        Vector512<float> rest = Vector512.Create(value);
        float[] terms = new float[count];
        for (int i = 0; i < count; i++)
        {
            Vector512<uint> term = TileTerms.Next(ref rest, last: i == count - 1);
            (term[0] & 0xFFFF).ShouldBe(0u);
            terms[i] = term.AsSingle()[0];
        }
        return terms;
    }
}
