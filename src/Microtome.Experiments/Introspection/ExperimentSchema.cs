using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microtome.Experiments;

/// <summary>The JSON schema of experiment files, for editors that check as one writes.</summary>
public static class ExperimentSchema
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    /// <summary>The schema as JSON text (draft 2020-12).</summary>
    public static string Text => Build().ToJsonString(Indented) + "\n";

    private static JsonObject Build()
    {
        JsonObject properties = new()
        {
            ["experiment"] = new JsonObject { ["description"] = "Which experiment.", ["enum"] = new JsonArray([.. ExperimentKind.All.Select(kind => (JsonNode)kind.Name)]) },
            ["title"] = Sentence("The report's title."),
            ["model"] = Sentence("A checkpoint's folder, or owner/name on the Hub; the command line's --model comes first."),
            ["dictionary"] = Sentence("Transcoders, for the experiments that look at latents."),
            ["concepts"] = List("What is injected: words, or vectors from files or latents.", new JsonObject
            {
                ["anyOf"] = new JsonArray(
                    new JsonObject { ["type"] = "string" },
                    new JsonObject
                    {
                        ["type"] = "object",
                        ["properties"] = new JsonObject
                        {
                            ["name"] = Sentence("What results call it."),
                            ["file"] = Sentence("A steering vector's file."),
                            ["latents"] = List("Latents whose decoder rows are summed: [layer, latent] or [layer, latent, weight].", new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "number" }, ["minItems"] = 2, ["maxItems"] = 3 }),
                        },
                        ["required"] = new JsonArray("name"),
                        ["additionalProperties"] = false,
                    }),
            }),
            ["vector"] = Map("How vectors are made from words.", ("templates", Texts("Sentences with {word}, whose last token's state is taken.")), ("baseline", Texts("Words whose mean is subtracted."))),
            ["layers"] = new JsonObject
            {
                ["description"] = "After which layers vectors are added: all, 3, 2-5, 25%-75%, spread 8 (evenly over all but the last), or a list of these.",
                ["type"] = new JsonArray("string", "integer", "array"),
                ["default"] = "spread 8",
            },
            ["strengths"] = new JsonObject { ["description"] = "How strong injections are, in units of \"unit\".", ["type"] = new JsonArray("number", "array"), ["items"] = new JsonObject { ["type"] = "number", ["exclusiveMinimum"] = 0 }, ["default"] = new JsonArray(0.25, 0.5, 1, 2, 4) },
            ["unit"] = new JsonObject { ["description"] = "What strengths count: shares of the stream's length, lengths, or times the vector as it is.", ["enum"] = new JsonArray("share", "length", "vector"), ["default"] = "share" },
            ["positions"] = Sentence("Where vectors are added: a part of the prompt such as question, a part and all after it such as question-, last, all, or numbers such as 3 and 3-9."),
            ["placebos"] = Number("How many random vectors of the same length are injected too.", 12, 0, 10_000, true),
            ["seed"] = Number("Equal seeds give equal results.", 0, 0, int.MaxValue, true),
            ["resamples"] = Number("How many resamples intervals are made of.", Bootstrap.DefaultResamples, 100, 1_000_000, true),
            ["answers"] = Map("The spellings of answers, whose probabilities are summed.", ("yes", Texts("Of yes.")), ("no", Texts("Of no."))),
        };
        foreach (var number in ExperimentKind.All.SelectMany(kind => kind.Numbers.Select(number => (Kind: kind, Number: number))).GroupBy(one => one.Number.Name))
        {
            NumberKey key = number.First().Number;
            properties[key.Name] = Number($"{key.Description} ({string.Join(", ", number.Select(one => one.Kind.Name))})", key.Default, number.Min(one => one.Number.Minimum), number.Max(one => one.Number.Maximum), key.IsWhole);
        }
        JsonObject prompts = [];
        foreach (var prompt in ExperimentKind.All.SelectMany(kind => kind.Prompts.Select(key => (Kind: kind, Key: key))).GroupBy(one => one.Key.Name))
            prompts[prompt.Key] = prompt.First().Key.IsList
                ? Texts($"{prompt.First().Key.Description} ({string.Join(", ", prompt.Select(one => one.Kind.Name))})")
                : Sentence($"{prompt.First().Key.Description} ({string.Join(", ", prompt.Select(one => one.Kind.Name))})");
        properties["prompts"] = new JsonObject { ["description"] = "The texts of the experiment.", ["type"] = "object", ["properties"] = prompts, ["additionalProperties"] = false };
        return new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "An experiment of microtome introspect",
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray("experiment"),
            ["additionalProperties"] = false,
        };
    }

    private static JsonObject Sentence(string description) => new() { ["description"] = description, ["type"] = "string" };

    private static JsonObject Texts(string description) => new() { ["description"] = description, ["type"] = new JsonArray("string", "array"), ["items"] = new JsonObject { ["type"] = "string" } };

    private static JsonObject List(string description, JsonObject items) => new() { ["description"] = description, ["type"] = "array", ["items"] = items, ["minItems"] = 1 };

    private static JsonObject Number(string description, double value, double minimum, double maximum, bool whole) =>
        new() { ["description"] = description, ["type"] = whole ? "integer" : "number", ["minimum"] = minimum, ["maximum"] = maximum, ["default"] = value };

    private static JsonObject Map(string description, params (string Name, JsonObject Value)[] entries)
    {
        JsonObject properties = [];
        foreach ((string name, JsonObject value) in entries) properties[name] = value;
        return new JsonObject { ["description"] = description, ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
    }
}
