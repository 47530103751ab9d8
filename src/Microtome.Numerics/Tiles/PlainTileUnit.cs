using System.Runtime.Intrinsics;

namespace Microtome.Numerics;

/// <summary>
/// The specification of the matrix unit. A dot product of 32 terms is the sum of two chains of 16 fused multiply-adds, over the even k and
/// over the odd; operands and results below 2^-126 become zero, and everything rounds to nearest even. So Intel's manual defines
/// tdpbf16ps (Software Developer's Manual, volume 2).
/// </summary>
internal sealed unsafe class PlainTileUnit : TileUnit
{
    public override void Multiply(int leftTerms, int rightTerms, int height, TileArguments* arguments)
    {
        ushort* left = arguments->Left;
        for (nint panel = 0; panel < arguments->Panels; panel++)
        {
            byte* result = (byte*)arguments->Result + panel * height * arguments->Advance;
            for (int row = 0; row < height * Side; row++)
            {
                Vector512<float> sums0 = default, sums1 = default;
                for (nint step = 0; step < arguments->Steps; step++)
                {
                    foreach ((int leftTerm, int rightTerm) in TileTerms.Pairs(leftTerms, rightTerms))
                    {
                        ushort* a = left + (step * leftTerms + leftTerm) * height * TileLength + row * Depth;
                        ushort* b = arguments->Right + (step * rightTerms + rightTerm) * 2 * TileLength;
                        sums0 = Flush(sums0 + DotProducts(a, b));
                        sums1 = Flush(sums1 + DotProducts(a, b + Depth));
                    }
                }
                sums0.Store((float*)(result + row * arguments->Stride));
                sums1.Store((float*)(result + row * arguments->Stride) + Side);
            }
            left += arguments->Steps * leftTerms * height * TileLength;
        }
    }

    /// <summary>One row of a left tile times the 16 columns of a right tile, whose rows lie a panel apart.</summary>
    private static Vector512<float> DotProducts(ushort* a, ushort* b)
    {
        Vector512<float> even = default, odd = default;
        for (int k = 0; k < Depth; k += 2, b += 2 * PanelColumns)
        {
            Vector512<uint> pairs = Vector512.Load((uint*)b);
            Vector512<float> b0 = Flush((pairs << 16).AsSingle()), b1 = Flush((pairs & Vector512.Create(0xFFFF_0000)).AsSingle());
            even = Flush(Vector512.FusedMultiplyAdd(Flush(Widen(a[k])), b0, even));
            odd = Flush(Vector512.FusedMultiplyAdd(Flush(Widen(a[k + 1])), b1, odd));
        }
        return Flush(even + odd);
    }

    private static Vector512<float> Widen(ushort value) => Vector512.Create((uint)value << 16).AsSingle();

    /// <summary>Numbers below the smallest normal one become zeros of their sign.</summary>
    private static Vector512<float> Flush(Vector512<float> value) => Vector512.ConditionalSelect(
        Vector512.LessThan(Vector512.Abs(value), Vector512.Create(1.17549435e-38f)),
        (value.AsUInt32() & Vector512.Create(0x8000_0000)).AsSingle(),
        value);
}
