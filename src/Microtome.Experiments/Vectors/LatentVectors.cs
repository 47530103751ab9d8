using System.Globalization;
using Microtome.Dictionaries;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>Vectors of what dictionaries' latents write.</summary>
public static class LatentVectors
{
    /// <summary>The weighted sum of decoder rows, at the layer of each latent and, of a cross-layer dictionary, at the later ones that it writes to.</summary>
    /// <exception cref="ArgumentException">There are no latents, or one does not exist.</exception>
    public static SteeringVector Make(TranscoderSet dictionary, IReadOnlyList<(int Layer, int Feature, float Weight)> latents)
    {
        if (latents.Count == 0) throw new ArgumentException("There are no latents to make a vector of.", nameof(latents));
        SortedDictionary<int, float[]> directions = [];
        float[] row = new float[dictionary.Layers[0].Width];
        foreach ((int layer, int feature, float weight) in latents)
        {
            Check(dictionary, layer, feature);
            Transcoder transcoder = dictionary.Layers[layer];
            for (int target = layer; target < layer + transcoder.Targets; target++)
            {
                transcoder.DecoderRow(feature, target, row);
                if (!directions.TryGetValue(target, out float[]? sum)) directions.Add(target, sum = new float[row.Length]);
                VectorOperations.AddScaled(sum, weight, row);
            }
        }
        return new SteeringVector(directions, Recipe(dictionary.ModelName, dictionary.Name, latents.Select(latent => ($"{latent.Layer}:{latent.Feature}", latent.Weight))));
    }

    /// <summary>The weighted sum of an autoencoder's decoder rows, at the layer after which the stream has what they write.</summary>
    /// <param name="name">What the recipe calls it.</param>
    /// <exception cref="ArgumentException">There are no latents, one does not exist, or they do not write into the stream.</exception>
    public static SteeringVector Make(SparseAutoencoder autoencoder, string name, IReadOnlyList<(int Latent, float Weight)> latents)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        if (latents.Count == 0) throw new ArgumentException("There are no latents to make a vector of.", nameof(latents));
        float[] sum = new float[autoencoder.OutputWidth], row = new float[autoencoder.OutputWidth];
        foreach ((int latent, float weight) in latents)
        {
            if ((uint)latent >= (uint)autoencoder.Latents) throw new ArgumentException($"{name} has no latent {latent}; it has 0 to {autoencoder.Latents - 1}.", nameof(latents));
            autoencoder.DecoderRow(latent, row);
            VectorOperations.AddScaled(sum, weight, row);
        }
        return new SteeringVector([KeyValuePair.Create(StreamPoints.LayerAfter(autoencoder), sum)], Recipe(autoencoder.Settings.ModelName, name, latents.Select(latent => ($"{latent.Latent}", latent.Weight))));
    }

    private static VectorRecipe Recipe(string? model, string dictionary, IEnumerable<(string Name, float Weight)> latents) => new()
    {
        Model = model ?? "",
        Method = "latents",
        Concept = string.Join(" + ", latents.Select(latent => latent.Weight == 1 ? latent.Name : string.Create(CultureInfo.InvariantCulture, $"{latent.Weight} · {latent.Name}"))),
        Notes = new Dictionary<string, string> { ["dictionary"] = dictionary },
        Version = MicrotomeVersion.Text,
    };

    internal static void Check(TranscoderSet dictionary, int layer, int feature)
    {
        if ((uint)layer >= (uint)dictionary.Layers.Count) throw new ArgumentException($"There is no layer {layer}; the dictionary's are 0 to {dictionary.Layers.Count - 1}.", nameof(layer));
        int features = dictionary.Layers[layer].Features;
        if ((uint)feature >= (uint)features) throw new ArgumentException($"Layer {layer} has no latent {feature}; it has 0 to {features - 1}.", nameof(feature));
    }
}
