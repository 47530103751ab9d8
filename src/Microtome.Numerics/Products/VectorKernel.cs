using System.Runtime.CompilerServices;

namespace Microtome.Numerics;

/// <summary>The kernel for processors with fused multiply-add on vectors: panels of two vectors, tiles that fill the registers.</summary>
internal sealed unsafe partial class VectorKernel<TSimd, TVector> : MatrixKernel
    where TSimd : struct, ISimd<TVector>
    where TVector : unmanaged
{
    public override string ToString() => TSimd.Name;

    public override int TileRows => TSimd.TileRows;

    public override int PanelColumns => 2 * TSimd.Lanes;

    public override int PanelHeight(int rows) => rows > 8 ? 12 : rows > 4 ? Math.Min(8, TSimd.TileRows) : rows > 1 ? 4 : 1;

    protected override void Tile(int height, float* left, float* right, bool pairs, int depth, float* c, nint stride, bool accumulate)
    {
        if (pairs) Tile<BFloat16Panel>(height, left, right, depth, c, stride, accumulate);
        else Tile<FloatPanel>(height, left, right, depth, c, stride, accumulate);
    }

    private static void Tile<TPanel>(int height, float* left, float* right, int depth, float* c, nint stride, bool accumulate)
        where TPanel : struct, IPanel
    {
        switch (height)
        {
            case 12: Tile12<TPanel>(left, right, depth, c, stride, accumulate); break;
            case 8: Tile8<TPanel>(left, right, depth, c, stride, accumulate); break;
            case 6: Tile6<TPanel>(left, right, depth, c, stride, accumulate); break;
            case 4: Tile4<TPanel>(left, right, depth, c, stride, accumulate); break;
            default: Tile1<TPanel>(left, right, depth, c, stride, accumulate); break;
        }
    }

    public override void Narrow(float* panel, int depth, float* pairs)
    {
        for (int k = 0; k < depth; k++)
            TSimd.Store(
                TSimd.JoinHalves(TSimd.Load(panel + k * PanelColumns), TSimd.Load(panel + k * PanelColumns + TSimd.Lanes)),
                pairs + k * TSimd.Lanes);
    }

    /// <summary>How the two vectors of a right panel at one k are read.</summary>
    private interface IPanel
    {
        /// <summary>The size of one k, in floats.</summary>
        static abstract int Step { get; }

        static abstract TVector First(float* panel);

        static abstract TVector Second(float* panel);
    }

    private readonly struct FloatPanel : IPanel
    {
        public static int Step => 2 * TSimd.Lanes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector First(float* panel) => TSimd.Load(panel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Second(float* panel) => TSimd.Load(panel + TSimd.Lanes);
    }

    private readonly struct BFloat16Panel : IPanel
    {
        public static int Step => TSimd.Lanes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector First(float* panel) => TSimd.LowHalves(panel);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Second(float* panel) => TSimd.HighHalves(panel);
    }
}
