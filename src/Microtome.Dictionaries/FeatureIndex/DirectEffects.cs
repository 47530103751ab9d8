using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>
/// What directions of the stream do to the logits directly: through the last norm's scale, its denominator taken as 1, and the unembedding, less
/// the mean over the vocabulary (nostalgebraist 2020, "the logit lens"; here of decoder rows, as Neuronpedia shows it).
/// </summary>
public sealed class DirectEffects
{
    private readonly Transformer _transformer;
    private readonly Tensor _shift; // [1, width]: what the norm adds to zero

    public DirectEffects(Transformer transformer)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        _transformer = transformer;
        _shift = new Tensor(1, transformer.Specification.ModelWidth);
        transformer.Weights.FinalNorm.Affine(_shift.AsMatrix());
    }

    /// <summary>The change of every logit for one unit of each direction.</summary>
    /// <param name="directions">[directions, width]</param>
    /// <returns>[directions, vocabulary]</returns>
    public Tensor Of(Tensor directions)
    {
        Normalization norm = _transformer.Weights.FinalNorm;
        Tensor scaled = Tensor.Uninitialized(directions.Rows, directions.Columns);
        norm.Center(directions.AsMatrix(), scaled.AsMatrix());
        norm.Affine(scaled.AsMatrix());
        for (int row = 0; row < scaled.Rows; row++) TensorPrimitives.Subtract(scaled.Row(row), _shift.Span, scaled.Row(row));
        MatrixView unembedding = _transformer.Weights.Unembedding.Weight; // [width, vocabulary]
        Tensor effects = Tensor.Uninitialized(scaled.Rows, unembedding.Columns);
        MatrixProduct.Multiply(scaled.AsMatrix(), unembedding, effects.AsMatrix());
        WorkerPool.For(effects.Rows, row => TensorPrimitives.Subtract(effects.Row(row), TensorPrimitives.Average<float>(effects.Row(row)), effects.Row(row)));
        return effects;
    }

    /// <summary>The tokens that one direction promotes and suppresses most, most first.</summary>
    /// <param name="direction">[width]</param>
    public (IReadOnlyList<(int Token, float Effect)> Promoted, IReadOnlyList<(int Token, float Effect)> Suppressed) Extremes(ReadOnlySpan<float> direction, int count) =>
        Extremes(Of(Tensor.From(direction, 1, direction.Length)).Row(0), count);

    /// <param name="effects">[vocabulary]; their signs are turned.</param>
    internal static (IReadOnlyList<(int Token, float Effect)> Promoted, IReadOnlyList<(int Token, float Effect)> Suppressed) Extremes(Span<float> effects, int count)
    {
        int[] highest = new int[Math.Min(count, effects.Length)], lowest = new int[highest.Length];
        VectorOperations.TopK(effects, highest);
        (int, float)[] promoted = new (int, float)[highest.Length], suppressed = new (int, float)[highest.Length];
        for (int i = 0; i < highest.Length; i++) promoted[i] = (highest[i], effects[highest[i]]);
        TensorPrimitives.Negate(effects, effects);
        VectorOperations.TopK(effects, lowest);
        for (int i = 0; i < lowest.Length; i++) suppressed[i] = (lowest[i], -effects[lowest[i]]);
        return (promoted, suppressed);
    }
}
