using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics.Tensors;
using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome intervene</c>: what the next tokens become when features are set.</summary>
internal static class InterveneCommand
{
    private static readonly Dictionary<string, InterventionMode> Modes = new()
    {
        ["frozen-attention"] = InterventionMode.FrozenAttention,
        ["unfrozen"] = InterventionMode.Unfrozen,
        ["direct"] = InterventionMode.Direct,
    };

    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model(), transcoders = CommonOptions.Transcoders(), prompt = CommonOptions.Prompt(required: true);
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        Option<string[]> set = new("--set")
        {
            Description = "LAYER:POSITION:FEATURE=VALUE. POSITION- is that position and all after it, * all but the first; both also hold for generated tokens. May be given again.",
            HelpName = "L:P:F=V",
            AllowMultipleArgumentsPerToken = true,
            Required = true,
        };
        set.Validators.Add(result =>
        {
            foreach (Token token in result.Tokens)
                if (!TryParse(token.Value, out _))
                    result.AddError($"'{token.Value}' is not LAYER:POSITION:FEATURE=VALUE, such as 12:7:4031=0; POSITION may be 7- for 7 and all after it, or * for all but the first.");
        });
        Option<string> mode = new("--mode") { HelpName = "MODE", Description = "What may respond: all but attention patterns (frozen-attention), everything (unfrozen), or only direct paths (direct).", DefaultValueFactory = _ => "frozen-attention" };
        mode.AcceptOnlyFromAmong([.. Modes.Keys]);
        Option<int> top = new("--top") { Description = "How many tokens to print.", HelpName = "N", DefaultValueFactory = _ => 10 };
        Option<int> generate = new("--max-tokens") { HelpName = "N", Description = "Also continue the text by this many tokens, without and with the change." };
        ExampleCommand command = new("intervene", "Set features to values and see what the next tokens become, before and after.",
            "microtome intervene --prompt \"The capital of the state containing Dallas is\" --set 0:7:300=0 0:7:12=5",
            "microtome intervene --prompt \"Tom and Sue went to the park, Tom gave\" --set \"2:*:17=4\" --mode unfrozen --max-tokens 30")
        {
            model, transcoders, prompt, set, mode, top, generate, threads, json,
        };
        CommonOptions.NotNegative(generate);
        CommonOptions.Positive(top);
        CommonOptions.FitTogether(command, model, transcoders);
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            string text = result.GetValue(prompt)!;
            FeatureIntervention[] interventions = [.. result.GetValue(set)!.Select(text => TryParse(text, out FeatureIntervention intervention) ? intervention : throw new ArgumentException($"'{text}' cannot be read."))];
            InterventionMode chosen = Modes[result.GetValue(mode)!];
            using ProgressDisplay progress = new();
            ModelSource source = new(progress.Downloads, cancellation);
            using LoadedModel loaded = await source.LoadModelAsync(result.GetValue(model));
            using TranscoderSet transcoderSet = await source.LoadTranscodersAsync(result.GetValue(transcoders));
            ReplacementModel replacement = new(loaded.Transformer, transcoderSet);
            int[] tokens = loaded.Prompts.EncodeForTracing(text);

            progress.Report("running the prompt", null);
            float[] before = NextToken(Intervening.Run(replacement, tokens, [], InterventionMode.Unfrozen, logits: LogitRows.Last, cancellation: cancellation));
            float[] after = NextToken(Intervening.Run(replacement, tokens, interventions, chosen, logits: LogitRows.Last, cancellation: cancellation));
            string? original = null, changed = null;
            if (result.GetValue(generate) > 0)
            {
                SamplingOptions options = new() { MaximumTokens = result.GetValue(generate) };
                progress.Report("continuing", null);
                original = Continue(loaded, tokens, Generation.Generate(loaded.Transformer, tokens, options, cancellation: cancellation));
                changed = Continue(loaded, tokens, Intervening.Generate(replacement, tokens, interventions, chosen, options, cancellation));
            }
            progress.Clear();

