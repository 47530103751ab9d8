using System.CommandLine;
using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome features</c>: which features fire where.</summary>
internal static class FeaturesCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model(), transcoders = CommonOptions.Transcoders(), prompt = CommonOptions.Prompt(required: true);
        Option<string?> memory = CommonOptions.Memory();
        Option<int?> threads = CommonOptions.Threads(), layer = new("--layer") { Description = "Only this layer's.", HelpName = "N" }, position = new("--position") { Description = "Only at this position.", HelpName = "N" };
        Option<string?> dictionary = new("--dictionary", "-d") { HelpName = "DIR", Description = "Instead of transcoders: the folder of one autoencoder, whose latents are read at its hook." };
        Option<string[]> steer = SteerOption.Create();
        Option<bool> json = CommonOptions.Json();
        Option<string?> index = new("--index") { HelpName = "FILE|DIR", Description = "Also show what features are known for: labels and promoted tokens of an index that microtome index wrote, or of a folder of feature data of Neuronpedia or circuit-tracer." };
        Option<int> most = new("--top") { HelpName = "N", Description = "How many to print; 0 for all.", DefaultValueFactory = _ => 40 };
        ExampleCommand command = new("features", "List the features that are active on a prompt, strongest first.",
            "microtome features --prompt \"The capital of the state containing Dallas is\" --layer 0",
            "microtome features -m google/gemma-2-2b -t mntss/gemma-scope-transcoders -p \"The capital of France is\" --position 5 --json",
            "microtome features -m models/stories260k -t models/stories260k-transcoders -p \"Tom went to the park. He was\" --steer happy.safetensors@2:4 --layer 3",
            "microtome features --prompt \"The opposite of small is\" --index world.features",
            "microtome features --prompt \"The opposite of small is\" --dictionary sae")
        {
            model, transcoders, dictionary, prompt, layer, position, most, index, steer, memory, threads, json,
        };
        CommonOptions.NotNegative(most);
        CommonOptions.FitTogether(command, model, transcoders, dictionary);
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            result.UseMemory(memory);
            string text = result.GetValue(prompt)!;
            using ProgressDisplay progress = new();
            ModelSource source = new(progress.Downloads, cancellation);
            using LoadedModel loaded = await source.LoadModelAsync(result.GetValue(model));
            if (result.GetValue(dictionary) is { } folder)
            {
                using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder);
                using SteeringResolver own = new(loaded.Specification);
                SteeringMeasure added = new();
                ForwardHooks? steered = result.Requests(steer).Resolve(own)?.Hooks(loaded.Specification, added);
                PrintLatents(loaded, autoencoder, loaded.Prompts.EncodeForTracing(text), steered, result.GetValue(position), result.GetValue(most), result.GetValue(json), cancellation);
                added.WarnIfLarge();
                result.Requests(steer).WarnIfUnreached(loaded.Prompts.EncodeForTracing(text).Length);
                return 0;
            }
            using TranscoderSet set = await source.LoadTranscodersAsync(result.GetValue(transcoders));
            using IFeatureSource? known = result.GetValue(index) is { } path ? FeatureSource.Open(path) : null;
            int[] tokens = loaded.Prompts.EncodeForTracing(text);
            int? onlyLayer = Check(result.GetValue(layer), set.Layers.Count, "layer"), onlyPosition = Check(result.GetValue(position), tokens.Length, "position");
            using SteeringResolver resolver = new(loaded.Specification, set);
            SteeringMeasure measure = new();
            ForwardHooks? steering = result.Requests(steer).Resolve(resolver)?.Hooks(loaded.Specification, measure);
            progress.Report("running the prompt", null);
            LocalReplacement local = LocalReplacement.Build(new ReplacementModel(loaded.Transformer, set), tokens, steering, new FractionReporter(progress), cancellation);
            progress.Clear();
            measure.WarnIfLarge();
            result.Requests(steer).WarnIfUnreached(tokens.Length);

            FeatureNode[] found = [.. local.Features.Where(feature => (onlyLayer ?? feature.Layer) == feature.Layer && (onlyPosition ?? feature.Position) == feature.Position)];
            IEnumerable<FeatureNode> shown = found.OrderByDescending(feature => Math.Abs(feature.Activation));
            if (result.GetValue(most) > 0) shown = shown.Take(result.GetValue(most));
            if (result.GetValue(json))
            {
                foreach (FeatureNode feature in shown) Print(feature, loaded.Prompts.TextOf(tokens[feature.Position]), known?.Find(feature.Layer, feature.Feature));
                return 0;
            }
            int dropped = local.Model.DroppedPositions(tokens);
            string left = dropped == 1 ? "position 0 is" : $"positions 0 to {dropped - 1} are";
            Screen.Line($"{TextFormat.Number(found.Length)} active features of {TextFormat.Number(set.Layers.Sum(l => (long)l.Features))}, {TextFormat.Value((double)found.Length / Math.Max(1, tokens.Length - dropped))} a token; {left} left out");
            Screen.Table([">activation", ">layer", ">feature", ">position", "token", .. known is null ? Array.Empty<string>() : ["known for"]], shown.Select(feature => new[]
            {
                TextFormat.Value(feature.Activation), $"{feature.Layer}", $"{feature.Feature}", $"{feature.Position}", Screen.Escape(TextFormat.Token(loaded.Prompts.TextOf(tokens[feature.Position]))),
            }.Concat(known is null ? [] : [Screen.Escape(Known(known.Find(feature.Layer, feature.Feature)))]).ToArray()));
            return 0;
        });
        return command;
    }

    /// <summary>The latents of an autoencoder that are active on a prompt.</summary>
    private static void PrintLatents(LoadedModel loaded, SparseAutoencoder autoencoder, int[] tokens, ForwardHooks? steering, int? position, int most, bool json, CancellationToken cancellation)
    {
        int? only = Check(position, tokens.Length, "position");
        ActiveFeature[] found = [.. AutoencoderReading.Read(loaded.Transformer, autoencoder, tokens, steering, cancellation).Where(latent => (only ?? latent.Position) == latent.Position)];
        IEnumerable<ActiveFeature> shown = found.OrderByDescending(latent => Math.Abs(latent.Value));
        if (most > 0) shown = shown.Take(most);
        if (json)
        {
            foreach (ActiveFeature latent in shown)
                JsonRecord.Print(record =>
                {
                    record.WriteString("hook", autoencoder.Settings.HookName);
                    record.WriteNumber("position", latent.Position);
                    record.WriteNumber("latent", latent.Feature);
                    record.WriteNumber("activation", latent.Value);
                    record.WriteString("token", loaded.Prompts.TextOf(tokens[latent.Position]));
                });
            return;
        }
        Screen.Line($"{TextFormat.Number(found.Length)} active latents of {TextFormat.Number(autoencoder.Latents)} at {autoencoder.Settings.HookName}, {TextFormat.Value((double)found.Length / Math.Max(1, only is null ? tokens.Length - 1 : 1))} a token; position 0 is left out");
        Screen.Table([">activation", ">latent", ">position", "token"], shown.Select(latent => new[]
        {
            TextFormat.Value(latent.Value), $"{latent.Feature}", $"{latent.Position}", Screen.Escape(TextFormat.Token(loaded.Prompts.TextOf(tokens[latent.Position]))),
        }));
    }

    private static int? Check(int? value, int count, string name) =>
        value is null || (uint)value.Value < (uint)count ? value : throw new ArgumentException($"There is no {name} {value}; there are 0 to {count - 1}.");

    /// <summary>A feature's label, else its strongest token in context and what it promotes.</summary>
    private static string Known(FeatureData? data)
    {
        if (data is null) return "";
        if (data.Label is not null) return data.Label;
        string promoted = string.Join(' ', data.Promoted.Take(3).Select(effect => TextFormat.Token(effect.Token)));
        if (data.Strongest.Count == 0) return promoted;
        FeatureExample example = data.Strongest[0];
        string context = string.Concat(example.Tokens.Take(example.Peak + 1).TakeLast(6));
        return $"{TextFormat.Token(context, 40)} promotes {promoted}";
    }

    private static void Print(FeatureNode feature, string token, FeatureData? known) => JsonRecord.Print(json =>
    {
        json.WriteNumber("layer", feature.Layer);
        json.WriteNumber("position", feature.Position);
        json.WriteNumber("feature", feature.Feature);
        json.WriteNumber("activation", feature.Activation);
        json.WriteString("token", token);
        if (known is null) return;
        if (known.Label is not null) json.WriteString("label", known.Label);
        json.WriteStrings("promoted", known.Promoted.Select(effect => effect.Token));
        json.WriteStrings("suppressed", known.Suppressed.Select(effect => effect.Token));
        json.WriteStartArray("strongest");
        foreach (FeatureExample example in known.Strongest)
        {
            json.WriteStartObject();
            json.WriteStrings("tokens", example.Tokens);
            json.WriteNumber("peak", example.Peak);
            json.WriteNumber("activation", example.Value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    private sealed class FractionReporter(ProgressDisplay display) : IProgress<double>
    {
        public void Report(double value) => display.Report("finding features", value);
    }
}
