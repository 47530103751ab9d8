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
        Option<bool> plain = new("--no-sharing") { Description = "Run every cell from its first token and first layer on: the slow way, for comparison." };
        Option<int?> threads = CommonOptions.Threads(), seed = new("--seed") { HelpName = "N", Description = "Instead of the file's." };
        Option<string?> memory = CommonOptions.Memory();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("introspect", "Inject vectors into a model's stream and see whether it notices, with controls and intervals.",
            "microtome introspect --builtin injected-thought --out thought",
            "microtome introspect sweep.yaml --model Qwen/Qwen3-0.6B --out results",
            "microtome introspect --schema > experiment.schema.json")
        {
            file, builtIn, model, dictionary, output, schema, plain, seed, memory, threads, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(schema)) return;
            bool hasFile = result.GetValue(file) is not null, hasName = result.GetValue(builtIn) is not null;
            if (hasFile == hasName) result.AddError(hasFile ? "Give an experiment file or --builtin, not both." : "Give an experiment file, or a built-in experiment with --builtin.");
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
