using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>Turns what people write into edits of one model's stream. Holds the autoencoders that are named open, which the edits need.</summary>
/// <param name="dictionary">What latents are named of; null where none is loaded.</param>
/// <param name="load">Reads a vector's file; <see cref="VectorFile.Load"/> unless given.</param>
public sealed class SteeringResolver(ModelSpecification model, TranscoderSet? dictionary = null, Func<string, SteeringVector>? load = null) : IDisposable
{
    private readonly Dictionary<string, SparseAutoencoder> _autoencoders = new(StringComparer.Ordinal);

    public void Dispose()
    {
        foreach (SparseAutoencoder autoencoder in _autoencoders.Values) autoencoder.Dispose();
    }

    /// <exception cref="ArgumentException">A layer or latent does not exist, a vector has another width or no direction for a layer, or no dictionary is loaded for a latent.</exception>
    /// <exception cref="InvalidDataException">A vector's file is damaged.</exception>
    /// <exception cref="IOException">A vector's file cannot be read.</exception>
    public Steering Resolve(IEnumerable<SteeringRequest> requests) => new([.. requests.SelectMany(Edits)]);

    private IEnumerable<SteeringEdit> Edits(SteeringRequest request)
    {
        foreach (int layer in request.Layers ?? [])
            if (layer >= model.Layers.Count) throw new ArgumentException($"There is no layer {layer} to steer; the model's are 0 to {model.Layers.Count - 1}.");
        IReadOnlyList<int> layers = request.Layers ?? [.. Enumerable.Range(0, model.Layers.Count)];
        if (request.Operation is SteeringOperation.Clamp or SteeringOperation.Scale)
        {
            LatentChange change = request.Operation == SteeringOperation.Clamp ? LatentChange.Clamp(request.Value) : LatentChange.Scale(request.Value);
            if (request.Latent is { } latent)
            {
                (int layer, int feature) = Check(latent);
                return [new LatentEdit(dictionary!, layer, feature, change, request.Positions)];
            }
            if (!Directory.Exists(request.What)) throw new ArgumentException($"{request.What}#{request.Part} cannot be set or scaled: {(File.Exists(request.What) ? "it is a vector, which is added" : "there is no such folder")}. Latents are latent:LAYER:FEATURE of transcoders, or FOLDER#LATENT of an autoencoder.");
            SparseAutoencoder autoencoder = Autoencoder(request);
            int at = autoencoder.FindHooks(model).Layer;
            if (layers is not [var only] || only != at) throw new ArgumentException($"{request.What} reads at {autoencoder.Settings.HookName}, and its latents are set there; write @{at}.");
            return [new AutoencoderEdit(autoencoder, request.Part!.Value, change, request.Positions)];
        }

        SteeringVector vector = Vector(request, layers);
        if (vector.Width != model.ModelWidth) throw new ArgumentException($"{request.What} has width {vector.Width}, but the model's stream has {model.ModelWidth}: it was made for another model.");
        // A single direction serves any layer; of several each layer has its own.
        bool isFile = request.Latent is null && !Directory.Exists(request.What);
        Func<int, float[]> direction = isFile && request.Part is { } from ? _ => Direction(from) : vector.Directions.Count == 1 ? _ => vector.Directions.First().Value : Direction;
        if (request.Operation == SteeringOperation.Add)
            return [.. layers.Select(layer => new Addition(layer, direction(layer), request.Value, request.Positions, request.Unit))];
        bool same = request.Part is not null || vector.Directions.Count == 1;
        if (same) return [new Ablation(layers, request.Layers is null, direction(0), request.Positions)];
        return [.. layers.Select(layer => new Ablation([layer], Embedding: false, direction(layer), request.Positions))];

        float[] Direction(int layer) => vector.Directions.TryGetValue(layer, out float[]? found)
            ? found
            : throw new ArgumentException($"{request.What} has no direction for layer {layer}; it has {vector.LayersText}. {request.What}#N uses that of layer N everywhere.");
    }

    private SteeringVector Vector(SteeringRequest request, IReadOnlyList<int> layers)
    {
        if (request.Latent is { } latent)
        {
            Check(latent);
            return LatentVectors.Make(dictionary!, [(latent.Layer, latent.Feature, 1f)]);
        }
        if (request.RandomSeed is { } seed) return RandomVectors.Make(model.ModelWidth, [KeyValuePair.Create(layers[0], 1f)], seed);
        if (Directory.Exists(request.What))
        {
            SparseAutoencoder autoencoder = Autoencoder(request);
            return LatentVectors.Make(autoencoder, request.What, [(request.Part!.Value, 1f)]);
        }
        return (load ?? VectorFile.Load)(request.What);
    }

    private SparseAutoencoder Autoencoder(SteeringRequest request)
    {
        if (request.Part is not { } latent) throw new ArgumentException($"{request.What} is a folder; name a latent of its autoencoder as {request.What}#120, or a vector's file.");
        if (!_autoencoders.TryGetValue(Path.GetFullPath(request.What), out SparseAutoencoder? autoencoder)) _autoencoders.Add(Path.GetFullPath(request.What), autoencoder = Open(request.What));
        autoencoder.FindHooks(model);
        if (latent >= autoencoder.Latents) throw new ArgumentException($"The autoencoder {request.What} has no latent {latent}; it has 0 to {autoencoder.Latents - 1}.");
        return autoencoder;
    }

    private static SparseAutoencoder Open(string folder)
    {
        if (File.Exists(Path.Combine(folder, "config.yaml"))) throw new ArgumentException($"{folder} holds transcoders: give it with --transcoders, and name a latent as latent:LAYER:FEATURE.");
        return AutoencoderReader.Open(folder);
    }

    private (int Layer, int Feature) Check((int Layer, int Feature) latent)
    {
        if (dictionary is null) throw new ArgumentException($"latent:{latent.Layer}:{latent.Feature} needs a dictionary: give transcoders with --transcoders. A latent of an autoencoder is FOLDER#LATENT.");
        LatentVectors.Check(dictionary, latent.Layer, latent.Feature);
        return latent;
    }
}
