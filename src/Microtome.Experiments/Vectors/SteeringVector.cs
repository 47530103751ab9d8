using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>
/// Directions in a model's residual stream, one for each of some layers: that of layer i belongs to the stream after layer i
/// (<c>blocks.i.hook_resid_post</c>), which repeng and llama.cpp also count this way.
/// </summary>
public sealed class SteeringVector
{
    /// <param name="directions">By layer [width]; kept, not copied.</param>
    /// <exception cref="ArgumentException">There is no direction, their widths differ, or one is not finite.</exception>
    public SteeringVector(IEnumerable<KeyValuePair<int, float[]>> directions, VectorRecipe? recipe = null)
    {
        Directions = new SortedDictionary<int, float[]>(directions.ToDictionary(pair => pair.Key, pair => pair.Value));
        if (Directions.Count == 0) throw new ArgumentException("A steering vector needs a direction for at least one layer.", nameof(directions));
        Recipe = recipe ?? new VectorRecipe();
        Width = Directions.First().Value.Length;
        foreach ((int layer, float[] direction) in Directions)
        {
            if (layer < 0) throw new ArgumentException($"There is no layer {layer}.", nameof(directions));
            if (direction.Length != Width || Width == 0) throw new ArgumentException($"The direction of layer {layer} has width {direction.Length}, that of layer {Directions.First().Key} {Width}.", nameof(directions));
            if (!Array.TrueForAll(direction, float.IsFinite)) throw new ArgumentException($"The direction of layer {layer} has elements that are not numbers.", nameof(directions));
        }
    }

    /// <summary>By layer, ascending [width].</summary>
    public IReadOnlyDictionary<int, float[]> Directions { get; }

    public VectorRecipe Recipe { get; }

    /// <summary>The width of the stream that it belongs to.</summary>
    public int Width { get; }

    /// <summary>The direction of a layer.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists those there are.</exception>
    public float[] this[int layer] => Directions.TryGetValue(layer, out float[]? direction)
        ? direction
        : throw new ArgumentException($"The vector has no direction for layer {layer}; it has {LayersText}.", nameof(layer));

    /// <summary>The layers it has directions for, as messages list them.</summary>
    public string LayersText => Directions.Count == 1 ? $"layer {Directions.First().Key}" : $"layers {string.Join(", ", Directions.Keys)}";

    /// <summary>Only some layers' directions.</summary>
    /// <exception cref="ArgumentException">A layer has none.</exception>
    public SteeringVector At(IEnumerable<int> layers) => new(layers.Select(layer => KeyValuePair.Create(layer, this[layer])), Recipe);

    /// <summary>Every direction divided by its length; those of length 0 stay.</summary>
    public SteeringVector Unit() => Map((_, direction) => Scaled(direction, Norm(direction) is var norm && norm > 0 ? 1 / norm : 1));

    /// <summary>Every direction times a number.</summary>
    public SteeringVector Times(float factor) => Map((_, direction) => Scaled(direction, factor));

    /// <summary>A vector made of each layer's direction.</summary>
    public SteeringVector Map(Func<int, float[], float[]> map) => new(Directions.Select(pair => KeyValuePair.Create(pair.Key, map(pair.Key, pair.Value))), Recipe);

    /// <summary>The same directions with another recipe.</summary>
    public SteeringVector With(VectorRecipe recipe) => new(Directions, recipe);

    /// <summary>The Euclidean length.</summary>
    public static float Norm(ReadOnlySpan<float> direction) => MathF.Sqrt(VectorOperations.SumOfSquares(direction));

    /// <summary>The cosine of the angle between two vectors; 0 where one has no length.</summary>
    public static float Cosine(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        float norms = Norm(x) * Norm(y);
        return norms > 0 ? VectorOperations.Dot(x, y) / norms : 0;
    }

    internal static float[] Scaled(ReadOnlySpan<float> direction, float factor)
    {
        float[] scaled = new float[direction.Length];
        TensorPrimitives.Multiply(direction, factor, scaled);
        return scaled;
    }
}
