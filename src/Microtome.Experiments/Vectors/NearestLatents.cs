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
        if (transcoder.Width != direction.Length) throw new ArgumentException($"The direction has width {direction.Length}, the dictionary {transcoder.Width}.", nameof(direction));
        float[] cosines = new float[transcoder.Features];
        WorkerPool.For(cosines.Length, feature =>
        {
            float[] row = new float[direction.Length];
            transcoder.DecoderRow(feature, layer, row);
            cosines[feature] = SteeringVector.Cosine(row, direction);
        });
        return
        [
            .. Enumerable.Range(0, cosines.Length).OrderByDescending(feature => Math.Abs(cosines[feature])).Take(most).Select(feature =>
            {
                float[] row = new float[direction.Length];
                transcoder.Encoder.CopyRow(feature, row);
                return new NearLatent(layer, feature, cosines[feature], SteeringVector.Cosine(row, direction));
            }),
        ];
    }
}
