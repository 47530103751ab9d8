using System.CommandLine;
using System.Globalization;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome introspect</c>: injects vectors into a model's stream and sees whether it notices.</summary>
internal static class IntrospectCommand
{
    public static Command Create()
    {
        Argument<string?> file = new("FILE") { Description = "An experiment file (YAML). --schema prints what it can say.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> builtIn = new("--builtin", "-b") { HelpName = "NAME", Description = "A built-in experiment instead of a file: " + string.Join(", ", ExperimentKind.All.Select(kind => kind.Name)) + "." };
        Option<string?> model = CommonOptions.Model(), dictionary = new("--dictionary", "-d")
        {
            HelpName = "DIR|owner/name",
            Description = "Transcoders, for the experiments that look at latents. Without it, those that come with the small model.",
        };
        Option<string?> output = new("--out", "-o") { HelpName = "DIR", Description = "Where results go; a sweep that was interrupted goes on there." };
        Option<bool> schema = new("--schema") { Description = "Print the JSON schema of experiment files." };
        Option<bool> knownTruth = new("--known-truth") { Description = "Test the experiment instead: train tiny models that introspect, that are biased and that do neither, and see what it calls them." };
        Option<int> seeds = new("--seeds") { HelpName = "N", Description = "With --known-truth: how many seeds.", DefaultValueFactory = _ => 5 };
        CommonOptions.Positive(seeds);
        Option<bool> plain = new("--no-sharing") { Description = "Run every cell from its first token and first layer on: the slow way, for comparison." };
        Option<int?> threads = CommonOptions.Threads(), seed = new("--seed") { HelpName = "N", Description = "Instead of the file's." };
        Option<string?> memory = CommonOptions.Memory();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("introspect", "Inject vectors into a model's stream and see whether it notices, with controls and intervals.",
            "microtome introspect --builtin injected-thought --out thought",
            "microtome introspect sweep.yaml --model Qwen/Qwen3-0.6B --out results",
            "microtome introspect --known-truth --out truth",
            "microtome introspect --schema > experiment.schema.json")
        {
            file, builtIn, model, dictionary, output, schema, knownTruth, seeds, plain, seed, memory, threads, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(schema)) return;
            int given = (result.GetValue(file) is null ? 0 : 1) + (result.GetValue(builtIn) is null ? 0 : 1) + (result.GetValue(knownTruth) ? 1 : 0);
            if (given != 1) result.AddError(given > 1 ? "Give an experiment file, --builtin or --known-truth, not several." : "Give an experiment file, or a built-in experiment with --builtin.");
            if (result.GetValue(builtIn) is { } name && ExperimentKind.Find(name) is null)
                result.AddError($"There is no built-in experiment '{name}'; there are {string.Join(", ", ExperimentKind.All.Select(kind => kind.Name))}.");
            if (result.GetValue(output) is null) result.AddError("--out is required: the folder for results.");
        });
        command.SetWork(async (result, cancellation) =>
        {
            if (result.GetValue(schema))
            {
                Console.Write(ExperimentSchema.Text);
                return 0;
            }
            result.UseThreads(threads);
            result.UseMemory(memory);
            if (result.GetValue(knownTruth)) return TestAgainstKnownTruth(result.GetValue(output)!, [.. Enumerable.Range(1, result.GetValue(seeds))], result.GetValue(json), cancellation);
            ExperimentSettings settings = result.GetValue(file) is { } path ? ExperimentReader.Load(path) : new ExperimentSettings { Kind = ExperimentKind.Find(result.GetValue(builtIn)!)! };
            if (result.GetValue(seed) is { } chosen) settings = settings with { Seed = chosen };
            string folder = result.GetValue(output)!;
            if (File.Exists(folder)) throw new IOException($"--out {folder} is a file; name a folder.");

            using ProgressDisplay progress = new();
            ModelSource source = new(progress.Downloads, cancellation);
            string? modelName = result.GetValue(model) ?? settings.Model, dictionaryName = result.GetValue(dictionary) ?? settings.Dictionary;
            using LoadedModel loaded = await source.LoadModelAsync(modelName);
            // The dictionary that comes with the program fits the model that does.
            using TranscoderSet? latents = dictionaryName is not null || modelName is null ? await source.LoadTranscodersAsync(dictionaryName) : null;
            ExperimentOutcome outcome = IntrospectionRun.Run(settings, loaded, latents, folder, result.GetValue(plain) ? Sharing.None : Sharing.All, progress.Report, cancellation);
            progress.Clear();
            if (result.GetValue(json)) PrintRecords(settings, outcome);
            else PrintText(settings, outcome, folder);
            return 0;
        });
        return command;
    }

    private static int TestAgainstKnownTruth(string folder, int[] seeds, bool json, CancellationToken cancellation)
    {
        using ProgressDisplay progress = new();
        IReadOnlyList<KnownTruthResult> results = KnownTruth.Run(folder, seeds, progress.Report, cancellation);
        KnownTruthReport.Write(folder, results);
        progress.Clear();
        if (json)
        {
            foreach (KnownTruthResult result in results)
                JsonRecord.Print(record =>
                {
                    record.WriteNumber("seed", result.Seed);
                    record.WriteString("model", result.Model);
                    record.WriteString("truth", result.Truth.ToString());
                    record.WriteString("called", result.Called.ToString());
                });
            return 0;
        }
        Screen.Line($"{results.Count(result => result.IsRight)} of {results.Count} models are called what they are");
        Screen.Table([">seed", "model", "is", "is called", ">separation", ">less random vectors", ">bias"], results.Select(result => new[]
        {
            $"{result.Seed}", result.Model, result.Truth.ToString(), result.Called.ToString(), Screen.Escape(result.Separation.ToString()), Screen.Escape(result.Specificity.ToString()), Screen.Escape(result.Bias.ToString()),
        }));
        Screen.Line($"\nWrote {Screen.Escape(Path.Combine(folder, "known-truth.html"))}");
        return 0;
    }

    private static void PrintRecords(ExperimentSettings settings, ExperimentOutcome outcome)
    {
        JsonRecord.Print(json =>
        {
            json.WriteString("experiment", settings.Kind.Name);
            json.WriteString("verdict", outcome.Verdict);
            json.WriteString("summary", outcome.Summary);
            json.WriteStrings("cautions", outcome.Cautions);
        });
        foreach (Finding finding in outcome.Findings) JsonRecord.Print(finding.Write);
    }

    private static void PrintText(ExperimentSettings settings, ExperimentOutcome outcome, string folder)
    {
        Screen.Line($"[bold]{Screen.Escape(settings.Title ?? settings.Kind.Title)}[/]");
        Screen.Line(Screen.Escape($"{outcome.Verdict}. {outcome.Summary}"));
        Screen.Heading("What was found");
        Screen.Table(["finding", ">estimate", ">95 % interval", ">p"], outcome.Findings.Select(finding => new[]
        {
            Screen.Escape(finding.Text),
            finding.Value is { } value && double.IsFinite(value.Estimate) ? TextFormat.Value(value.Estimate) : "",
            finding.Value is { } bounds && double.IsFinite(bounds.Low) ? $"{TextFormat.Value(bounds.Low)} to {TextFormat.Value(bounds.High)}" : "",
            finding.Probability is { } p && double.IsFinite(p) ? p.ToString(p < 0.001 ? "0.0E+0" : "0.000", CultureInfo.InvariantCulture) : "",
        }));
        foreach (string caution in outcome.Cautions) Screen.Line($"\n{Screen.Escape("! " + caution)}");
        Screen.Line($"\nWrote {Screen.Escape(Path.Combine(folder, "report.html"))}");
    }
}
