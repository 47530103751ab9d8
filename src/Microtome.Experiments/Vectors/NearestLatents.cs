using Microtome.Dictionaries;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>A dictionary's latent near a direction.</summary>
/// <param name="Decoder">The cosine of what the latent writes with the direction.</param>
/// <param name="Encoder">The cosine of what the latent reads with it.</param>
public readonly record struct NearLatent(int Layer, int Feature, float Decoder, float Encoder);

/// <summary>The latents that write what a direction says.</summary>
public static class NearestLatents
{
    /// <summary>The latents of a layer whose decoder rows have the largest cosines with a direction, of either sign.</summary>
    /// <param name="direction">[width], in the stream after the layer</param>
    /// <param name="most">How many.</param>
    /// <exception cref="ArgumentException">The layer does not exist or the widths differ.</exception>
    public static IReadOnlyList<NearLatent> Best(TranscoderSet dictionary, int layer, float[] direction, int most)
    {
        if ((uint)layer >= (uint)dictionary.Layers.Count) throw new ArgumentException($"There is no layer {layer}; the dictionary's are 0 to {dictionary.Layers.Count - 1}.", nameof(layer));
        Transcoder transcoder = dictionary.Layers[layer];
        return Best(layer, transcoder.Features, transcoder.Width, (feature, row) => transcoder.DecoderRow(feature, layer, row), transcoder.Encoder.CopyRow, direction, most);
    }

    /// <summary>The same of an autoencoder's latents.</summary>
    /// <param name="direction">[width], in the stream after the layer of <see cref="StreamPoints.LayerAfter"/></param>
    /// <exception cref="ArgumentException">The widths differ, or the latents do not write into the stream.</exception>
    public static IReadOnlyList<NearLatent> Best(SparseAutoencoder autoencoder, float[] direction, int most)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        return Best(StreamPoints.LayerAfter(autoencoder), autoencoder.Latents, autoencoder.OutputWidth, autoencoder.DecoderRow, autoencoder.Encoder.CopyRow, direction, most);
    }

    private delegate void ReadRow(int feature, Span<float> row);

    private static NearLatent[] Best(int layer, int features, int width, ReadRow decoder, ReadRow encoder, float[] direction, int most)
    {
        if (width != direction.Length) throw new ArgumentException($"The direction has width {direction.Length}, the dictionary {width}.", nameof(direction));
        float Cosine(ReadRow read, int feature)
        {
            float[] row = new float[direction.Length];
            read(feature, row);
            return SteeringVector.Cosine(row, direction);
        }
        float[] cosines = new float[features];
        WorkerPool.For(features, feature => cosines[feature] = Cosine(decoder, feature));
        return [.. Enumerable.Range(0, features).OrderByDescending(feature => Math.Abs(cosines[feature])).Take(most).Select(feature => new NearLatent(layer, feature, cosines[feature], Cosine(encoder, feature)))];
    }
}
