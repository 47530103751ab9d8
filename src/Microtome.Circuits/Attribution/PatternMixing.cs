using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>
/// The adjoint of attention's mixing of positions with frozen patterns: <c>v[k] = Σ_q Σ_h P[h, q, k] / d[k] · z[q, h]</c>, summed over
/// the query heads that share a key-value head; d are the denominators of the norm before attention.
/// </summary>
internal sealed unsafe class PatternMixing
{
    private const int KeysAtOnce = 8;
    private readonly AttentionSpecification _attention;
    private readonly Tensor _weights; // P[h, q, k] / d[k]: [heads, queries, keys], keys padded with zeros so that as many as are worked on at once can be read from any
    private readonly int _positions;
    private readonly int _window;

    /// <param name="patterns">[heads, queries, keys]</param>
    /// <param name="denominators">One for each key; none where there is no norm.</param>
    /// <param name="window">A query sees itself and the <c>window - 1</c> keys before it.</param>
    public PatternMixing(Tensor patterns, Tensor? denominators, AttentionSpecification attention, int? window)
    {
        _attention = attention;
        _positions = patterns.Columns;
        _window = Math.Min(window ?? _positions, _positions);
        _weights = new Tensor(attention.Heads, _positions, _positions + KeysAtOnce - 1);
        WorkerPool.For(patterns.Rows, row =>
        {
            ReadOnlySpan<float> pattern = patterns.Row(row);
            Span<float> weights = _weights.Row(row);
            for (int key = 0; key < pattern.Length; key++) weights[key] = denominators is null ? pattern[key] : pattern[key] / denominators.Span[key];
        });
    }

    /// <summary>A query's weight for a key.</summary>
    public float Weight(int head, int query, int key) => _weights.Row(head * _positions + query)[key];

    /// <summary>The adjoint for all positions of a tile's targets.</summary>
    /// <param name="heads">Gradients with respect to heads' outputs [gradients of the tile, heads · head width].</param>
    /// <param name="values">Gets gradients with respect to values [gradients of the tile, key-value heads · head width].</param>
    public void Pull(GradientBlocks.Tile tile, Matrix heads, Matrix values) =>
        WorkerPool.For(tile.Rows, index =>
        {
            TargetGradients target = tile.Target(index);
            int first = tile.FirstPosition, shared = _attention.GroupSize, width = shared * _attention.HeadWidth;
            float[] gathered = ArrayPool<float>.Shared.Rent((target.Position + 1) * width); // rows lie far apart: in place they would push each other out of the cache
            fixed (float* z = gathered)
                for (int head = 0; head < _attention.KeyValueHeads; head++)
                {
                    for (int query = first; query <= target.Position; query++)
                        new ReadOnlySpan<float>(heads.Data + target[query] * heads.Stride + head * width, width).CopyTo(gathered.AsSpan(query * width));
                    Matrix mixed = values.ColumnRange(head * _attention.HeadWidth, _attention.HeadWidth);
                    for (int key = first; key <= target.Position; key += KeysAtOnce)
                        PullKeys(target, key, Math.Max(first, key), head * shared, shared, z, mixed, accumulate: false);
                }
            ArrayPool<float>.Shared.Return(gathered);
        });

    /// <summary>
    /// The adjoint for targets whose only gradient is at their own position, of heads that went through their value weights already:
    /// <c>g[k] += Σ_h P[h, p, k] / d[k] · y[h]</c>.
    /// </summary>
    /// <param name="firstTarget">The first of the tile's targets that <paramref name="heads"/> has.</param>
    /// <param name="heads">y [targets, heads · width]</param>
    /// <param name="gradients">[gradients of the tile, width]</param>
    public void PullOwnPosition(GradientBlocks.Tile tile, int firstTarget, Matrix heads, Matrix gradients) =>
        WorkerPool.For(heads.Rows, row =>
        {
            TargetGradients target = tile.Target(firstTarget + row);
            float* y = heads.Data + row * heads.Stride - (nint)target.Position * heads.Columns; // as if it were the last of all queries
            for (int key = tile.FirstPosition; key <= target.Position; key += KeysAtOnce)
                PullKeys(target, key, target.Position, 0, _attention.Heads, y, gradients, accumulate: true);
        });

