using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>Turns what people write into edits of one model's stream.</summary>
/// <param name="dictionary">What latents are named of; null where none is loaded.</param>
/// <param name="load">Reads a vector's file; <see cref="VectorFile.Load"/> unless given.</param>
public sealed class SteeringResolver(ModelSpecification model, TranscoderSet? dictionary = null, Func<string, SteeringVector>? load = null)
{
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
            (int layer, int feature) = Check(request.Latent!.Value);
            LatentChange change = request.Operation == SteeringOperation.Clamp ? LatentChange.Clamp(request.Value) : LatentChange.Scale(request.Value);
            return [new LatentEdit(dictionary!, layer, feature, change, request.Positions)];
        }

        SteeringVector vector = Vector(request, layers);
        if (vector.Width != model.ModelWidth) throw new ArgumentException($"{request.What} has width {vector.Width}, but the model's stream has {model.ModelWidth}: it was made for another model.");
        // A single direction serves any layer; of several each layer has its own.
        Func<int, float[]> direction = request.FromLayer is { } from ? _ => Direction(from) : vector.Directions.Count == 1 ? _ => vector.Directions.First().Value : Direction;
        if (request.Operation == SteeringOperation.Add)
            return [.. layers.Select(layer => new Addition(layer, direction(layer), request.Value, request.Positions, request.Unit))];
        bool same = request.FromLayer is not null || vector.Directions.Count == 1;
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
        return (load ?? VectorFile.Load)(request.What);
    }

    private (int Layer, int Feature) Check((int Layer, int Feature) latent)
    {
        if (dictionary is null) throw new ArgumentException($"latent:{latent.Layer}:{latent.Feature} needs a dictionary: give transcoders with --transcoders.");
        LatentVectors.Check(dictionary, latent.Layer, latent.Feature);
        return latent;
    }
}
