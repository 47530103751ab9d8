using System.Runtime.CompilerServices;

namespace Microtome.Numerics;

// One method per number of rows: only sums that are individual locals stay in registers.
internal sealed unsafe partial class VectorKernel<TSimd, TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile12<TPanel>(float* a, float* b, nint k, float* c, nint stride, bool accumulate) where TPanel : struct, IPanel
    {
        TVector c00 = default, c01 = default;
        TVector c10 = default, c11 = default;
        TVector c20 = default, c21 = default;
        TVector c30 = default, c31 = default;
        TVector c40 = default, c41 = default;
        TVector c50 = default, c51 = default;
        TVector c60 = default, c61 = default;
        TVector c70 = default, c71 = default;
        TVector c80 = default, c81 = default;
        TVector c90 = default, c91 = default;
        TVector c100 = default, c101 = default;
        TVector c110 = default, c111 = default;
        Prefetch(c, stride, 12);
        for (; k > 0; k--, a += 12, b += TPanel.Step)
        {
            TVector b0 = TPanel.First(b), b1 = TPanel.Second(b);
            TVector x = TSimd.Broadcast(a);
            c00 = TSimd.MultiplyAdd(x, b0, c00);
            c01 = TSimd.MultiplyAdd(x, b1, c01);
            x = TSimd.Broadcast(a + 1);
            c10 = TSimd.MultiplyAdd(x, b0, c10);
            c11 = TSimd.MultiplyAdd(x, b1, c11);
            x = TSimd.Broadcast(a + 2);
            c20 = TSimd.MultiplyAdd(x, b0, c20);
            c21 = TSimd.MultiplyAdd(x, b1, c21);
            x = TSimd.Broadcast(a + 3);
            c30 = TSimd.MultiplyAdd(x, b0, c30);
            c31 = TSimd.MultiplyAdd(x, b1, c31);
            x = TSimd.Broadcast(a + 4);
            c40 = TSimd.MultiplyAdd(x, b0, c40);
            c41 = TSimd.MultiplyAdd(x, b1, c41);
            x = TSimd.Broadcast(a + 5);
            c50 = TSimd.MultiplyAdd(x, b0, c50);
            c51 = TSimd.MultiplyAdd(x, b1, c51);
            x = TSimd.Broadcast(a + 6);
            c60 = TSimd.MultiplyAdd(x, b0, c60);
            c61 = TSimd.MultiplyAdd(x, b1, c61);
            x = TSimd.Broadcast(a + 7);
            c70 = TSimd.MultiplyAdd(x, b0, c70);
            c71 = TSimd.MultiplyAdd(x, b1, c71);
            x = TSimd.Broadcast(a + 8);
            c80 = TSimd.MultiplyAdd(x, b0, c80);
            c81 = TSimd.MultiplyAdd(x, b1, c81);
            x = TSimd.Broadcast(a + 9);
            c90 = TSimd.MultiplyAdd(x, b0, c90);
            c91 = TSimd.MultiplyAdd(x, b1, c91);
            x = TSimd.Broadcast(a + 10);
            c100 = TSimd.MultiplyAdd(x, b0, c100);
            c101 = TSimd.MultiplyAdd(x, b1, c101);
            x = TSimd.Broadcast(a + 11);
            c110 = TSimd.MultiplyAdd(x, b0, c110);
            c111 = TSimd.MultiplyAdd(x, b1, c111);
        }
        Write(c, c00, c01, accumulate);
        Write(c + 1 * stride, c10, c11, accumulate);
        Write(c + 2 * stride, c20, c21, accumulate);
        Write(c + 3 * stride, c30, c31, accumulate);
        Write(c + 4 * stride, c40, c41, accumulate);
        Write(c + 5 * stride, c50, c51, accumulate);
        Write(c + 6 * stride, c60, c61, accumulate);
        Write(c + 7 * stride, c70, c71, accumulate);
        Write(c + 8 * stride, c80, c81, accumulate);
        Write(c + 9 * stride, c90, c91, accumulate);
        Write(c + 10 * stride, c100, c101, accumulate);
        Write(c + 11 * stride, c110, c111, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8<TPanel>(float* a, float* b, nint k, float* c, nint stride, bool accumulate) where TPanel : struct, IPanel
    {
        TVector c00 = default, c01 = default;
        TVector c10 = default, c11 = default;
        TVector c20 = default, c21 = default;
        TVector c30 = default, c31 = default;
        TVector c40 = default, c41 = default;
        TVector c50 = default, c51 = default;
        TVector c60 = default, c61 = default;
        TVector c70 = default, c71 = default;
        Prefetch(c, stride, 8);
        for (; k > 0; k--, a += 8, b += TPanel.Step)
        {
            TVector b0 = TPanel.First(b), b1 = TPanel.Second(b);
            TVector x = TSimd.Broadcast(a);
            c00 = TSimd.MultiplyAdd(x, b0, c00);
            c01 = TSimd.MultiplyAdd(x, b1, c01);
            x = TSimd.Broadcast(a + 1);
            c10 = TSimd.MultiplyAdd(x, b0, c10);
            c11 = TSimd.MultiplyAdd(x, b1, c11);
            x = TSimd.Broadcast(a + 2);
            c20 = TSimd.MultiplyAdd(x, b0, c20);
            c21 = TSimd.MultiplyAdd(x, b1, c21);
            x = TSimd.Broadcast(a + 3);
            c30 = TSimd.MultiplyAdd(x, b0, c30);
            c31 = TSimd.MultiplyAdd(x, b1, c31);
            x = TSimd.Broadcast(a + 4);
            c40 = TSimd.MultiplyAdd(x, b0, c40);
            c41 = TSimd.MultiplyAdd(x, b1, c41);
            x = TSimd.Broadcast(a + 5);
            c50 = TSimd.MultiplyAdd(x, b0, c50);
            c51 = TSimd.MultiplyAdd(x, b1, c51);
            x = TSimd.Broadcast(a + 6);
            c60 = TSimd.MultiplyAdd(x, b0, c60);
            c61 = TSimd.MultiplyAdd(x, b1, c61);
            x = TSimd.Broadcast(a + 7);
            c70 = TSimd.MultiplyAdd(x, b0, c70);
            c71 = TSimd.MultiplyAdd(x, b1, c71);
        }
        Write(c, c00, c01, accumulate);
        Write(c + 1 * stride, c10, c11, accumulate);
        Write(c + 2 * stride, c20, c21, accumulate);
        Write(c + 3 * stride, c30, c31, accumulate);
        Write(c + 4 * stride, c40, c41, accumulate);
        Write(c + 5 * stride, c50, c51, accumulate);
        Write(c + 6 * stride, c60, c61, accumulate);
        Write(c + 7 * stride, c70, c71, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6<TPanel>(float* a, float* b, nint k, float* c, nint stride, bool accumulate) where TPanel : struct, IPanel
    {
        TVector c00 = default, c01 = default;
        TVector c10 = default, c11 = default;
        TVector c20 = default, c21 = default;
        TVector c30 = default, c31 = default;
        TVector c40 = default, c41 = default;
        TVector c50 = default, c51 = default;
        Prefetch(c, stride, 6);
        for (; k > 0; k--, a += 6, b += TPanel.Step)
        {
            TVector b0 = TPanel.First(b), b1 = TPanel.Second(b);
            TVector x = TSimd.Broadcast(a);
            c00 = TSimd.MultiplyAdd(x, b0, c00);
            c01 = TSimd.MultiplyAdd(x, b1, c01);
            x = TSimd.Broadcast(a + 1);
            c10 = TSimd.MultiplyAdd(x, b0, c10);
            c11 = TSimd.MultiplyAdd(x, b1, c11);
            x = TSimd.Broadcast(a + 2);
            c20 = TSimd.MultiplyAdd(x, b0, c20);
            c21 = TSimd.MultiplyAdd(x, b1, c21);
            x = TSimd.Broadcast(a + 3);
            c30 = TSimd.MultiplyAdd(x, b0, c30);
            c31 = TSimd.MultiplyAdd(x, b1, c31);
            x = TSimd.Broadcast(a + 4);
            c40 = TSimd.MultiplyAdd(x, b0, c40);
            c41 = TSimd.MultiplyAdd(x, b1, c41);
            x = TSimd.Broadcast(a + 5);
            c50 = TSimd.MultiplyAdd(x, b0, c50);
            c51 = TSimd.MultiplyAdd(x, b1, c51);
        }
        Write(c, c00, c01, accumulate);
        Write(c + 1 * stride, c10, c11, accumulate);
        Write(c + 2 * stride, c20, c21, accumulate);
        Write(c + 3 * stride, c30, c31, accumulate);
        Write(c + 4 * stride, c40, c41, accumulate);
        Write(c + 5 * stride, c50, c51, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4<TPanel>(float* a, float* b, nint k, float* c, nint stride, bool accumulate) where TPanel : struct, IPanel
    {
        TVector c00 = default, c01 = default;
        TVector c10 = default, c11 = default;
        TVector c20 = default, c21 = default;
        TVector c30 = default, c31 = default;
        Prefetch(c, stride, 4);
        for (; k > 0; k--, a += 4, b += TPanel.Step)
        {
            TVector b0 = TPanel.First(b), b1 = TPanel.Second(b);
            TVector x = TSimd.Broadcast(a);
            c00 = TSimd.MultiplyAdd(x, b0, c00);
            c01 = TSimd.MultiplyAdd(x, b1, c01);
            x = TSimd.Broadcast(a + 1);
            c10 = TSimd.MultiplyAdd(x, b0, c10);
            c11 = TSimd.MultiplyAdd(x, b1, c11);
            x = TSimd.Broadcast(a + 2);
            c20 = TSimd.MultiplyAdd(x, b0, c20);
            c21 = TSimd.MultiplyAdd(x, b1, c21);
            x = TSimd.Broadcast(a + 3);
            c30 = TSimd.MultiplyAdd(x, b0, c30);
            c31 = TSimd.MultiplyAdd(x, b1, c31);
        }
        Write(c, c00, c01, accumulate);
        Write(c + 1 * stride, c10, c11, accumulate);
        Write(c + 2 * stride, c20, c21, accumulate);
        Write(c + 3 * stride, c30, c31, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1<TPanel>(float* a, float* b, nint k, float* c, nint stride, bool accumulate) where TPanel : struct, IPanel
    {
        TVector c00 = default, c01 = default;
        Prefetch(c, stride, 1);
        for (; k > 0; k--, a += 1, b += TPanel.Step)
        {
            TVector x = TSimd.Broadcast(a);
            c00 = TSimd.MultiplyAdd(x, TPanel.First(b), c00);
            c01 = TSimd.MultiplyAdd(x, TPanel.Second(b), c01);
        }
        Write(c, c00, c01, accumulate);
    }

    /// <summary>C comes from far away, and is needed only when the sums are done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float* c, nint stride, int rows)
    {
        for (int row = 0; row < rows; row++, c += stride)
        {
            TSimd.Prefetch(c);
            TSimd.Prefetch(c + 2 * TSimd.Lanes - 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(float* c, TVector first, TVector second, bool accumulate)
    {
        if (accumulate)
        {
            first = TSimd.Add(TSimd.Load(c), first);
            second = TSimd.Add(TSimd.Load(c + TSimd.Lanes), second);
        }
        TSimd.Store(first, c);
        TSimd.Store(second, c + TSimd.Lanes);
    }
}
