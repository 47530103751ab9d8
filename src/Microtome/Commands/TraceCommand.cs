using System.CommandLine;
using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome trace</c>: the circuit behind the next token.</summary>
internal static class TraceCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model(), transcoders = CommonOptions.Transcoders(), prompt = CommonOptions.Prompt();
        Option<int?> threads = CommonOptions.Threads();
        Option<string?> memory = CommonOptions.Memory(), precision = CommonOptions.Precision();
        Option<bool> json = CommonOptions.Json();
        Option<string[]> target = new("--target") { Description = "What to explain: a token's text, or a difference of two, such as \" Paris - Rome\". May be given again. Without it, the most probable next tokens.", HelpName = "TOKEN" };
        Option<string?> output = new("--out", "-o") { Description = "The folder for graph.json (for viewers) and graph.safetensors (whole, for --from).", HelpName = "DIR" };
        Option<string?> from = new("--from") { Description = "Prune a graph.safetensors again, without a model.", HelpName = "FILE" };
        Option<double> nodes = new("--node-threshold") { HelpName = "SHARE", Description = "The share of influence that kept nodes hold.", DefaultValueFactory = _ => 0.8 };
        Option<double> edges = new("--edge-threshold") { HelpName = "SHARE", Description = "The share of edge influence that kept edges hold.", DefaultValueFactory = _ => 0.98 };
        Option<int> maximumTargets = new("--max-targets") { HelpName = "N", Description = "The most next tokens to explain.", DefaultValueFactory = _ => 10 };
        Option<double> probability = new("--target-probability") { HelpName = "P", Description = "Explain the fewest next tokens whose probabilities reach this sum.", DefaultValueFactory = _ => 0.95 };
        Option<int?> maximumFeatures = new("--max-features") { Description = "Compute the inputs of at most this many features, those with the most influence; all unless given.", HelpName = "N" };
        Option<int> batch = new("--batch") { HelpName = "N", Description = "How many rows are computed together; with --max-features, features are ranked anew after every four batches.", DefaultValueFactory = _ => 256 };
        Option<int> paths = new("--paths") { HelpName = "N", Description = "How many nodes the printed tree of paths has.", DefaultValueFactory = _ => 24 };
        Option<string[]> steer = SteerOption.Create();
        Option<string?> slug = new("--slug") { Description = "The graph's short name; made from the prompt unless given.", HelpName = "NAME" };
        ExampleCommand command = new("trace", "Trace the circuit that produced the next token: which features, errors and tokens led to it, and through what.",
            "microtome trace --prompt \"The capital of the state containing Dallas is\" --out graph/",
            "microtome trace -m Qwen/Qwen3-0.6B -t mwhanna/qwen3-0.6b-transcoders-lowl0 -p \"The capital of France is\" --target \" Paris - Rome\" --out graph/",
            "microtome trace -m models/stories260k -t models/stories260k-transcoders -p \"Tom went to the park. He was\" --steer happy.safetensors@2:4",
            "microtome trace --from graph/graph.safetensors --node-threshold 0.6 --out smaller/")
        {
            model, transcoders, prompt, target, output, from, nodes, edges, maximumTargets, probability, maximumFeatures, batch, steer, paths, slug, precision, memory, threads, json,
        };
        CommonOptions.Share(nodes);
        CommonOptions.Share(edges);
        CommonOptions.NotNegative(paths);
        CommonOptions.Positive(maximumTargets);
        CommonOptions.Positive(maximumFeatures);
        CommonOptions.Positive(batch);
        CommonOptions.Probability(probability);
        CommonOptions.FitTogether(command, model, transcoders);
        command.Validators.Add(result =>
        {
            if (result.GetResult(prompt) is null == result.GetResult(from) is null) result.AddError("Give either a prompt with --prompt or a graph with --from.");
            if (result.GetResult(from) is null) return;
            foreach (Option option in (Option[])[model, transcoders, target, maximumTargets, probability, maximumFeatures, batch, steer])
                if (result.GetResult(option) is { Implicit: false }) result.AddError($"--from prunes a graph that is traced already; {option.Name} is for tracing.");
        });
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            result.UseMemory(memory);
            result.UsePrecision(precision);
            using ProgressDisplay progress = new();
            using GraphOutput? files = result.GetValue(output) is { } folder ? new GraphOutput(folder) : null;
            AttributionGraph graph;
            if (result.GetValue(from) is { } file) graph = GraphFile.Load(file);
            else
            {
                string text = result.GetValue(prompt)!;
                ModelSource source = new(progress.Downloads, cancellation);
                using LoadedModel loaded = await source.LoadModelAsync(result.GetValue(model));
                using TranscoderSet set = await source.LoadTranscodersAsync(result.GetValue(transcoders));
                using SteeringResolver resolver = new(loaded.Specification, set);
                SteeringMeasure measure = new();
                AttributionOptions options = new()
                {
                    Steering = result.Requests(steer).Resolve(resolver)?.HooksForTracing(loaded.Specification, set, measure),
                    Targets = [.. (result.GetValue(target) ?? []).Select(name => ParseTarget(name, loaded.Prompts)).Distinct()],
                    MaximumTargets = result.GetValue(maximumTargets),
                    TargetProbability = result.GetValue(probability),
                    MaximumFeatures = result.GetValue(maximumFeatures),
                    BatchSize = result.GetValue(batch),
                };
                ReplacementModel replacement = new(loaded.Transformer, set);
                int[] tokens = loaded.Prompts.EncodeForTracing(text);
                result.Requests(steer).WarnIfUnreached(tokens.Length);
                graph = Attributor.Attribute(replacement, tokens, options, loaded.Prompts.TextOf, new PhaseReporter(progress), cancellation);
                progress.Clear();
                measure.WarnIfLarge();
                graph = graph with { Origin = new GraphOrigin(loaded.Name, set.Name, text) };
            }
            progress.Report("pruning", null);
            PrunedGraph pruned = PrunedGraph.Prune(graph, result.GetValue(nodes), result.GetValue(edges), cancellation);
            IReadOnlyList<string> written = files?.Write(pruned, result.GetValue(slug) ?? Slug(graph.Origin.Prompt), cancellation) ?? [];
            progress.Clear();
            TraceReport report = new(pruned, GraphScores.Of(graph), written);
            if (result.GetValue(json)) report.PrintJson();
            else report.Print(result.GetValue(paths));
            return 0;
        });
        return command;
    }

    private static TargetRequest ParseTarget(string text, PromptEncoder prompts)
    {
        TargetRequest target = TargetParser.Parse(text, prompts);
        return target.Minus != target.Token ? target : throw new ArgumentException($"The target \"{text}\" is the difference of a token and itself, which nothing leads to.");
    }

    /// <summary>A short name of letters, digits and hyphens.</summary>
    private static string Slug(string prompt)
    {
        string words = string.Join('-', new string([.. prompt.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : ' ')]).Split(' ', StringSplitOptions.RemoveEmptyEntries).Take(8));
        return words.Length > 0 ? words : "graph";
    }

    private sealed class PhaseReporter(ProgressDisplay display) : IProgress<AttributionProgress>
    {
        public void Report(AttributionProgress value)
        {
            if (value.Plan is { } plan) Announce(plan);
            Show(value);
        }

        /// <summary>Says what the rows will need before they are begun.</summary>
        private void Announce(AttributionPlan plan)
        {
            const double Instant = 2e10; // operations that any computer does within about a second
            if (plan.Operations < Instant && Console.IsErrorRedirected) return;
            string time = plan.Operations < Instant ? "about a second at most" : $"about {TextFormat.Duration(plan.EstimateTime())}";
            display.Clear();
            Console.Error.WriteLine($"{TextFormat.Number(plan.Features)} active features; {TextFormat.Number(plan.Rows)} rows of {TextFormat.Number(plan.Sources)} sources: {TextFormat.Bytes(plan.Bytes)}, {time}");
        }

        private void Show(AttributionProgress value) => display.Report(value.Phase switch
        {
            AttributionPhase.Forward => "running the prompt",
            AttributionPhase.Features => "finding features",
            AttributionPhase.Targets => "tracing the answer",
            _ => "tracing features",
        }, value.Phase is AttributionPhase.Forward or AttributionPhase.Targets ? null : value.Fraction);
    }
}
