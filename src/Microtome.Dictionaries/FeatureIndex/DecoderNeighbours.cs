using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>A feature and the cosine of what it writes with something else.</summary>
public readonly record struct FeatureNeighbour(int Layer, int Feature, float Cosine);

/// <summary>Features whose decoder rows point in a direction.</summary>
public static class DecoderNeighbours
{
    private const int FeaturesAtOnce = 1024;

    /// <summary>The features whose direction is most like a feature's, most alike first, itself left out.</summary>
    /// <param name="inLayer">Only this layer's; all layers' when null.</param>
    /// <exception cref="ArgumentException">The dictionary has no such feature or layer.</exception>
    public static IReadOnlyList<FeatureNeighbour> Of(DictionaryFeatures dictionary, int layer, int feature, int count, int? inLayer = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(dictionary);
        FeatureLayer own = dictionary.At(layer);
        if ((uint)feature >= (uint)own.Features) throw new ArgumentException($"Layer {layer} has features 0 to {own.Features - 1}, not {feature}.");
        float[] direction = new float[dictionary.Width];
        own.Direction(feature, direction);
        return [.. Of(dictionary, direction, (int)Math.Min(int.MaxValue, (long)count + 1), inLayer, cancellation).Where(other => (other.Layer, other.Feature) != (layer, feature)).Take(count)];
    }

    /// <summary>The features whose direction has the largest cosine with a vector, largest first.</summary>
    /// <param name="direction">[width]</param>
    /// <param name="inLayer">Only this layer's; all layers' when null.</param>
    /// <exception cref="ArgumentException">The vector has another width, or the dictionary has no such layer.</exception>
    public static IReadOnlyList<FeatureNeighbour> Of(DictionaryFeatures dictionary, ReadOnlySpan<float> direction, int count, int? inLayer = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(dictionary);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (direction.Length != dictionary.Width) throw new ArgumentException($"The vector has {direction.Length} numbers; the dictionary '{dictionary.Name}' has width {dictionary.Width}.");
        float norm = TensorPrimitives.Norm(direction);
        float[] unit = direction.ToArray();
        if (norm > 0) TensorPrimitives.Divide(unit, norm, unit);
        List<FeatureNeighbour> best = [];
        foreach (FeatureLayer layer in inLayer is { } one ? [dictionary.At(one)] : dictionary.Layers)
        {
            for (int first = 0; first < layer.Features; first += FeaturesAtOnce)
            {
                cancellation.ThrowIfCancellationRequested();
                Tensor rows = layer.Directions(first, Math.Min(FeaturesAtOnce, layer.Features - first), dictionary.Width);
                float[] cosines = new float[rows.Rows];
                WorkerPool.For(rows.Rows, i => cosines[i] = TensorPrimitives.Norm<float>(rows.Row(i)) is > 0 and { } length ? TensorPrimitives.Dot<float>(rows.Row(i), unit) / length : 0);
                for (int i = 0; i < cosines.Length; i++) best.Add(new FeatureNeighbour(layer.Layer, first + i, cosines[i]));
            }
            best = [.. best.OrderByDescending(neighbour => neighbour.Cosine).Take(count)]; // stable: of equal ones the lower layer and feature
        }
        return best;
    }
}
