using System.CommandLine;
using System.Globalization;
using Microtome.Dictionaries;
using Microtome.Dictionaries.Training;
using Microtome.Models;
using Microtome.Numerics;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome train-dictionary</c>: trains sparse autoencoders and transcoders.</summary>
internal static class TrainDictionaryCommand
{
    private static readonly Dictionary<string, DictionaryKind> Kinds = new()
    {
        ["autoencoder"] = DictionaryKind.Autoencoder,
        ["transcoder"] = DictionaryKind.Transcoder,
        ["skip-transcoder"] = DictionaryKind.SkipTranscoder,
        ["cross-layer"] = DictionaryKind.CrossLayer,
        ["meta"] = DictionaryKind.Meta,
    };

    private static readonly Dictionary<string, DictionaryActivation> Activations = Enum.GetValues<DictionaryActivation>().ToDictionary(activation => activation.ToString().ToLowerInvariant());

    private static readonly Dictionary<string, ElementType> Types = new() { ["f32"] = ElementType.F32, ["f16"] = ElementType.F16, ["bf16"] = ElementType.BF16 };

    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model();
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        Option<string> kind = new("--kind") { HelpName = string.Join('|', Kinds.Keys), Description = "What to train.", DefaultValueFactory = _ => "autoencoder" };
        kind.AcceptOnlyFromAmong([.. Kinds.Keys]);
        Option<string> activation = new("--activation") { HelpName = string.Join(',', Activations.Keys), Description = "What makes latents sparse; several are trained side by side.", DefaultValueFactory = _ => "batchtopk" };
        Option<string?> hook = new("--hook") { HelpName = "HOOK", Description = "What is read: hook_resid_post, hook_mlp_out, attn.hook_z, … of the layers, or one whole name such as blocks.2.hook_resid_post. Unless given, hook_resid_post; mlp.hook_in for transcoders." };
        Option<string?> output = new("--output-hook") { HelpName = "HOOK", Description = "What a transcoder predicts. Unless given, mlp.hook_out; hook_mlp_out where a norm follows." };
        Option<string?> layers = new("--layers") { HelpName = "0-3,5", Description = "Which layers; all unless given." };
        Option<string> features = new("--features") { HelpName = "N,…", Description = "Latents of a dictionary; several sizes are trained side by side.", DefaultValueFactory = _ => "2048" };
        Option<string> k = new("--k") { HelpName = "N,…", Description = "Active latents a token, of topk, batchtopk and matryoshka.", DefaultValueFactory = _ => "16" };
        Option<string?> sparsity = new("--sparsity") { HelpName = "X,…", Description = "The penalty of relu and gated (L1, usually 1 to 10) and of jumprelu (L0, usually 0.1 to 3)." };
        Option<string?> dead = new("--dead") { HelpName = "auxiliary|resample|leave", Description = "What is done for latents that are never active. Unless given, an auxiliary loss for topk and its kin, resampling for the others." };
        dead.AcceptOnlyFromAmong("auxiliary", "resample", "leave");
        Option<long> deadAfter = new("--dead-after") { HelpName = "N", Description = "A latent is dead after this many tokens without being active.", DefaultValueFactory = _ => 200_000 };
        Option<long> tokens = new("--tokens", "-n") { HelpName = "N", Description = "How many tokens to train on.", DefaultValueFactory = _ => 2_000_000 };
        Option<int> batch = new("--batch") { HelpName = "N", Description = "Tokens of one step.", DefaultValueFactory = _ => 1024 };
        Option<double> rate = new("--learning-rate") { HelpName = "X", Description = "The highest learning rate; less for very wide dictionaries and long trainings.", DefaultValueFactory = _ => 3e-3 };
        Option<string?> source = new("--source", "-s") { HelpName = "FILE|DIR|small-world|sampled", Description = "The texts, as in microtome index, or a folder that microtome harvest filled. Without it, the small world's sentences for its model, else texts that the model itself writes." };
        Option<int> context = new("--context") { HelpName = "N", Description = "The most tokens that are read together.", DefaultValueFactory = _ => 128 };
        Option<int> buffer = new("--buffer") { HelpName = "N", Description = "How many tokens of different texts are mixed with each other.", DefaultValueFactory = _ => 32_768 };
        Option<string?> dictionary = new("--dictionary") { HelpName = "DIR", Description = "The autoencoder whose decoder a meta-autoencoder takes apart." };
        Option<string> type = new("--type") { HelpName = "f32|f16|bf16", Description = "Of the weights that are written.", DefaultValueFactory = _ => "f32" };
        type.AcceptOnlyFromAmong([.. Types.Keys]);
        Option<string?> name = new("--name") { HelpName = "NAME", Description = "What a set of transcoders is called; the folder's name unless given." };
        Option<int> seed = new("--seed") { HelpName = "N", Description = "Equal seeds give equal dictionaries." };
        Option<string> folder = new("--out", "-o") { HelpName = "DIR", Description = "Where to write. Training that was interrupted goes on from its last checkpoint there.", Required = true };
        ExampleCommand command = new("train-dictionary", "Train sparse autoencoders, transcoders and cross-layer transcoders on a model's activations.",
            "microtome train-dictionary --kind transcoder --features 1024 --k 16 --tokens 4000000 --out transcoders",
            "microtome train-dictionary --hook hook_resid_post --layers 2 --features 512,1024,2048 --k 8,16,32 --out sweep",
            "microtome train-dictionary --kind cross-layer --source small-world --features 1024 --type bf16 --out clt",
            "microtome train-dictionary -m Qwen/Qwen3-0.6B --source harvested/ --hook blocks.14.hook_resid_post --activation jumprelu --sparsity 0.3,1 --features 16384 --out saes",
            "microtome train-dictionary --kind meta --dictionary sae --features 256 --k 4 --out meta")
        {
            model, kind, activation, hook, output, layers, features, k, sparsity, dead, deadAfter, tokens, batch, rate, source, context, buffer, dictionary, type, name, seed, folder, threads, json,
        };
        CommonOptions.Positive(batch);
        CommonOptions.Positive(buffer);
        CommonOptions.Positive(context);
        Whole(layers);
        Counts(features);
        Counts(k);
        command.Validators.Add(result =>
        {
            if (result.GetValue(sparsity) is { } text && !NumberList.TryReal(text, out _)) result.AddError($"--sparsity '{text}' is not a list of numbers such as 1,2.5,5.");
            foreach (string word in result.GetValue(activation)?.Split(',') ?? [])
                if (!Activations.ContainsKey(word)) result.AddError($"--activation '{word}' is not known; known are {string.Join(", ", Activations.Keys)}.");
            if (result.GetValue(kind) == "meta" == result.GetValue(dictionary) is null) result.AddError("--kind meta needs the autoencoder that it takes apart (--dictionary), and only it does.");
        });
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            using ProgressDisplay progress = new();
            ModelSource models = new(progress.Downloads, cancellation);
            using LoadedModel loaded = await models.LoadModelAsync(result.GetValue(model));
            (HookPoint input, int? onlyLayer) = HookOption.Parse(result.GetValue(hook), loaded.Specification, Kinds[result.GetValue(kind)!]);
            DictionaryTrainingPlan plan = new()
            {
                Kind = Kinds[result.GetValue(kind)!],
                Input = input,
                Output = HookOption.Output(result.GetValue(output), loaded.Specification),
                Layers = HookOption.Layers(result.GetValue(layers), onlyLayer, loaded.Specification),
                Dictionaries = [.. Dictionaries(result)],
                Schedule = new TrainingSchedule { Tokens = result.GetValue(tokens), BatchTokens = result.GetValue(batch) },
                Type = Types[result.GetValue(type)!],
            };
            string target = result.GetValue(folder)!;
            using ActivationSource activations = Source(result, loaded, plan, progress);
            IReadOnlyList<TrainedDictionary> trained = DictionaryTraining.Run(plan, activations, loaded.Specification, target, result.GetValue(name) ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(target))),
                stepped: step => progress.Report("training", (double)step / plan.Schedule.Steps), cancellation: cancellation);
            progress.Clear();
            if (result.GetValue(json)) PrintJson(trained);
            else Print(trained, plan);
            return 0;

            IEnumerable<DictionaryOptions> Dictionaries(ParseResult options)
            {
                NumberList.TryWhole(options.GetValue(features)!, out int[] sizes);
                NumberList.TryWhole(options.GetValue(k)!, out int[] counts);
                NumberList.TryReal(options.GetValue(sparsity) ?? "0", out double[] penalties);
                foreach (DictionaryActivation rule in options.GetValue(activation)!.Split(',').Distinct().Select(word => Activations[word]))
                    foreach (int size in sizes)
                    {
                        DictionaryOptions common = new()
                        {
                            Activation = rule,
                            Latents = size,
                            Dead = options.GetValue(dead) is { } word ? Enum.Parse<DeadLatents>(word, ignoreCase: true) : null,
                            DeadAfter = options.GetValue(deadAfter),
                            LearningRate = options.GetValue(rate),
                            Seed = options.GetValue(seed),
                        };
                        if (common.HasTopK)
                            foreach (int count in counts) yield return common with { K = count };
                        else if (options.GetValue(sparsity) is null) yield return common with { Sparsity = rule == DictionaryActivation.JumpRelu ? 1 : 4 };
                        else
                            foreach (double penalty in penalties) yield return common with { Sparsity = penalty };
                    }
            }

            ActivationSource Source(ParseResult options, LoadedModel from, DictionaryTrainingPlan what, ProgressDisplay display)
            {
                int mixed = Math.Max(options.GetValue(buffer), options.GetValue(batch)), chosen = options.GetValue(seed);
                string? texts = options.GetValue(source);
                if (options.GetValue(dictionary) is { } other)
                {
                    using SparseAutoencoder autoencoder = AutoencoderReader.Open(other);
                    return new RowActivations($"the decoder of {other}", ActivationSource.NameOf(from), RowActivations.UnitRows(autoencoder), mixed, chosen);
                }
                if (texts is not null && HarvestManifest.Exists(texts)) return new HarvestedActivations(texts, from.Specification, chosen);
                int length = options.GetResult(context) is { Implicit: false } ? options.GetValue(context) : Math.Min(options.GetValue(context), from.Specification.ContextLength);
                ContextSource contexts = TextSource.Open(texts, from, length, chosen);
                return new LiveActivations(from, what.Sites(), contexts.Name, first => contexts.Read(first).Select(one => one.Tokens), mixed, chosen);
            }
        });
        return command;
    }

    private static void Whole(Option<string?> option) => option.Validators.Add(result =>
    {
        if (result.Tokens.Count > 0 && !NumberList.TryWhole(result.Tokens[0].Value, out _)) result.AddError($"{option.Name} '{result.Tokens[0].Value}' is not a list of whole numbers such as 0-3,5.");
    });

    private static void Counts(Option<string> option) => option.Validators.Add(result =>
    {
        if (result.Tokens.Count > 0 && (!NumberList.TryWhole(result.Tokens[0].Value, out int[] numbers) || numbers.Contains(0))) result.AddError($"{option.Name} '{result.Tokens[0].Value}' is not a list of whole numbers of 1 and more such as 512,1024.");
    });

    private static void Print(IReadOnlyList<TrainedDictionary> trained, DictionaryTrainingPlan plan)
    {
        Screen.Line($"{TextFormat.Number(plan.Schedule.Steps * plan.Schedule.BatchTokens)} tokens; measured on the {TextFormat.Number(trained[0].TestTokens)} that follow");
        Screen.Table(["", ">unexplained", ">active a token", ">never active", "written to"], trained.Select(one => new[]
        {
            Screen.Escape(one.Name), TextFormat.Percent(one.Unexplained), one.Active.ToString("0.0", CultureInfo.InvariantCulture), TextFormat.Percent(one.Silent), Screen.Escape(one.Folder),
        }));
    }

    private static void PrintJson(IReadOnlyList<TrainedDictionary> trained)
    {
        foreach (TrainedDictionary one in trained)
            JsonRecord.Print(json =>
            {
                json.WriteString("dictionary", one.Name);
                json.WriteString("folder", one.Folder);
                json.WriteNumber("unexplained", one.Unexplained);
                json.WriteNumber("active", one.Active);
                json.WriteNumber("never_active", one.Silent);
                json.WriteNumber("test_tokens", one.TestTokens);
            });
    }
}
