using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>The adjoint of attention's mixing of positions with frozen patterns: <c>v[k] = Σ_q Σ_h P[h, q, k] · z[q, h]</c>, summed over the query heads that share a key-value head.</summary>
internal static class PatternMixing
{
    /// <param name="patterns">[heads, queries, keys]</param>
    /// <param name="heads">Gradients with respect to heads' outputs [gradients, heads · head width].</param>
    /// <param name="values">Gets gradients with respect to values [gradients, key-value heads · head width].</param>
    public static void Pull(Tensor patterns, Matrix heads, Matrix values, AttentionSpecification attention, GradientBlocks blocks)
    {
        GradientBlocks.Group[] groups = [.. blocks.Groups.Where(group => group.End <= heads.Rows)];
        int rows = groups.Sum(group => group.Rows), width = attention.HeadWidth, shared = attention.GroupSize;
        WorkerPool.For(rows, row =>
        {
            GradientBlocks.Group group = groups.First(candidate => row < candidate.FirstRow + candidate.Rows);
            int last = blocks.Targets[row].Position;
            for (int key = 0; key <= last; key++)
            {
                Span<float> value = values.Row(blocks.IndexOf(group, row, key));
                value.Clear();
                for (int query = key; query <= last; query++)
                {
                    ReadOnlySpan<float> head = heads.Row(blocks.IndexOf(group, row, query));
                    for (int h = 0; h < attention.Heads; h++)
                    {
                        float weight = patterns.Slice(h).Row(query)[key];
                        if (weight == 0) continue; // outside the window
                        Span<float> sum = value.Slice(h / shared * width, width);
                        TensorPrimitives.MultiplyAdd(head.Slice(h * width, width), weight, sum, sum);
                    }
                }
            }
        });
    }
}
