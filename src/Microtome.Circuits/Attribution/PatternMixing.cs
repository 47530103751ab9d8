using System.Buffers;
using System.Numerics;
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
    private readonly Tensor _weights; // P[h, q, k] / d[k]: [heads, queries, keys], keys padded with zeros
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
        _weights = new Tensor(attention.Heads, _positions, (_positions + KeysAtOnce - 1) / KeysAtOnce * KeysAtOnce);
        WorkerPool.For(patterns.Rows, row =>
        {
            ReadOnlySpan<float> pattern = patterns.Row(row);
            Span<float> weights = _weights.Row(row);
            for (int key = 0; key < pattern.Length; key++) weights[key] = denominators is null ? pattern[key] : pattern[key] / denominators.Span[key];
        });
    }

    /// <summary>A query's weight for a key.</summary>
    public float Weight(int head, int query, int key) => _weights.Row(head * _positions + query)[key];

    /// <param name="heads">Gradients with respect to heads' outputs [gradients of the tile, heads · head width].</param>
    /// <param name="values">Gets gradients with respect to values [gradients of the tile, key-value heads · head width].</param>
    /// <param name="fromOwnPosition">Only the gradient at each target's own position is read; all others are zero.</param>
    public void Pull(GradientBlocks.Tile tile, Matrix heads, Matrix values, bool fromOwnPosition) =>
        WorkerPool.For(tile.Rows, index =>
        {
            TargetGradients target = tile.Target(index);
            int first = fromOwnPosition ? target.Position : 0, width = _attention.GroupSize * _attention.HeadWidth;
            float[] gathered = ArrayPool<float>.Shared.Rent((target.Position + 1) * width); // rows lie far apart: in place they would push each other out of the cache
            fixed (float* z = gathered)
                for (int head = 0; head < _attention.KeyValueHeads; head++)
                {
                    for (int query = first; query <= target.Position; query++)
                        new ReadOnlySpan<float>(heads.Data + target[query] * heads.Stride + head * width, width).CopyTo(gathered.AsSpan(query * width));
                    for (int key = 0; key <= target.Position; key += KeysAtOnce)
                        PullKeys(target, head, key, Math.Max(first, key), z, values);
                }
            ArrayPool<float>.Shared.Return(gathered);
        });

    /// <summary>One target's gradients at <see cref="KeysAtOnce"/> keys of one key-value head.</summary>
    /// <param name="z">[queries, query heads that share the key-value head, head width]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // most of a short run would else pass before it is compiled well
    private void PullKeys(TargetGradients target, int head, int key, int firstQuery, float* z, Matrix values)
    {
        int keys = Math.Min(KeysAtOnce, target.Position + 1 - key), lastQuery = Math.Min(target.Position, key + keys - 1 + _window - 1);
        int width = _attention.HeadWidth, shared = _attention.GroupSize, column = 0;
        float* v = values.Data + head * width;
        for (; column <= width - Vector<float>.Count; column += Vector<float>.Count)
        {
            Vector<float> v0 = default, v1 = default, v2 = default, v3 = default, v4 = default, v5 = default, v6 = default, v7 = default;
            for (int h = 0; h < shared; h++)
            {
                float* row = z + ((nint)firstQuery * shared + h) * width + column;
                float* p = Weights(head * shared + h, firstQuery) + key;
                for (int query = firstQuery; query <= lastQuery; query++, row += shared * width, p += _weights.Columns)
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
            for (int i = 0; i < keys; i++) *(Vector<float>*)(v + target[key + i] * values.Stride + column) = sums[i];
        }
        for (; column < width; column++)
            for (int i = 0; i < keys; i++)
            {
                float sum = 0;
                for (int h = 0; h < shared; h++)
                    for (int query = firstQuery; query <= lastQuery; query++)
                        sum = MathF.FusedMultiplyAdd(z[(query * shared + h) * width + column], Weights(head * shared + h, query)[key + i], sum);
                v[target[key + i] * values.Stride + column] = sum;
            }
    }

    private float* Weights(int head, int query) => _weights.Pointer + ((nint)head * _positions + query) * _weights.Columns;
}
