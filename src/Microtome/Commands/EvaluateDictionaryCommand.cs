using System.CommandLine;
using System.Text;
using System.Text.Json;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Models.SmallWorld;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome evaluate-dictionary</c>: how well dictionaries stand in for what they reconstruct.</summary>
internal static class EvaluateDictionaryCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model(), memory = CommonOptions.Memory();
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        Option<string[]> dictionaries = new("--dictionary", "-d", "--transcoders", "-t") { HelpName = "DIR|owner/name", Description = "A set of transcoders, or a folder of one autoencoder. May be given again, to compare. Without it, the transcoders that come with the small model." };
        Option<string?> source = new("--source", "-s") { HelpName = "FILE|DIR|NAME", Description = "The texts: a .txt file (documents separated by lines <|endoftext|>), a .jsonl file (objects with a \"text\"), a folder of such, small-world, or sampled: texts that the model itself writes. Without it, small-world for its own model, else sampled." };
        Option<long> tokens = new("--tokens", "-n") { HelpName = "N", Description = "How many tokens to measure.", DefaultValueFactory = _ => 20_000 };
        Option<int> context = new("--context") { HelpName = "N", Description = "The most tokens that are read together.", DefaultValueFactory = _ => 128 };
        Option<bool> together = new("--together-only") { Description = "Put in all sites' reconstructions at once only, not each alone too: a fraction of the time for models of many layers." };
        Option<string[]> prompts = new("--prompt", "-p") { HelpName = "TEXT", Description = "Also score the attribution graph of this prompt. May be given again." };
        Option<bool> facts = new("--facts") { Description = "For models of the small world: also look for a latent of each fact that there is to know." };
        Option<string?> report = new("--report") { HelpName = "FILE", Description = "Write a page with tables and plots: one HTML file that needs nothing else." };
        Option<string?> output = new("--out", "-o") { HelpName = "FILE", Description = "Write the records that --json prints." };
        Option<int> seed = new("--seed") { HelpName = "N", Description = "For texts that the model writes, and for intervals." };
        ExampleCommand command = new("evaluate-dictionary", "Judge dictionaries: variance unexplained, sparsity, the loss with reconstructions put in, dead latents, shrinkage.",
            "microtome evaluate-dictionary --report transcoders.html",
            "microtome evaluate-dictionary -m Qwen/Qwen3-0.6B -t mwhanna/qwen3-0.6b-transcoders-lowl0 --source texts/ --together-only",
            "microtome evaluate-dictionary -m models/small-world -d saes/1k -d saes/4k -d saes/16k --facts --report sweep.html --out sweep.jsonl")
        {
            model, dictionaries, source, tokens, context, together, prompts, facts, report, output, seed, memory, threads, json,
        };
        CommonOptions.Positive(context);
        command.Validators.Add(result =>
        {
            if (result.GetResult(model) is not null && result.GetResult(dictionaries) is not { Implicit: false }) result.AddError("--model needs dictionaries that were made for it: give them with --dictionary.");
            if (result.GetResult(dictionaries) is { Implicit: false } && result.GetResult(model) is null) result.AddError("--dictionary needs the model that it was made for: give it with --model.");
        });
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            result.UseMemory(memory);
            using ProgressDisplay progress = new();
            ModelSource models = new(progress.Downloads, cancellation);
            using LoadedModel loaded = await models.LoadModelAsync(result.GetValue(model));
            List<IDisposable> files = [];
            try
            {
                List<JudgedDictionary> judged = [];
                foreach (string? name in result.GetValue(dictionaries) is { Length: > 0 } names ? names : new string?[] { null })
                {
                    (JudgedDictionary dictionary, IDisposable file) = await DictionarySource.OpenAsync(name, models, loaded.Specification);
                    files.Add(file);
                    judged.Add(dictionary);
                }
                int length = result.GetResult(context) is { Implicit: false } ? result.GetValue(context) : Math.Min(result.GetValue(context), loaded.Specification.ContextLength);
                ContextSource texts = TextSource.Open(result.GetValue(source), loaded, length, result.GetValue(seed));
                StudyOptions options = new()
                {
                    Evaluation = new EvaluationOptions { Tokens = result.GetValue(tokens), EachSite = !result.GetValue(together) },
                    Prompts = result.GetValue(prompts) ?? [],
                    Facts = result.GetValue(facts) ? WorldFacts.Of(new World(), loaded.Prompts) : [],
                    Seed = result.GetValue(seed),
                };
                DictionaryStudy study = DictionaryStudy.Run(loaded, judged, texts, options, new Reporter(progress), cancellation);
                progress.Clear();
                byte[] records = Records(study);
                if (result.GetValue(output) is { } path) AtomicFile.Write(path, stream => stream.Write(records));
                if (result.GetValue(report) is { } page) DictionaryReport.Of(study).Write(page);
                if (result.GetValue(json))
                {
                    using Stream standard = Console.OpenStandardOutput();
                    standard.Write(records);
                }
                else Print(study, [.. new[] { result.GetValue(report), result.GetValue(output) }.OfType<string>()]);
                return 0;
            }
            finally
            {
                foreach (IDisposable file in files) file.Dispose();
            }
        });
        return command;
    }

    private static void Print(DictionaryStudy study, IReadOnlyList<string> written)
    {
        DictionaryScores first = study.Dictionaries[0].Scores;
        Screen.Line($"{TextFormat.Number(first.Tokens)} tokens of {TextFormat.Number(first.Documents)} documents, {Screen.Escape(study.Source)}");
        Screen.Line($"{Screen.Escape(study.Model)} alone: {Bracketed(first.OwnLoss)} nats a token");
        foreach (DictionaryResult dictionary in study.Dictionaries) PrintOne(dictionary);
        if (study.Splitting.Count > 0)
        {
            Screen.Heading("Across widths");
            Screen.Table(["narrower", "wider", ">median cosine", ">lost", ">kept", ">split"], study.Splitting.Select(pair => new[]
            {
                Screen.Escape(pair.Narrow), Screen.Escape(pair.Wide), TextFormat.Value(pair.MedianCosine), TextFormat.Percent(pair.Lost), TextFormat.Percent(1 - pair.Lost - pair.Split), TextFormat.Percent(pair.Split),
            }));
        }
        if (written.Count == 0) return;
        Screen.Line();
        Screen.Line($"Wrote {Screen.Escape(string.Join(" and ", written))}");
    }

    private static void PrintOne(DictionaryResult dictionary)
    {
        DictionaryScores scores = dictionary.Scores;
        Screen.Heading($"{scores.Name}, {scores.Kind}, {TextFormat.Number(scores.Latents)} latents, {scores.Activation}");
        Screen.Table(["", ""], new (string, string)[]
        {
            ("variance unexplained", Bracketed(scores.Unexplained)),
            ("active latents a token", Bracketed(scores.L0, "0.0")),
            ("loss added", Bracketed(scores.All.Added)),
            ("recovered, against zeros", Bracketed(scores.All.RecoveredFromZero, "0.0%")),
            ("recovered, against means", Bracketed(scores.All.RecoveredFromMean, "0.0%")),
            ("divergence (KL)", Bracketed(scores.All.Divergence)),
            ("never active", $"{TextFormat.Number(scores.Dead)} ({TextFormat.Percent((double)scores.Dead / Math.Max(1, scores.Latents))})"),
            ("active at over 10 %", $"{TextFormat.Number(scores.Dense)} ({TextFormat.Percent((double)scores.Dense / Math.Max(1, scores.Latents))})"),
        }.Select(row => new[] { row.Item1, row.Item2 }));
        if (dictionary.Facts is { } facts)
            Screen.Table(["", ""], [["facts with a latent", $"{Bracketed(facts.Found, "0.0%")} of {TextFormat.Number(facts.Facts.Count)}; by chance {Bracketed(facts.FoundByChance, "0.0%")}"]]);
        Screen.Line();
        bool alone = scores.Sites.Any(site => site.Spliced is not null);
        Screen.Table(["site", ">L0", ">unexplained", ">norm ratio", ">best scale", ">never active", .. alone ? [">loss added", ">recovered"] : Array.Empty<string>()], scores.Sites.Select(site => new[]
        {
            site.Site, TextFormat.Value(site.L0.Estimate), TextFormat.Value(site.Unexplained.Estimate), TextFormat.Value(site.NormRatio.Estimate), TextFormat.Value(site.Scale.Estimate), TextFormat.Number(site.Dead),
        }.Concat(site.Spliced is { } s ? [TextFormat.Value(s.Added.Estimate), TextFormat.Percent(s.RecoveredFromZero.Estimate)] : []).ToArray()));
        if (dictionary.Graphs.Count == 0) return;
        Screen.Line();
        Screen.Table([">replacement", ">completeness", "prompt"], dictionary.Graphs.Select(graph => new[] { TextFormat.Value(graph.Replacement), TextFormat.Value(graph.Completeness), Screen.Escape(graph.Prompt) }));
    }

    private static string Bracketed(Interval interval, string format = "0.000") => Screen.Escape(interval.ToString(format));

    /// <summary>One record for each dictionary, one for each pair of widths.</summary>
    private static byte[] Records(DictionaryStudy study)
    {
        using MemoryStream lines = new();
        foreach (DictionaryResult dictionary in study.Dictionaries) Line(json => DictionaryRecord.Write(json, study, dictionary));
        foreach (SplittingScores pair in study.Splitting) Line(json => DictionaryRecord.Write(json, pair));
        return lines.ToArray();

        void Line(Action<Utf8JsonWriter> write)
        {
            using (Utf8JsonWriter json = new(lines))
            {
                json.WriteStartObject();
                write(json);
                json.WriteEndObject();
            }
            lines.Write(Encoding.UTF8.GetBytes("\n"));
        }
    }

    private sealed class Reporter(ProgressDisplay display) : IProgress<StudyProgress>
    {
        public void Report(StudyProgress value) => display.Report(value.Phase, value.Fraction);
    }
}
