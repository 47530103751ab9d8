using System.Text.Encodings.Web;
using System.Text.Json;

namespace Microtome.Dictionaries;

/// <summary>
/// Features as JSON: written as circuit-tracer's viewer reads them (<c>examples_quantiles</c>, <c>top_logits</c>, …); read in that form and in the form
/// that Neuronpedia's API gives (<c>activations</c>, <c>pos_str</c>, …).
/// </summary>
public static class FeatureJson
{
    private const int LongestTokens = 1 << 20;

    /// <summary>Writes a feature for circuit-tracer's viewer.</summary>
    /// <param name="dictionary">What graphs call the dictionary (<c>scan</c>).</param>
    public static void Write(FeatureData feature, string dictionary, Stream stream)
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteNumber("index", CantorPair.Of(feature.Layer, feature.Feature));
        json.WriteString("transcoder_id", dictionary);
        json.WriteNumber("layer", feature.Layer);
        json.WriteNumber("feature", feature.Feature);
        if (feature.Label is not null) json.WriteString("label", feature.Label);
        json.WriteStartArray("examples_quantiles");
        WriteExamples(json, "Top activations", feature.Strongest);
        for (int i = 0; i < feature.Intervals.Count; i++) WriteExamples(json, $"Subsample interval {i}", feature.Intervals[i].Examples);
        json.WriteEndArray();
        WriteTokens(json, "top_logits", feature.Promoted);
        WriteTokens(json, "bottom_logits", feature.Suppressed);
        json.WriteNumber("act_min", feature.Minimum);
        json.WriteNumber("act_max", feature.Maximum);
        json.WriteStartArray("quantile_values");
        foreach (FeatureInterval interval in feature.Intervals) json.WriteNumberValue((float)(interval.From ?? 0));
        json.WriteEndArray();
        json.WriteStartArray("histogram");
        foreach (long count in feature.Histogram?.Counts ?? []) json.WriteNumberValue(count);
        json.WriteEndArray();
        if (feature.Histogram is { } histogram)
        {
            json.WriteNumber("histogram_from", histogram.From);
            json.WriteNumber("histogram_bin_width", histogram.BinWidth);
        }
        json.WriteNumber("activation_frequency", feature.Density ?? 0);
        json.WriteEndObject();
    }

    /// <summary>Reads a feature in either form.</summary>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="InvalidDataException">It is neither; the message names the place.</exception>
    public static FeatureData Read(ReadOnlyMemory<byte> utf8, int layer, int feature, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = 32 });
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"{name} is not a JSON object.");
            return root.TryGetProperty("examples_quantiles", out _) ? ReadViewer(root, layer, feature, name)
                : root.TryGetProperty("activations", out _) || root.TryGetProperty("pos_str", out _) ? ReadNeuronpedia(root, layer, feature, name)
                : throw new InvalidDataException($"{name} has neither 'examples_quantiles' nor 'activations'; it does not describe a feature.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException) // the latter two for texts that are not UTF-16 and numbers out of range
        {
            throw new InvalidDataException($"{name} is not JSON: {exception.Message}", exception);
        }
    }

    private static FeatureData ReadViewer(JsonElement root, int layer, int feature, string name)
    {
        FeatureData data = new()
        {
            Layer = layer,
            Feature = feature,
            Label = Text(root, "label") ?? Text(root, "clerp"),
            Minimum = Number(root, "act_min", name) is { } minimum ? (float)minimum : 0,
            Density = Number(root, "activation_frequency", name),
            Promoted = Effects(root, "top_logits", null, name),
            Suppressed = Effects(root, "bottom_logits", null, name),
        };
        List<FeatureExample> strongest = [];
        List<FeatureInterval> intervals = [];
        foreach (JsonElement quantile in Elements(root, "examples_quantiles", name))
        {
            string title = Text(quantile, "quantile_name") ?? "";
            FeatureExample[] examples = [.. Elements(quantile, "examples", name, required: true).Select(example => Example(example, "tokens_acts_list", "train_token_ind", name)).OfType<FeatureExample>()];
            if (strongest.Count == 0 && intervals.Count == 0) strongest.AddRange(examples); // the first are the strongest, whatever they are called
            else intervals.Add(new FeatureInterval(title, null, null, examples));
        }
        float seen = strongest.Concat(intervals.SelectMany(interval => interval.Examples)).SelectMany(example => example.Activations).DefaultIfEmpty(0).Max();
        double[] counts = Numbers(root, "histogram", name);
        float maximum = Number(root, "act_max", name) is { } stated ? (float)stated : seen;
        double from = Number(root, "histogram_from", name) ?? 0, width = Number(root, "histogram_bin_width", name) ?? (counts.Length > 0 ? maximum / counts.Length : 0);
        bool whole = counts.Length > 0 && width > 0 && counts.All(count => count is >= 0 and <= 1e15 && count == Math.Floor(count));
        return data with
        {
            Strongest = strongest,
            Intervals = intervals,
            Maximum = maximum,
            Histogram = whole ? new ActivationHistogram(from, width, [.. counts.Select(count => (long)count)]) : null,
        };
    }

    private static FeatureData ReadNeuronpedia(JsonElement root, int layer, int feature, string name)
    {
        FeatureExample[] examples = [.. Elements(root, "activations", name).Select(example => Example(example, "values", "maxValueTokenIndex", name)).OfType<FeatureExample>().OrderByDescending(example => example.Value)];
        double[] heights = Numbers(root, "freq_hist_data_bar_heights", name), values = Numbers(root, "freq_hist_data_bar_values", name);
        double width = values.Length > 1 ? values[1] - values[0] : 0;
        bool histogram = heights.Length > 0 && heights.Length <= values.Length && width > 0 && heights.All(height => height is >= 0 and <= 1e15);
        return new FeatureData
        {
            Layer = layer,
            Feature = feature,
            Label = Elements(root, "explanations", name).Select(explanation => Text(explanation, "description")?.Trim()).FirstOrDefault(text => !string.IsNullOrEmpty(text)),
            Density = Number(root, "frac_nonzero", name),
            Maximum = Number(root, "maxActApprox", name) is { } stated and > 0 ? (float)stated : examples.Length > 0 ? examples[0].Value : 0,
            Strongest = examples,
            Histogram = histogram ? new ActivationHistogram(values[0] - width / 2, width, [.. heights.Select(height => (long)height)]) : null,
            Promoted = Effects(root, "pos_str", "pos_values", name),
            Suppressed = Effects(root, "neg_str", "neg_values", name),
        };
    }

    private static FeatureExample? Example(JsonElement example, string values, string peakName, string name)
    {
        string[] tokens = [.. Elements(example, "tokens", name, required: true).Select(token => Token(token, name))];
        double[] activations = Numbers(example, values, name);
        if (tokens.Length == 0) return null;
        if (activations.Length != tokens.Length) throw new InvalidDataException($"{name}: an example has {tokens.Length} tokens, but {activations.Length} activations.");
        float[] single = [.. activations.Select(value => (float)value)];
        int peak = Number(example, peakName, name) is { } given && given == Math.Floor(given) && given >= 0 && given < tokens.Length ? (int)given : Array.IndexOf(single, single.Max());
        return new FeatureExample(tokens, single, peak) { IsRepeated = example.TryGetProperty("is_repeated_datapoint", out JsonElement repeated) && repeated.ValueKind == JsonValueKind.True };
    }

    /// <summary>Tokens, alone or each with its effect.</summary>
    private static TokenEffect[] Effects(JsonElement root, string tokens, string? effects, string name)
    {
        double[] values = effects is null ? [] : Numbers(root, effects, name);
        return
        [
            .. Elements(root, tokens, name).Select((element, index) => element.ValueKind == JsonValueKind.Array && element.GetArrayLength() == 2
                ? new TokenEffect(Token(element[0], name), Finite(element[1], tokens, name))
                : new TokenEffect(Token(element, name), index < values.Length ? (float)values[index] : null)),
        ];
    }

    private static string Token(JsonElement token, string name) =>
        token.ValueKind == JsonValueKind.String ? token.GetString()! : throw new InvalidDataException($"{name}: a token is {token.ValueKind}; a text is needed.");

    private static IEnumerable<JsonElement> Elements(JsonElement parent, string property, string name, bool required = false)
    {
        if (parent.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"{name}: '{property}' is looked for in an object, not in {parent.ValueKind}.");
        if (!parent.TryGetProperty(property, out JsonElement array) || array.ValueKind == JsonValueKind.Null) return required ? throw new InvalidDataException($"{name}: '{property}' is missing.") : [];
        if (array.ValueKind != JsonValueKind.Array) throw new InvalidDataException($"{name}: '{property}' must be a list.");
        return array.GetArrayLength() <= LongestTokens ? array.EnumerateArray() : throw new InvalidDataException($"{name}: '{property}' has {array.GetArrayLength()} elements; {LongestTokens} are allowed.");
    }

    private static double[] Numbers(JsonElement parent, string property, string name) => [.. Elements(parent, property, name).Select(value => (double)Finite(value, property, name))];

    private static float Finite(JsonElement value, string property, string name) =>
        value.ValueKind == JsonValueKind.Number && float.IsFinite((float)value.GetDouble()) ? (float)value.GetDouble() : throw new InvalidDataException($"{name}: '{property}' must hold numbers.");

    private static double? Number(JsonElement parent, string property, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(property, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? Finite(value, property, name) : null;

    private static string? Text(JsonElement parent, string property) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(property, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static void WriteExamples(Utf8JsonWriter json, string title, IReadOnlyList<FeatureExample> examples)
    {
        json.WriteStartObject();
        json.WriteString("quantile_name", title);
        json.WriteStartArray("examples");
        foreach (FeatureExample example in examples)
        {
            json.WriteStartObject();
            json.WriteStartArray("tokens");
            foreach (string token in example.Tokens) json.WriteStringValue(token);
            json.WriteEndArray();
            json.WriteStartArray("tokens_acts_list");
            foreach (float activation in example.Activations) json.WriteNumberValue(activation);
            json.WriteEndArray();
            json.WriteNumber("train_token_ind", example.Peak);
            json.WriteBoolean("is_repeated_datapoint", example.IsRepeated);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTokens(Utf8JsonWriter json, string name, IReadOnlyList<TokenEffect> effects)
    {
        json.WriteStartArray(name);
        foreach (TokenEffect effect in effects) json.WriteStringValue(effect.Token);
        json.WriteEndArray();
    }
}
