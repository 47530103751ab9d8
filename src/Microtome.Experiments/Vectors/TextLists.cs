using System.Text;
using System.Text.Json;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>Vectors from two lists of texts, which are not paired and need not be equally long.</summary>
public static class TextLists
{
    private const int LargestFile = 64 << 20;

    /// <summary>Reads a list of texts: JSON, a list of strings, or plain text, one a line; empty lines are left out.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is too large, is JSON of another kind, or holds no text.</exception>
    public static IReadOnlyList<string> Load(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no list of texts {path}.", path);
        if (new FileInfo(path) is { Length: > LargestFile } file) throw new InvalidDataException($"{path} has {file.Length} bytes; a list of texts has at most {LargestFile}.");
        string all = File.ReadAllText(path, new UTF8Encoding(false, throwOnInvalidBytes: false));
        if (!all.AsSpan().TrimStart().StartsWith("[")) return Checked(path, [.. all.Split('\n').Select(line => line.TrimEnd('\r')).Where(line => !string.IsNullOrWhiteSpace(line))]);
        try
        {
            using JsonDocument document = JsonDocument.Parse(all);
            return Checked(path, [.. document.RootElement.EnumerateArray().Select((element, i) => element.ValueKind == JsonValueKind.String ? element.GetString()! : throw new InvalidDataException($"{path}: entry {i} is no text but a {element.ValueKind}."))]);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path} is no list of texts: {exception.Message} It should be JSON, a list of strings, or plain text, one a line.", exception);
        }
    }

    /// <summary>The mean state of the positive texts less that of the negative ones, after every layer.</summary>
    /// <exception cref="ArgumentException">A list is empty, or a text is empty or too long.</exception>
    public static SteeringVector MeanDifference(LoadedModel model, IReadOnlyList<string> positive, IReadOnlyList<string> negative, string concept = "", IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        StreamStates states = States(model, positive, negative, progress, cancellation);
        return new SteeringVector(Enumerable.Range(0, states.Layers).Select(layer => KeyValuePair.Create(layer, Difference(states.After(layer), positive.Count))), Recipe(model, positive, negative, "mean_diff", concept));
    }

    /// <summary>A probe's direction for every layer, of unit length; the recipe's notes say how well each tells held-out texts apart.</summary>
    /// <exception cref="ArgumentException">There are too few texts, or they do not differ.</exception>
    public static SteeringVector Probe(LoadedModel model, IReadOnlyList<string> positive, IReadOnlyList<string> negative, string concept = "", int seed = 0, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        IReadOnlyList<Probe> probes = Experiments.Probe.Fit(States(model, positive, negative, progress, cancellation), positive.Count, seed);
        Dictionary<string, string> notes = ProbeVectors.Notes(probes);
        if (positive.Count != negative.Count)
            notes["share of the longer list"] = FormattableString.Invariant($"{(double)Math.Max(positive.Count, negative.Count) / (positive.Count + negative.Count):0.000}: what always naming it gets right");
        return new SteeringVector(probes.Select(probe => KeyValuePair.Create(probe.Layer, probe.Direction)), Recipe(model, positive, negative, "probe", concept) with { Seed = seed, Notes = notes });
    }

    private static StreamStates States(LoadedModel model, IReadOnlyList<string> positive, IReadOnlyList<string> negative, IProgress<double>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (positive.Count == 0 || negative.Count == 0) throw new ArgumentException("There are texts of one kind only; a direction needs both.");
        return StreamStates.Collect(model.Transformer, [.. positive.Concat(negative).Select(model.Prompts.Encode)], progress: progress, cancellation: cancellation);
    }

    private static float[] Difference(Tensor states, int positive)
    {
        double[] first = new double[states.Columns], second = new double[states.Columns];
        for (int row = 0; row < states.Rows; row++)
            for (int i = 0; i < first.Length; i++) (row < positive ? first : second)[i] += states.Row(row)[i];
        return [.. first.Zip(second, (a, b) => (float)(a / positive - b / (states.Rows - positive)))];
    }

    private static VectorRecipe Recipe(LoadedModel model, IReadOnlyList<string> positive, IReadOnlyList<string> negative, string method, string concept) => new()
    {
        Model = model.Name,
        Family = model.Specification.Family,
        Method = method,
        Concept = concept,
        Positive = positive,
        Negative = negative,
        Version = MicrotomeVersion.Text,
    };

    private static string[] Checked(string path, string[] texts) =>
        Array.Find(texts, string.IsNullOrWhiteSpace) is not null ? throw new InvalidDataException($"{path} has an empty text.") : texts.Length > 0 ? texts : throw new InvalidDataException($"{path} holds no texts.");
}
