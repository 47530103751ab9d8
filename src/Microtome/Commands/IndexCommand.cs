using System.CommandLine;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome index</c>: what a dictionary's features are active on.</summary>
internal static class IndexCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model(), memory = CommonOptions.Memory();
        Option<string?> dictionary = new("--dictionary", "-d", "--transcoders", "-t") { HelpName = "DIR|owner/name", Description = "A set of transcoders, or a folder of one autoencoder. Without it, the transcoders that come with the small model." };
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        Option<string?> source = new("--source", "-s") { HelpName = "FILE|DIR|NAME", Description = "The texts: a .txt file (documents separated by lines <|endoftext|>), a .jsonl file (objects with a \"text\"), a folder of such, small-world, or sampled: texts that the model itself writes. Without it, small-world for its own model, else sampled." };
        Option<string> output = new("--out", "-o") { HelpName = "FILE", Description = "The index. Where it is there already, made from the same, work on it goes on.", Required = true };
        Option<string?> folder = new("--json-folder") { HelpName = "DIR", Description = "Also write the features as JSON files, features/NAME/NUMBER.json, as circuit-tracer's viewer reads them." };
        Option<long> tokens = new("--tokens", "-n") { HelpName = "N", Description = "How many tokens to read.", DefaultValueFactory = _ => 200_000 };
        Option<int> context = new("--context") { HelpName = "N", Description = "The most tokens that are read together.", DefaultValueFactory = _ => 128 };
        Option<int> examples = new("--examples") { HelpName = "N", Description = "How many of a feature's strongest contexts are kept.", DefaultValueFactory = _ => 16 };
        Option<int> samples = new("--samples") { HelpName = "N", Description = "How many contexts are sampled from each step of √2 in a feature's range.", DefaultValueFactory = _ => 4 };
        Option<int> promoted = new("--promoted") { HelpName = "N", Description = "How many promoted and suppressed tokens are kept; 0 saves the time where the vocabulary is large.", DefaultValueFactory = _ => 10 };
        Option<int> seed = new("--seed") { HelpName = "N", Description = "For texts that the model writes." };
        ExampleCommand command = new("index", "Find out what every feature of a dictionary is active on: its strongest contexts, samples of its range, the tokens it promotes.",
            "microtome index --out stories.features --tokens 500000",
            "microtome index -m Qwen/Qwen3-0.6B -t mwhanna/qwen3-0.6b-transcoders-lowl0 --source texts/ --out qwen.features --json-folder viewer/")
        {
            model, dictionary, source, output, tokens, context, examples, samples, promoted, folder, seed, memory, threads, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(model) is null != result.GetResult(dictionary) is null) result.AddError("--model and --dictionary go together: features belong to the model that their dictionary was made for.");
        });
        CommonOptions.Positive(context);
        CommonOptions.Positive(examples);
        CommonOptions.NotNegative(samples);
        CommonOptions.NotNegative(promoted);
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            result.UseMemory(memory);
            using ProgressDisplay progress = new();
            ModelSource models = new(progress.Downloads, cancellation);
            using LoadedModel loaded = await models.LoadModelAsync(result.GetValue(model));
            (JudgedDictionary judged, IDisposable files) = await DictionarySource.OpenAsync(result.GetValue(dictionary), models, loaded.Specification);
            using IDisposable open = files;
            int length = result.GetResult(context) is { Implicit: false } ? result.GetValue(context) : Math.Min(result.GetValue(context), loaded.Specification.ContextLength);
            ContextSource texts = TextSource.Open(result.GetValue(source), loaded, length, result.GetValue(seed));
            IndexOptions options = new()
            {
                Tokens = result.GetValue(tokens),
                Strongest = result.GetValue(examples),
                Samples = result.GetValue(samples),
                Promoted = result.GetValue(promoted),
            };
            string file = result.GetValue(output)!;
            FeatureIndexer.Run(loaded, judged.Features, texts, length, file, options, new Reporter(progress), cancellation);
            using FeatureIndex index = FeatureIndex.Open(file);
            long? written = result.GetValue(folder) is { } target ? FeatureFolder.Write(index, target, new FolderReporter(progress), cancellation) : null;
            progress.Clear();
            if (result.GetValue(json)) PrintJson(index, file, written);
            else Print(index, file, written, result.GetValue(folder));
            return 0;
        });
        return command;
    }

    private static void Print(FeatureIndex index, string file, long? written, string? folder)
    {
        long features = index.Description.Features.Sum(count => (long)count);
        Screen.Line($"{TextFormat.Number(index.Tokens)} tokens of {TextFormat.Number(index.Contexts)} contexts, {Screen.Escape(index.Description.Source)}");
        Screen.Line($"{TextFormat.Number(index.ActiveFeatures)} of {TextFormat.Number(features)} features were active");
        Screen.Line();
        IReadOnlyList<LayerActivity> layers = index.LayerActivity();
        Screen.Table([">layer", ">features", ">never active", ">active a token", ">on over 10 %"], layers.Select(layer => new[]
        {
            $"{layer.Layer}", TextFormat.Number(layer.Features), TextFormat.Number(layer.Features - layer.Active), TextFormat.Value(layer.PerToken), TextFormat.Number(layer.Dense),
        }));
        Screen.Line();
        Screen.Line($"Wrote {Screen.Escape(file)}, {TextFormat.Bytes(new FileInfo(file).Length)}{(written is { } count ? $", and {TextFormat.Number(count)} files in {Screen.Escape(folder!)}" : "")}");
    }

    private static void PrintJson(FeatureIndex index, string file, long? written) => JsonRecord.Print(json =>
    {
        json.WriteString("file", file);
        json.WriteString("model", index.Description.Model);
        json.WriteString("dictionary", index.Description.Dictionary);
        json.WriteString("source", index.Description.Source);
        json.WriteNumber("tokens", index.Tokens);
        json.WriteNumber("contexts", index.Contexts);
        json.WriteNumber("active_features", index.ActiveFeatures);
        if (written is { } count) json.WriteNumber("json_files", count);
        json.WriteStartArray("layers");
        foreach (LayerActivity layer in index.LayerActivity())
        {
            json.WriteStartObject();
            json.WriteNumber("layer", layer.Layer);
            json.WriteNumber("features", layer.Features);
            json.WriteNumber("active", layer.Active);
            json.WriteNumber("per_token", layer.PerToken);
            json.WriteNumber("dense", layer.Dense);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    private sealed class Reporter(ProgressDisplay display) : IProgress<IndexingProgress>
    {
        public void Report(IndexingProgress value) => display.Report(value.Phase, value.Fraction);
    }

    private sealed class FolderReporter(ProgressDisplay display) : IProgress<double>
    {
        public void Report(double value) => display.Report("writing JSON", value);
    }
}
