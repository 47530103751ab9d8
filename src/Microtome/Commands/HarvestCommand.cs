using System.CommandLine;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome harvest</c>: collects activations into files.</summary>
internal static class HarvestCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model();
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        Option<string> hooks = new("--hooks") { HelpName = "HOOK,…", Description = "Where: whole names such as blocks.2.hook_resid_post, or names such as hook_mlp_out for all of the layers.", DefaultValueFactory = _ => "hook_resid_post" };
        Option<string?> layers = new("--layers") { HelpName = "0-3,5", Description = "Which layers, for hooks without one; all unless given." };
        layers.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !NumberList.TryWhole(result.Tokens[0].Value, out _)) result.AddError($"--layers '{result.Tokens[0].Value}' is not a list of whole numbers such as 0-3,5.");
        });
        Option<string?> source = new("--source", "-s") { HelpName = "FILE|DIR|small-world|sampled", Description = "The texts, as in microtome index. Without it, the small world's sentences for its model, else texts that the model itself writes." };
        Option<long> tokens = new("--tokens", "-n") { HelpName = "N", Description = "How many tokens to collect.", DefaultValueFactory = _ => 1_000_000 };
        Option<int> context = new("--context") { HelpName = "N", Description = "The most tokens that are read together.", DefaultValueFactory = _ => 128 };
        Option<int> shard = new("--shard") { HelpName = "N", Description = "How many tokens of different texts are mixed with each other and written into one file.", DefaultValueFactory = _ => 65_536 };
        Option<int> seed = new("--seed") { HelpName = "N", Description = "Of the mixing, and of texts that the model writes." };
        Option<string> folder = new("--out", "-o") { HelpName = "DIR", Description = "Where to write. What is there already is checked, and work on it goes on.", Required = true };
        ExampleCommand command = new("harvest", "Collect activations at any hooks into files, mixed across texts, to train dictionaries on.",
            "microtome harvest --hooks hook_resid_post --layers 2 --tokens 500000 --out harvested",
            "microtome harvest -m Qwen/Qwen3-0.6B --source texts/ --hooks mlp.hook_in,mlp.hook_out --layers 10-13 --tokens 20000000 --out mlps")
        {
            model, hooks, layers, source, tokens, context, shard, seed, folder, threads, json,
        };
        CommonOptions.Positive(context);
        CommonOptions.Positive(shard);
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            using ProgressDisplay progress = new();
            ModelSource models = new(progress.Downloads, cancellation);
            using LoadedModel loaded = await models.LoadModelAsync(result.GetValue(model));
            IReadOnlyList<ActivationSite> sites = HookOption.Sites(result.GetValue(hooks)!, HookOption.Layers(result.GetValue(layers), null, loaded.Specification), loaded.Specification);
            int length = result.GetResult(context) is { Implicit: false } ? result.GetValue(context) : Math.Min(result.GetValue(context), loaded.Specification.ContextLength);
            ContextSource texts = TextSource.Open(result.GetValue(source), loaded, length, result.GetValue(seed));
            string target = result.GetValue(folder)!;
            long wanted = result.GetValue(tokens);
            HarvestManifest manifest = ActivationHarvest.Run(target, loaded, sites, texts, wanted, result.GetValue(shard), result.GetValue(seed),
                done => progress.Report("collecting activations", Math.Min(1, (double)done / wanted)),
                message =>
                {
                    progress.Clear();
                    Console.Error.WriteLine(message);
                }, cancellation);
            progress.Clear();
            long bytes = manifest.Shards.Sum(file => file.Bytes);
            if (result.GetValue(json))
            {
                JsonRecord.Print(record =>
                {
                    record.WriteString("folder", target);
                    record.WriteNumber("tokens", manifest.Done);
                    record.WriteNumber("files", manifest.Shards.Count);
                    record.WriteNumber("bytes", bytes);
                    record.WriteStrings("hooks", manifest.Sites.Select(site => site.Hook));
                });
                return 0;
            }
            Screen.Line($"{TextFormat.Number(manifest.Done)} tokens of {Screen.Escape(manifest.Source)}");
            Screen.Table(["hook", ">width"], manifest.Sites.Select(site => new[] { site.Hook, $"{site.Width}" }));
            Screen.Line($"Wrote {manifest.Shards.Count} files, {TextFormat.Bytes(bytes)}, and {Screen.Escape(Path.Combine(target, "manifest.json"))}");
            return 0;
        });
        return command;
    }
}
