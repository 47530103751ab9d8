using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>One transcoder for each layer of a model, all reading and writing at the same hooks.</summary>
public sealed class TranscoderSet : IDisposable
{
    private readonly IReadOnlyList<IDisposable> _files;

    internal TranscoderSet(string name, string? modelName, bool crossLayer, HookPoint input, HookPoint output, IReadOnlyList<Transcoder> layers, IReadOnlyList<IDisposable> files)
    {
        Name = name;
        ModelName = modelName;
        IsCrossLayer = crossLayer;
        Input = input;
        Output = output;
        Layers = layers;
        _files = files;
    }

    /// <summary>What graphs call the set (<c>scan</c>): viewers find the features' descriptions by it.</summary>
    public string Name { get; }

    /// <summary>The model that the configuration names.</summary>
    public string? ModelName { get; }

    public bool IsCrossLayer { get; }

    /// <summary>Where features read.</summary>
    public HookPoint Input { get; }

    /// <summary>Where features write: the MLP's output before or after the norm that may follow it.</summary>
    public HookPoint Output { get; }

    public IReadOnlyList<Transcoder> Layers { get; }

    /// <summary>The size of all files in bytes.</summary>
    public long Bytes { get; internal init; }

    public bool HasSkip => Layers[0].Skip is not null;

    /// <summary>Checks that the set was made for a model of this shape.</summary>
    /// <exception cref="InvalidDataException">It was not; the message says what differs.</exception>
    public void CheckFits(ModelSpecification model)
    {
        if (Layers.Count != model.Layers.Count)
            throw new InvalidDataException($"The transcoders '{Name}' have {Layers.Count} layers, but the model has {model.Layers.Count}.");
        foreach (Transcoder layer in Layers)
            if (layer.Width != model.ModelWidth)
                throw new InvalidDataException($"The transcoders '{Name}' have width {layer.Width} at layer {layer.Layer}, but the model has {model.ModelWidth}.");
        HookPoint[] available = [.. HookNames.Available(model)];
        foreach (HookPoint point in new[] { Input, Output })
            if (!available.Contains(point))
                throw new InvalidDataException($"The transcoders '{Name}' use the hook '{point.Name()}', which a {model.Family} model does not have.");
    }

    public void Dispose()
    {
        foreach (IDisposable file in _files) file.Dispose();
    }
}
