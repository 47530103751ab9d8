using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>A dictionary's features by layer, whatever its kind: where they read, when they are active, which direction of the stream they write.</summary>
public sealed class DictionaryFeatures
{
    private DictionaryFeatures(string name, int width, IReadOnlyList<FeatureLayer> layers)
    {
        Name = name;
        Width = width;
        Layers = layers;
    }

    /// <summary>The dictionary's name, as graphs call it (<c>scan</c>).</summary>
    public string Name { get; }

    /// <summary>The width of the directions that features write.</summary>
    public int Width { get; }

    /// <summary>The layers that have features, ascending.</summary>
    public IReadOnlyList<FeatureLayer> Layers { get; }

    /// <summary>The features of a transcoder for each layer. What a cross-layer feature writes is the sum of its rows to all layers.</summary>
    public static DictionaryFeatures Of(TranscoderSet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        return new DictionaryFeatures(set.Name, set.Layers[0].Width, [.. set.Layers.Select(layer => new FeatureLayer(layer.Layer, set.Input, layer.Features, layer.EncodeSparse, (feature, row) => Sum(layer, feature, row)))]);
    }

    /// <summary>The latents of an autoencoder. What they write is in the space of its output, which may be another than the stream.</summary>
    /// <exception cref="InvalidDataException">The autoencoder does not fit the model.</exception>
    public static DictionaryFeatures Of(string name, SparseAutoencoder autoencoder, ModelSpecification model)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        (HookPoint point, int layer, _, _) = autoencoder.FindHooks(model);
        return new DictionaryFeatures(name, autoencoder.OutputWidth, [new FeatureLayer(layer, point, autoencoder.Latents, autoencoder.EncodeSparse, autoencoder.DecoderRow)]);
    }

    /// <summary>The layer's features.</summary>
    /// <exception cref="ArgumentException">The dictionary has none there.</exception>
    public FeatureLayer At(int layer) =>
        Layers.FirstOrDefault(candidate => candidate.Layer == layer)
        ?? throw new ArgumentException($"The dictionary '{Name}' has no features in layer {layer}; it has layers {string.Join(", ", Layers.Select(candidate => candidate.Layer))}.");

    /// <summary>A hash of samples of all layers' directions, to tell one dictionary from another.</summary>
    internal string Hash()
    {
        ulong hash = 0;
        float[] row = new float[Width];
        foreach (FeatureLayer layer in Layers)
            for (int feature = 0; feature < layer.Features; feature += Math.Max(1, layer.Features / 64))
            {
                layer.Direction(feature, row);
                foreach (float value in row) hash = ActivatingContext.Mix(hash ^ BitConverter.SingleToUInt32Bits(value));
            }
        return hash.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
    }

    private static void Sum(Transcoder layer, int feature, Span<float> row)
    {
        layer.DecoderRow(feature, layer.Layer, row);
        if (layer.Targets == 1) return;
        float[] later = new float[layer.Width];
        for (int target = layer.Layer + 1; target < layer.Layer + layer.Targets; target++)
        {
            layer.DecoderRow(feature, target, later);
            TensorPrimitives.Add(row, later, row);
        }
    }
}

/// <summary>Writes the direction of a feature.</summary>
/// <param name="row">[width]</param>
public delegate void FeatureDirection(int feature, Span<float> row);

/// <summary>The features of one layer.</summary>
/// <param name="Input">The hook that they read.</param>
/// <param name="Features">How many there are.</param>
/// <param name="Encode">The active ones of an input [positions, width], by position and then by feature.</param>
/// <param name="Direction">What a unit of activation adds to the stream, in total.</param>
public sealed record FeatureLayer(int Layer, HookPoint Input, int Features, Func<Matrix, List<ActiveFeature>> Encode, FeatureDirection Direction)
{
    /// <summary>The directions of consecutive features.</summary>
    /// <returns>[count, width]</returns>
    public Tensor Directions(int first, int count, int width)
    {
        Tensor directions = Tensor.Uninitialized(count, width);
        WorkerPool.For(count, i => Direction(first + i, directions.Row(i)));
        return directions;
    }
}
