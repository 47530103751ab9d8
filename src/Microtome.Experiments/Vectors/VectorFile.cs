using System.Globalization;
using System.Text.Json;
using Microtome.Models.Gguf;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>
/// Steering vectors on disk: safetensors with the recipe in the metadata, or the GGUF that repeng writes and llama.cpp reads. Both hold a
/// tensor <c>direction.N</c> for each layer.
/// </summary>
public static class VectorFile
{
    private const string Prefix = "direction.", Format = "microtome-vector", FormatVersion = "1", Architecture = "controlvector", RecipeKey = "recipe", GgufRecipeKey = "microtome.recipe";
    private const int MostLayers = 4096;

    /// <summary>Reads a vector in either format, told apart by the file's first bytes.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or holds no steering vector.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static SteeringVector Load(string path)
    {
        if (Directory.Exists(path)) throw new InvalidDataException($"{path} is a folder; a steering vector is one file, .safetensors or .gguf.");
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no steering vector {path}.", path);
        try
        {
            return IsGguf(path) ? LoadGguf(path) : LoadSafetensors(path);
        }
        catch (Exception exception) when (exception is ArgumentException or JsonException or OverflowException)
        {
            throw new InvalidDataException($"{path} is no usable steering vector: {exception.Message}", exception);
        }
    }

    /// <summary>Writes GGUF where the name ends in <c>.gguf</c>, else safetensors.</summary>
    /// <exception cref="IOException">The file cannot be written; nothing of it is left.</exception>
    public static void Save(SteeringVector vector, string path)
    {
        if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)) SaveGguf(vector, path);
        else SaveSafetensors(vector, path);
    }

    private static void SaveSafetensors(SteeringVector vector, string path)
    {
        SafetensorsWriter writer = new();
        foreach ((int layer, float[] direction) in vector.Directions) writer.Add(Name(layer), direction, direction.Length);
        writer.Metadata["format"] = Format;
        writer.Metadata["format_version"] = FormatVersion;
        writer.Metadata[RecipeKey] = vector.Recipe.ToJson();
        writer.Save(path);
    }

    private static void SaveGguf(SteeringVector vector, string path)
    {
        GgufWriter writer = new();
        writer.Add("general.architecture", Architecture);
        writer.Add($"{Architecture}.model_hint", vector.Recipe.Family);
        writer.Add($"{Architecture}.layer_count", (uint)vector.Directions.Count);
        writer.Add(GgufRecipeKey, vector.Recipe.ToJson());
        foreach ((int layer, float[] direction) in vector.Directions) writer.AddVector(Name(layer), direction);
        writer.Save(path);
    }

    private static SteeringVector LoadSafetensors(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (file.Metadata.GetValueOrDefault("format") == Format && file.Metadata.GetValueOrDefault("format_version") is var version && version != FormatVersion)
            throw new InvalidDataException($"{path} is a steering vector of format version {version}; this program reads version {FormatVersion}.");
        VectorRecipe recipe = file.Metadata.TryGetValue(RecipeKey, out string? json) ? VectorRecipe.FromJson(json) : new VectorRecipe();
        return new SteeringVector(Directions(path, file.Tensors.Keys, file.Get), recipe);
    }

    private static SteeringVector LoadGguf(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        if (file.Text("general.architecture") is { } architecture && architecture != Architecture)
            throw new InvalidDataException($"{path} holds a '{architecture}', not a '{Architecture}'.");
        VectorRecipe recipe = file.Text(GgufRecipeKey) is { } json ? VectorRecipe.FromJson(json) : new VectorRecipe { Family = file.Text($"{Architecture}.model_hint") ?? "" };
        return new SteeringVector(Directions(path, file.Names, file.Get), recipe);
    }

    private static IEnumerable<KeyValuePair<int, float[]>> Directions(string path, IEnumerable<string> names, Func<string, StoredTensor> get)
    {
        List<KeyValuePair<int, float[]>> directions = [];
        foreach (string name in names.Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            if (!int.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int layer) || layer >= MostLayers)
                throw new InvalidDataException($"{path}: '{name}' names no layer; directions are called {Prefix}0, {Prefix}1 and so on.");
            StoredTensor tensor = get(name);
            if (!tensor.Type.IsWeight()) throw new InvalidDataException($"{path}: '{name}' holds {tensor.Type}; directions are F32, F16 or BF16.");
            if (tensor.Shape.ToArray().Count(size => size != 1) > 1) throw new InvalidDataException($"{path}: '{name}' has shape {tensor.ShapeText}; a direction is one vector.");
            directions.Add(KeyValuePair.Create(layer, tensor.ToTensor().Span.ToArray()));
        }
        return directions.Count > 0 ? directions : throw new InvalidDataException($"{path} holds no steering vector: no tensor is called {Prefix}0, {Prefix}1 and so on.");
    }

    private static bool IsGguf(string path)
    {
        Span<byte> start = stackalloc byte[4];
        using FileStream file = File.OpenRead(path);
        return file.ReadAtLeast(start, 4, throwOnEndOfStream: false) == 4 && start.SequenceEqual("GGUF"u8);
    }

    private static string Name(int layer) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{layer}");
}
