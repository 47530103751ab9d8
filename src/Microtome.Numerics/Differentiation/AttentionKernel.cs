using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microtome.Numerics.Differentiation;

/// <summary>
/// Causal attention of the heads that share one key-value head, within one span. Operands are copied to contiguous rows padded to whole
/// vectors; patterns are kept as rows of a square, padded likewise, zero beyond the diagonal.
/// </summary>
internal sealed unsafe class AttentionKernel(int headWidth, int groupSize, float scale)
{
    private const int Lanes = 8;

    [ThreadStatic]
    private static Tensor? t_scratch;

    private readonly int _padded = Pad(headWidth);

    /// <summary>Elements of one head's patterns.</summary>
    public static int PatternLength(int length) => checked(length * Pad(length));

    /// <summary>The order in which spans keep all threads busy to the end.</summary>
    public static int[] LongestFirst(IReadOnlyList<RowSpan> spans)
    {
        int[] order = [.. Enumerable.Range(0, spans.Count)];
        Array.Sort(order, (a, b) => spans[a].Length != spans[b].Length ? spans[b].Length.CompareTo(spans[a].Length) : a.CompareTo(b));
        return order;
    }

    /// <param name="patterns">Head 0's patterns of this span; those of others are <paramref name="patternStride"/> further each.</param>
    public void Forward(Matrix queries, Matrix keys, Matrix values, Matrix output, RowSpan span, int group, float* patterns, nint patternStride)
    {
        int length = span.Length, line = Pad(length), shared = group * headWidth;
        float* scratch = Scratch(length * _padded * 3 + line * _padded);
        float* query = scratch, value = query + length * _padded, result = value + length * _padded, keyT = result + length * _padded;
        Load(values, span, shared, value, 1);
        LoadTransposed(keys, span, shared, keyT, line);
        for (int member = 0; member < groupSize; member++)
        {
            int head = group * groupSize + member;
            float* pattern = patterns + head * patternStride;
            Load(queries, span, head * headWidth, query, scale);
            Products(query, keyT, pattern, length, line);
            for (int row = 0; row < length; row++) Softmax(pattern + row * line, row + 1, line);
            Mix(pattern, value, result, length, line);
            Store(result, output, span, head * headWidth, 1, accumulate: false);
        }
    }

    /// <summary>With dP = dO·Vᵀ and dS = P ∘ (dP - (P ∘ dP)·1): dV = Pᵀ·dO, dQ = dS·K and dK = dSᵀ·Q, both times the scale.</summary>
    public void Backward(
        Matrix queries, Matrix keys, Matrix values, Matrix gradient, RowSpan span, int group, float* patterns, nint patternStride,
        (Matrix Target, bool Accumulate) dQueries, (Matrix Target, bool Accumulate) dKeys, (Matrix Target, bool Accumulate) dValues)
    {
        int length = span.Length, line = Pad(length), shared = group * headWidth, block = length * _padded;
        float* scratch = Scratch(block * 6 + line * _padded + length * line);
        float* query = scratch, key = query + block, upstream = key + block, result = upstream + block, dKey = result + block, dValue = dKey + block;
        float* valueT = dValue + block, dScores = valueT + line * _padded;
        Load(keys, span, shared, key, 1);
        LoadTransposed(values, span, shared, valueT, line);
        new Span<float>(dKey, block).Clear();
        new Span<float>(dValue, block).Clear();
        for (int member = 0; member < groupSize; member++)
        {
            int head = group * groupSize + member;
            float* pattern = patterns + head * patternStride;
            Load(queries, span, head * headWidth, query, scale);
            Load(gradient, span, head * headWidth, upstream, 1);
            Products(upstream, valueT, dScores, length, line);
            for (int row = 0; row < length; row++) PullSoftmax(pattern + row * line, dScores + row * line, row + 1, line);
            if (dQueries.Target.Data != null)
            {
                Mix(dScores, key, result, length, line);
                Store(result, dQueries.Target, span, head * headWidth, scale, dQueries.Accumulate);
            }
            AddTransposed(dScores, query, dKey, length, line);
            AddTransposed(pattern, upstream, dValue, length, line);
        }
        if (dKeys.Target.Data != null) Store(dKey, dKeys.Target, span, shared, 1, dKeys.Accumulate);
        if (dValues.Target.Data != null) Store(dValue, dValues.Target, span, shared, 1, dValues.Accumulate);
    }

    private static int Pad(int length) => (length + Lanes - 1) / Lanes * Lanes;

    private static float* Scratch(int length)
    {
        if (t_scratch is null || t_scratch.Length < length) t_scratch = Tensor.Uninitialized(length);
        return t_scratch.Pointer;
    }

    /// <summary>One head's columns times a factor, padded with zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Load(Matrix source, RowSpan span, int column, float* target, float factor)
    {
        for (int row = 0; row < span.Length; row++, target += _padded)
        {
            float* from = source.Data + (span.Start + row) * source.Stride + column;
            int i = 0;
            for (; i + Lanes <= headWidth; i += Lanes) (Vector256.Load(from + i) * factor).Store(target + i);
            for (; i < headWidth; i++) target[i] = from[i] * factor;
            for (; i < _padded; i++) target[i] = 0;
        }
    }