            int[] shown = [.. Enumerable.Range(0, before.Length).OrderByDescending(token => Math.Max(before[token], after[token])).Take(Math.Max(1, result.GetValue(top)))];
            if (result.GetValue(json)) PrintJson(loaded, text, result.GetValue(mode)!, interventions, shown, before, after, original, changed);
            else Print(loaded, text, tokens, shown, before, after, original, changed);
            return 0;
        });
        return command;
    }

    /// <summary>Reads LAYER:POSITION:FEATURE=VALUE.</summary>
    private static bool TryParse(string text, out FeatureIntervention intervention)
    {
        intervention = default;
        string[] sides = text.Split('='), place = sides[0].Split(':');
        if (sides.Length != 2 || place.Length != 3
            || !int.TryParse(place[0], NumberStyles.None, CultureInfo.InvariantCulture, out int layer)
            || !int.TryParse(place[2], NumberStyles.None, CultureInfo.InvariantCulture, out int feature)
            || !float.TryParse(sides[1], NumberStyles.Float, CultureInfo.InvariantCulture, out float value)
            || !float.IsFinite(value)) return false;
        bool all = place[1] == "*", openEnded = all || place[1].EndsWith('-');
        int position = 1;
        if (!all && !int.TryParse(place[1].AsSpan(0, place[1].Length - (openEnded ? 1 : 0)), NumberStyles.None, CultureInfo.InvariantCulture, out position)) return false;
        intervention = new FeatureIntervention(layer, position, feature, value, openEnded);
        return true;
    }

    private static float[] NextToken(InterventionResult result)
    {
        float[] probabilities = new float[result.Logits.Columns];
        TensorPrimitives.SoftMax<float>(result.Logits.Row(0), probabilities);
        return probabilities;
    }

    private static string Continue(LoadedModel loaded, int[] prompt, IEnumerable<int> generated) => loaded.Prompts.Decode([.. prompt, .. generated]);

    private static void Print(LoadedModel loaded, string text, int[] tokens, int[] shown, float[] before, float[] after, string? original, string? changed)
    {
        Screen.Line($"[bold]{Screen.Escape(text)}[/]");
        Screen.Line($"[{Screen.Faint}]{tokens.Length} tokens; the next one:[/]");
        Screen.Table(["token", ">before", ">after", ">change"], shown.Select(token =>
        {
            double change = after[token] - before[token];
            string colour = change >= 0 ? Screen.Positive : Screen.Negative;
            return new[] { Screen.Escape(TextFormat.Token(loaded.Prompts.TextOf(token))), TextFormat.Percent(before[token]), TextFormat.Percent(after[token]), $"[{colour}]{100 * change:+0.0;-0.0;0.0}[/]" };
        }));
        if (original is null) return;
        Screen.Heading("Unchanged");
        Screen.Line(Screen.Escape(original));
        Screen.Heading("Changed");
        Screen.Line(Screen.Escape(changed!));
    }

    private static void PrintJson(LoadedModel loaded, string text, string mode, FeatureIntervention[] interventions, int[] shown, float[] before, float[] after, string? original, string? changed) => JsonRecord.Print(json =>
    {
        json.WriteString("prompt", text);
        json.WriteString("mode", mode);
        json.WriteStartArray("interventions");
        foreach (FeatureIntervention intervention in interventions)
        {
            json.WriteStartObject();
            json.WriteNumber("layer", intervention.Layer);
            json.WriteNumber("position", intervention.Position);
            json.WriteBoolean("open_ended", intervention.OpenEnded);
            json.WriteNumber("feature", intervention.Feature);
            json.WriteNumber("value", intervention.Value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("next_tokens");
        foreach (int token in shown)
        {
            json.WriteStartObject();
            json.WriteNumber("token", token);
            json.WriteString("text", loaded.Prompts.TextOf(token));
            json.WriteNumber("before", before[token]);
            json.WriteNumber("after", after[token]);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (original is not null) json.WriteString("unchanged", original);
        if (changed is not null) json.WriteString("changed", changed);
    });
}
