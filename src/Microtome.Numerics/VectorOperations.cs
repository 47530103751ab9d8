using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Microtome.Numerics;

/// <summary>
/// Arithmetic on float32 vectors beside the matrix products. Sums are taken in an order that depends on the length alone, not on
/// where the vector lies in memory.
/// </summary>
public static partial class VectorOperations
{
    /// <summary>The sum of x·y.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        CheckLengths(x.Length, y.Length);
        return SumOfProducts(x, y);
    }

    /// <summary>y += <paramref name="scale"/>·x, rounded once.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void AddScaled(Span<float> y, float scale, ReadOnlySpan<float> x)
    {
        CheckLengths(x.Length, y.Length);
        TensorPrimitives.FusedMultiplyAdd(x, scale, y, y);
    }

    /// <summary>The sum of x², of which root-mean-square norms are made.</summary>
    public static float SumOfSquares(ReadOnlySpan<float> x) => SumOfProducts(x, x);

    /// <summary>
    /// x = exp(x - max x) / sum of the same. Elements of negative infinity become 0, unless all are: then, as with NaN, all become NaN.
    /// </summary>
    public static void Softmax(Span<float> x)
    {
        if (x.IsEmpty) return;
        TensorPrimitives.Subtract(x, TensorPrimitives.Max(x), x);
        TensorPrimitives.Exp(x, x);
        TensorPrimitives.Divide(x, Sum(x), x);
    }

    /// <summary>
    /// The indexes of the <paramref name="indexes"/>.Length largest elements, largest first; of equal ones the lower index comes first. NaN
    /// counts as smaller than everything.
    /// </summary>
    /// <exception cref="ArgumentException">More indexes than elements are asked for.</exception>
    public static void TopK(ReadOnlySpan<float> x, Span<int> indexes)
    {
        int k = indexes.Length;
        if (k > x.Length) throw new ArgumentException($"{k} indexes of {x.Length} elements do not exist.", nameof(indexes));
        if (k == 0) return;
        // A heap of the best so far, the worst of them at the root.
        for (int i = 0; i < k; i++) indexes[i] = i;
        for (int i = k / 2 - 1; i >= 0; i--) SiftDown(x, indexes, i);
        float worst = x[indexes[0]];
        for (int i = k; i < x.Length; i++)
        {
            // An equal element comes later, so it never replaces one; the comparison is false for NaN.
            if (!(x[i] > worst) && !(float.IsNaN(worst) && !float.IsNaN(x[i]))) continue;
            indexes[0] = i;
            SiftDown(x, indexes, 0);
            worst = x[indexes[0]];
        }
        for (int end = k - 1; end > 0; end--)
        {
            (indexes[0], indexes[end]) = (indexes[end], indexes[0]);
            SiftDown(x, indexes[..end], 0);
        }
    }

    /// <summary>32 partial sums, one for each index modulo 32, which are then added in pairs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float SumOfProducts(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        const int Width = 8;
        ref float left = ref MemoryMarshal.GetReference(x);
        ref float right = ref MemoryMarshal.GetReference(y);
        Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        int i = 0;
        for (; i + 4 * Width <= x.Length; i += 4 * Width)
        {
            sum0 = AddProducts(ref left, ref right, i, sum0);
            sum1 = AddProducts(ref left, ref right, i + Width, sum1);
            sum2 = AddProducts(ref left, ref right, i + 2 * Width, sum2);
            sum3 = AddProducts(ref left, ref right, i + 3 * Width, sum3);
        }
        Span<float> rest = stackalloc float[8 * Width];
        rest.Clear();
        x[i..].CopyTo(rest);
        y[i..].CopyTo(rest[(4 * Width)..]);
        ref float restLeft = ref MemoryMarshal.GetReference(rest);
        ref float restRight = ref rest[4 * Width];
        sum0 = AddProducts(ref restLeft, ref restRight, 0, sum0);
        sum1 = AddProducts(ref restLeft, ref restRight, Width, sum1);
        sum2 = AddProducts(ref restLeft, ref restRight, 2 * Width, sum2);
        sum3 = AddProducts(ref restLeft, ref restRight, 3 * Width, sum3);
        return AddLanes(sum0 + sum1 + (sum2 + sum3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddProducts(ref float x, ref float y, int index, Vector256<float> sum) =>
        Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref x, (nuint)index), Vector256.LoadUnsafe(ref y, (nuint)index), sum);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(ReadOnlySpan<float> x)
    {
        Vector256<float> sum = default;
        int i = 0;
        for (; i + 8 <= x.Length; i += 8) sum += Vector256.Create(x[i..]);
        Span<float> rest = stackalloc float[8];
        rest.Clear();
        x[i..].CopyTo(rest);
        return AddLanes(sum + Vector256.Create(rest));
    }

    private static float AddLanes(Vector256<float> sum)
    {
        Vector128<float> four = sum.GetLower() + sum.GetUpper();
        return four[0] + four[2] + (four[1] + four[3]);
    }

    private static void SiftDown(ReadOnlySpan<float> x, Span<int> heap, int root)
    {
        while (true)
        {
            int child = 2 * root + 1;
            if (child >= heap.Length) return;
            if (child + 1 < heap.Length && ComesBefore(x, heap[child], heap[child + 1])) child++;
            if (!ComesBefore(x, heap[root], heap[child])) return;
            (heap[root], heap[child]) = (heap[child], heap[root]);
            root = child;
        }
    }

    /// <summary>Whether the element at i is larger than that at j, or as large with a lower index.</summary>
    private static bool ComesBefore(ReadOnlySpan<float> x, int i, int j)
    {
        int order = x[i].CompareTo(x[j]); // puts NaN below all numbers
        return order != 0 ? order > 0 : i < j;
    }

    private static void CheckLengths(int expected, int actual)
    {
        if (expected != actual) throw new ArgumentException($"The lengths differ: {expected} and {actual}.");
    }
}