    /// <summary>[padded head width, line]</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void LoadTransposed(Matrix source, RowSpan span, int column, float* target, int line)
    {
        new Span<float>(target, _padded * line).Clear();
        for (int row = 0; row < span.Length; row++)
        {
            float* from = source.Data + (span.Start + row) * source.Stride + column;
            for (int i = 0; i < headWidth; i++) target[i * line + row] = from[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Store(float* source, Matrix target, RowSpan span, int column, float factor, bool accumulate)
    {
        for (int row = 0; row < span.Length; row++, source += _padded)
        {
            float* to = target.Data + (span.Start + row) * target.Stride + column;
            int i = 0;
            for (; i + Lanes <= headWidth; i += Lanes)
            {
                Vector256<float> own = Vector256.Load(source + i) * factor;
                (accumulate ? own + Vector256.Load(to + i) : own).Store(to + i);
            }
            for (; i < headWidth; i++) to[i] = source[i] * factor + (accumulate ? to[i] : 0);
        }
    }

    /// <summary>The lower triangle of a·bᵀ, in whole vectors; b is transposed already.</summary>
    /// <param name="a">[length, padded head width]</param>
    /// <param name="bT">[padded head width, line]</param>
    /// <param name="result">[length, line]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Products(float* a, float* bT, float* result, int length, int line)
    {
        int row = 0;
        for (; row + 4 <= length; row += 4)
        {
            float* left = a + row * _padded;
            float* to = result + row * line;
            int end = Pad(row + 4);
            for (int column = 0; column < end; column += Lanes)
            {
                Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
                float* right = bT + column;
                for (int i = 0; i < headWidth; i++, right += line)
                {
                    Vector256<float> b = Vector256.Load(right);
                    sum0 = Vector256.FusedMultiplyAdd(Vector256.Create(left[i]), b, sum0);
                    sum1 = Vector256.FusedMultiplyAdd(Vector256.Create(left[_padded + i]), b, sum1);
                    sum2 = Vector256.FusedMultiplyAdd(Vector256.Create(left[2 * _padded + i]), b, sum2);
                    sum3 = Vector256.FusedMultiplyAdd(Vector256.Create(left[3 * _padded + i]), b, sum3);
                }
                sum0.Store(to + column);
                sum1.Store(to + line + column);
                sum2.Store(to + 2 * line + column);
                sum3.Store(to + 3 * line + column);
            }
        }
        for (; row < length; row++)
        {
            float* left = a + row * _padded;
            for (int column = 0; column < Pad(row + 1); column += Lanes)
            {
                Vector256<float> sum = default;
                float* right = bT + column;
                for (int i = 0; i < headWidth; i++, right += line) sum = Vector256.FusedMultiplyAdd(Vector256.Create(left[i]), Vector256.Load(right), sum);
                sum.Store(result + row * line + column);
            }
        }
    }

    /// <summary>result = the lower triangle of <paramref name="pattern"/> · b</summary>
    /// <param name="b">[length, padded head width]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Mix(float* pattern, float* b, float* result, int length, int line)
    {
        for (int row = 0; row < length; row++)
        {
            float* weights = pattern + row * line;
            for (int column = 0; column < _padded; column += 2 * Lanes)
            {
                bool pair = column + Lanes < _padded;
                Vector256<float> sum0 = default, sum1 = default;
                float* right = b + column;
                if (pair)
                    for (int i = 0; i <= row; i++, right += _padded)
                    {
                        Vector256<float> weight = Vector256.Create(weights[i]);
                        sum0 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(right), sum0);
                        sum1 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(right + Lanes), sum1);
                    }
                else
                    for (int i = 0; i <= row; i++, right += _padded) sum0 = Vector256.FusedMultiplyAdd(Vector256.Create(weights[i]), Vector256.Load(right), sum0);
                sum0.Store(result + row * _padded + column);
                if (pair) sum1.Store(result + row * _padded + column + Lanes);
            }
        }
    }

    /// <summary>sum += patternᵀ · b, over the lower triangle</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddTransposed(float* pattern, float* b, float* sum, int length, int line)
    {
        for (int key = 0; key < length; key++)
        {
            for (int column = 0; column < _padded; column += 2 * Lanes)
            {
                bool pair = column + Lanes < _padded;
                float* to = sum + key * _padded + column;
                float* right = b + key * _padded + column;
                float* weights = pattern + key * line + key;
                Vector256<float> sum0 = Vector256.Load(to), sum1 = pair ? Vector256.Load(to + Lanes) : default;
                if (pair)
                    for (int row = key; row < length; row++, right += _padded, weights += line)
                    {
                        Vector256<float> weight = Vector256.Create(*weights);
                        sum0 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(right), sum0);
                        sum1 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(right + Lanes), sum1);
                    }
                else
                    for (int row = key; row < length; row++, right += _padded, weights += line) sum0 = Vector256.FusedMultiplyAdd(Vector256.Create(*weights), Vector256.Load(right), sum0);
                sum0.Store(to);
                if (pair) sum1.Store(to + Lanes);
            }
        }
    }

    /// <summary>The softmax of the first elements of a line; the rest becomes zero.</summary>
    private static void Softmax(float* scores, int seen, int line)
    {
        Span<float> values = new(scores, seen);
        float largest = System.Numerics.Tensors.TensorPrimitives.Max<float>(values);
        float sum = Exponential.ExpAndSum(values, largest);
        System.Numerics.Tensors.TensorPrimitives.Multiply(values, 1 / sum, values);
        new Span<float>(scores + seen, line - seen).Clear();
    }

    /// <summary>dS = P ∘ (dP - Σ P ∘ dP), in place of dP</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PullSoftmax(float* pattern, float* gradient, int seen, int line)
    {
        int end = Pad(seen); // beyond what is seen the pattern is zero
        Vector256<float> dots = default;
        for (int i = 0; i < end; i += Lanes) dots = Vector256.FusedMultiplyAdd(Vector256.Load(pattern + i), Vector256.Load(gradient + i), dots);
        Vector256<float> dot = Vector256.Create(Vector256.Sum(dots));
        for (int i = 0; i < end; i += Lanes) (Vector256.Load(pattern + i) * (Vector256.Load(gradient + i) - dot)).Store(gradient + i);
    }
}