    /// <summary>Mixing itself: <c>z[q, h] = Σ_k P[h, q, k] / d[k] · v[k]</c>.</summary>
    /// <param name="values">v [positions, key-value heads · head width]</param>
    /// <param name="heads">Gets z [positions, heads · head width].</param>
    public void Push(Matrix values, Matrix heads) =>
        WorkerPool.For(heads.Rows, query =>
        {
            int width = _attention.HeadWidth;
            Span<float> row = heads.Row(query);
            row.Clear();
            for (int head = 0; head < _attention.Heads; head++)
                for (int key = Math.Max(0, query - _window + 1); key <= query; key++)
                {
                    Span<float> sum = row.Slice(head * width, width);
                    TensorPrimitives.MultiplyAdd(values.Row(key).Slice(head / _attention.GroupSize * width, width), Weight(head, query, key), sum, sum);
                }
        });

    /// <summary>One target's gradients at up to <see cref="KeysAtOnce"/> keys: <c>v[k] = Σ_q Σ_h P[h, q, k] / d[k] · z[q, h]</c> over some heads.</summary>
    /// <param name="firstQuery">The first query that has a gradient and sees one of the keys.</param>
    /// <param name="firstHead">The first of the heads.</param>
    /// <param name="z">[queries, heads, width]</param>
    /// <param name="values">Gets v [gradients, width], or has it added.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // most of a short run would else pass before it is compiled well
    private void PullKeys(TargetGradients target, int key, int firstQuery, int firstHead, int heads, float* z, Matrix values, bool accumulate)
    {
        int keys = Math.Min(KeysAtOnce, target.Position + 1 - key), lastQuery = Math.Min(target.Position, key + keys - 1 + _window - 1);
        int width = values.Columns, column = 0;
        float* v = values.Data;
        for (; column <= width - Vector<float>.Count; column += Vector<float>.Count)
        {
            Vector<float> v0 = default, v1 = default, v2 = default, v3 = default, v4 = default, v5 = default, v6 = default, v7 = default;
            for (int h = 0; h < heads; h++)
            {
                float* row = z + ((nint)firstQuery * heads + h) * width + column;
                float* p = Weights(firstHead + h, firstQuery) + key;
                for (int query = firstQuery; query <= lastQuery; query++, row += heads * width, p += _weights.Columns)
                {
                    Vector<float> x = *(Vector<float>*)row;
                    v0 = Vector.FusedMultiplyAdd(x, new Vector<float>(p[0]), v0);
                    v1 = Vector.FusedMultiplyAdd(x, new Vector<float>(p[1]), v1);
                    v2 = Vector.FusedMultiplyAdd(x, new Vector<float>(p[2]), v2);
                    v3 = Vector.FusedMultiplyAdd(x, new Vector<float>(p[3]), v3);
                    v4 = Vector.FusedMultiplyAdd(x, new Vector<float>(p[4]), v4);
                    v5 = Vector.FusedMultiplyAdd(x, new Vector<float>(p[5]), v5);
                    v6 = Vector.FusedMultiplyAdd(x, new Vector<float>(p[6]), v6);
                    v7 = Vector.FusedMultiplyAdd(x, new Vector<float>(p[7]), v7);
                }
            }
            Span<Vector<float>> sums = [v0, v1, v2, v3, v4, v5, v6, v7];
            for (int i = 0; i < keys; i++)
            {
                Vector<float>* sum = (Vector<float>*)(v + target[key + i] * values.Stride + column);
                *sum = accumulate ? *sum + sums[i] : sums[i];
            }
        }
        for (; column < width; column++)
            for (int i = 0; i < keys; i++)
            {
                float sum = 0;
                for (int h = 0; h < heads; h++)
                    for (int query = firstQuery; query <= lastQuery; query++)
                        sum = MathF.FusedMultiplyAdd(z[((nint)query * heads + h) * width + column], Weights(firstHead + h, query)[key + i], sum);
                float* result = v + target[key + i] * values.Stride + column;
                *result = accumulate ? *result + sum : sum;
            }
    }

    private float* Weights(int head, int query) => _weights.Pointer + ((nint)head * _positions + query) * _weights.Columns;
}
