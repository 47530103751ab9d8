using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>Where a dictionary's latents read.</summary>
/// <param name="Encode">The active latents of an input [positions, width].</param>
public sealed record LatentReader(HookPoint Point, int Layer, int Latents, string Activation, Func<Matrix, List<ActiveFeature>> Encode)
{
    /// <summary>The hook's whole name.</summary>
    public string Name => Point.FullName(Layer);
}

/// <summary>An activation that a dictionary reconstructs.</summary>
/// <param name="Readers">The readers whose latents write here, by index, ascending; the last reads at this layer.</param>
/// <param name="Reconstruct">Makes the activation [positions, width] of each of these readers' active latents and inputs.</param>
public sealed record ReconstructedSite(HookPoint Point, int Layer, IReadOnlyList<int> Readers, Reconstruction Reconstruct)
{
    /// <summary>The hook's whole name.</summary>
    public string Name => Point.FullName(Layer);
}

/// <summary>Makes an activation of what readers found.</summary>
/// <param name="active">Of each reader.</param>
/// <param name="inputs">What each reader read [positions, width].</param>
public delegate Tensor Reconstruction(IReadOnlyList<List<ActiveFeature>> active, IReadOnlyList<Tensor> inputs);

/// <summary>Any dictionary as evaluation sees it: what it reads, and which activations it reconstructs.</summary>
public sealed class JudgedDictionary
{
    private JudgedDictionary(string name, string kind, IReadOnlyList<LatentReader> readers, IReadOnlyList<ReconstructedSite> sites, DictionaryFeatures features)
    {
        Name = name;
        Kind = kind;
        Readers = readers;
        Sites = sites;
        Features = features;
    }

    public string Name { get; }

    /// <summary>Such as "autoencoder" or "cross-layer transcoder".</summary>
    public string Kind { get; }

    public IReadOnlyList<LatentReader> Readers { get; }

    public IReadOnlyList<ReconstructedSite> Sites { get; }

    /// <summary>The directions of the latents.</summary>
    public DictionaryFeatures Features { get; }

    /// <summary>How many latents there are, of all readers.</summary>
    public long Latents => Readers.Sum(reader => (long)reader.Latents);

    /// <summary>What a set of transcoders is asked for, where it is one; graphs can be made of it.</summary>
    public TranscoderSet? Transcoders { get; private init; }

    /// <summary>The autoencoder, where it is one.</summary>
    public SparseAutoencoder? Autoencoder { get; private init; }

    /// <exception cref="InvalidDataException">The set does not fit the model.</exception>
    public static JudgedDictionary Of(TranscoderSet set, ModelSpecification model, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(set);
        set.CheckFits(model);
        return new JudgedDictionary(
            name ?? set.Name,
            set.IsCrossLayer ? "cross-layer transcoder" : "per-layer transcoders",
            [.. set.Layers.Select(layer => new LatentReader(set.Input, layer.Layer, layer.Features, layer.Activation.Name, layer.EncodeSparse))],
            [.. set.Layers.Select(layer => Site(set, layer.Layer))],
            DictionaryFeatures.Of(set))
        {
            Transcoders = set,
        };
    }

    /// <exception cref="InvalidDataException">The autoencoder does not fit the model.</exception>
    public static JudgedDictionary Of(string name, SparseAutoencoder autoencoder, ModelSpecification model)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        (HookPoint point, int layer, HookPoint outputPoint, int outputLayer) = autoencoder.FindHooks(model);
        return new JudgedDictionary(
            name,
            autoencoder.Settings.IsTranscoder ? "transcoder" : "autoencoder",
            [new LatentReader(point, layer, autoencoder.Latents, autoencoder.Activation.Name, autoencoder.EncodeSparse)],
            [new ReconstructedSite(outputPoint, outputLayer, [0], (active, inputs) => autoencoder.Decode(active[0], inputs[0].AsMatrix()))],
            DictionaryFeatures.Of(name, autoencoder, model))
        {
            Autoencoder = autoencoder,
        };
    }

    private static ReconstructedSite Site(TranscoderSet set, int target)
    {
        int[] readers = [.. set.Layers.Where(layer => layer.Layer <= target && layer.Layer + layer.Targets > target).Select(layer => layer.Layer)];
        return new ReconstructedSite(set.Output, target, readers, (active, inputs) => Decode([.. readers.Select(reader => set.Layers[reader])], set.Layers[target], active, inputs));
    }

    private static Tensor Decode(Transcoder[] sources, Transcoder target, IReadOnlyList<List<ActiveFeature>> active, IReadOnlyList<Tensor> inputs)
    {
        int rows = inputs[0].Rows;
        List<(int Source, ActiveFeature Feature)>[] at = new List<(int, ActiveFeature)>[rows];
        for (int row = 0; row < rows; row++) at[row] = [];
        for (int source = 0; source < sources.Length; source++)
            foreach (ActiveFeature feature in active[source]) at[feature.Position].Add((source, feature));
        Tensor output = Tensor.Uninitialized(rows, target.Width);
        WorkerPool.For(rows, row =>
        {
            Span<float> sum = output.Row(row);
            target.DecoderBias.Span.CopyTo(sum);
            float[] direction = new float[target.Width];
            foreach ((int source, ActiveFeature feature) in at[row])
            {
                sources[source].DecoderRow(feature.Feature, target.Layer, direction);
                VectorOperations.AddScaled(sum, feature.Value, direction);
            }
        });
        if (target.Skip is { } skip) MatrixProduct.Multiply(inputs[^1].AsMatrix(), skip, output.AsMatrix(), accumulate: true);
        return output;
    }
}
