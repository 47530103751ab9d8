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
        Option<string[]> steer = SteerOption.Create();
        Option<bool> json = CommonOptions.Json();
        Option<int> most = new("--top") { HelpName = "N", Description = "How many to print; 0 for all.", DefaultValueFactory = _ => 40 };
        ExampleCommand command = new("features", "List the features that are active on a prompt, strongest first.",
            "microtome features --prompt \"Once upon a time, there was a little girl named\" --layer 4",
            "microtome features -m google/gemma-2-2b -t mntss/gemma-scope-transcoders -p \"The capital of France is\" --position 5 --json",
            "microtome features --prompt \"Tom went to the park. He was\" --steer happy.safetensors@2:4 --layer 3")
        {
            model, transcoders, prompt, layer, position, most, steer, memory, threads, json,
        };
        CommonOptions.NotNegative(most);
        CommonOptions.FitTogether(command, model, transcoders);
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            result.UseMemory(memory);
            string text = result.GetValue(prompt)!;
            using ProgressDisplay progress = new();
            ModelSource source = new(progress.Downloads, cancellation);
            using LoadedModel loaded = await source.LoadModelAsync(result.GetValue(model));
            using TranscoderSet set = await source.LoadTranscodersAsync(result.GetValue(transcoders));
            int[] tokens = loaded.Prompts.EncodeForTracing(text);
            int? onlyLayer = Check(result.GetValue(layer), set.Layers.Count, "layer"), onlyPosition = Check(result.GetValue(position), tokens.Length, "position");
            SteeringMeasure measure = new();
            ForwardHooks? steering = result.Requests(steer).Resolve(loaded.Specification, set)?.Hooks(loaded.Specification, measure);
            progress.Report("running the prompt", null);
            LocalReplacement local = LocalReplacement.Build(new ReplacementModel(loaded.Transformer, set), tokens, steering, new FractionReporter(progress), cancellation);
            progress.Clear();
            measure.WarnIfLarge();

            FeatureNode[] found = [.. local.Features.Where(feature => (onlyLayer ?? feature.Layer) == feature.Layer && (onlyPosition ?? feature.Position) == feature.Position)];
            IEnumerable<FeatureNode> shown = found.OrderByDescending(feature => Math.Abs(feature.Activation));
            if (result.GetValue(most) > 0) shown = shown.Take(result.GetValue(most));
            if (result.GetValue(json))
            {
                foreach (FeatureNode feature in shown) Print(feature, loaded.Prompts.TextOf(tokens[feature.Position]));
                return 0;
            }
            int dropped = local.Model.DroppedPositions(tokens);
            string left = dropped == 1 ? "position 0 is" : $"positions 0 to {dropped - 1} are";
            Screen.Line($"{TextFormat.Number(found.Length)} active features of {TextFormat.Number(set.Layers.Sum(l => (long)l.Features))}, {TextFormat.Value((double)found.Length / Math.Max(1, tokens.Length - dropped))} a token; {left} left out");
            Screen.Table([">activation", ">layer", ">feature", ">position", "token"], shown.Select(feature => new[]
            {
                TextFormat.Value(feature.Activation), $"{feature.Layer}", $"{feature.Feature}", $"{feature.Position}", Screen.Escape(TextFormat.Token(loaded.Prompts.TextOf(tokens[feature.Position]))),
            }));
            return 0;
        });
        return command;
    }

    private static int? Check(int? value, int count, string name) =>
        value is null || (uint)value.Value < (uint)count ? value : throw new ArgumentException($"There is no {name} {value}; there are 0 to {count - 1}.");

    private static void Print(FeatureNode feature, string token) => JsonRecord.Print(json =>
    {
        json.WriteNumber("layer", feature.Layer);
        json.WriteNumber("position", feature.Position);
        json.WriteNumber("feature", feature.Feature);
        json.WriteNumber("activation", feature.Activation);
        json.WriteString("token", token);
    });

    private sealed class FractionReporter(ProgressDisplay display) : IProgress<double>
    {
        public void Report(double value) => display.Report("finding features", value);
    }
}
