using System.CommandLine;
using System.Globalization;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome vector make</c></summary>
internal static class VectorMakeCommand
{
    private static readonly Dictionary<string, PairMethod> Methods = Enum.GetValues<PairMethod>().ToDictionary(method => method.Name());

    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model(), transcoders = CommonOptions.Transcoders();
        Option<string[]> words = new("--words") { Description = "A vector for each word: its mean state less that of baseline words, in the same sentences.", HelpName = "WORD", AllowMultipleArgumentsPerToken = true };
        Option<string?> templates = new("--templates") { Description = "The sentences, one a line with {word} in it (with --personas: {persona}); those that come along without it.", HelpName = "FILE" };
        Option<string?> baseline = new("--baseline") { Description = "The baseline words, one a line; those that come along without it.", HelpName = "FILE" };
        Option<string?> pairs = new("--pairs") { Description = "A vector from pairs of texts: JSON, a list of objects with \"positive\" and \"negative\".", HelpName = "FILE" };
        Option<string[]> personas = new("--personas") { Description = "A vector from pairs of two personas, such as --personas happy sad: towards the first.", HelpName = "PERSONA", AllowMultipleArgumentsPerToken = true };
        Option<string?> endings = new("--endings") { Description = "With --personas, what follows the sentence, one a line; those that come along without it.", HelpName = "FILE" };
        Option<int?> truncations = new("--truncations") { Description = "With --personas, cut each ending after its first token, its second and so on up to N before its end, as repeng's notebooks do (there 1, or 6 for statements of facts): many more pairs.", HelpName = "N" };
        Option<string[]> texts = new("--texts") { Description = "A vector from two lists of texts, which need not be equally long: two files, what it points to and its opposite; JSON, a list of strings, or plain text, one a line. With --method mean_diff or probe.", HelpName = "FILE", AllowMultipleArgumentsPerToken = true };
        Option<string> method = new("--method") { Description = "How texts become a direction: mean_diff, pca_diff or pca_center (repeng's, for pairs), or probe (logistic regression, with held-out accuracy).", HelpName = "NAME", DefaultValueFactory = _ => "mean_diff" };
        method.AcceptOnlyFromAmong([.. Methods.Keys, "probe"]);
        Option<string[]> latents = new("--latents") { Description = "A vector from a dictionary's decoder rows: LAYER:FEATURE of transcoders or, with --dictionary, LATENT of an autoencoder; each may have *WEIGHT after it; several are summed.", HelpName = "L:F", AllowMultipleArgumentsPerToken = true };
        Option<string?> dictionary = new("--dictionary", "-d") { HelpName = "DIR", Description = "With --latents, instead of transcoders: the folder of one autoencoder." };
        Option<string?> train = new("--train") { Description = "A vector trained by gradient so that texts follow prompts: JSON, a list of objects with \"prompt\" and \"target\". Needs --layers.", HelpName = "FILE" };
        Option<double> length = new("--length") { Description = "With --train, how long each direction may become.", HelpName = "NORM", DefaultValueFactory = _ => 4 };
        Option<int> steps = new("--steps") { Description = "With --train, how many steps.", HelpName = "N", DefaultValueFactory = _ => 200 };
        Option<int[]> random = new("--random") { Description = "A random vector for each seed, as long as that of --like or 1 long: placebos.", HelpName = "SEED", AllowMultipleArgumentsPerToken = true };
        Option<string?> like = new("--like") { Description = "With --random, a vector whose lengths and layers it gets.", HelpName = "FILE" };
        Option<int> seed = new("--seed") { Description = "Which texts a probe holds out.", HelpName = "N" };
        Option<string?> layers = new("--layers") { Description = "Keep only these layers' directions: 2, 2-5 or 2,4.", HelpName = "LAYERS" };
        layers.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && SteeringRequest.ParseLayers(result.Tokens[0].Value) is null) result.AddError($"--layers '{result.Tokens[0].Value}' is not 2, 2-5, 2,4 or all.");
        });
        Option<bool> unit = new("--unit") { Description = "Make every direction 1 long." };
        Option<string> output = new("--out", "-o") { Description = "The file: safetensors, or GGUF where its name ends in .gguf. With several words or seeds: a folder.", HelpName = "FILE", Required = true };
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("make", "Make a steering vector: of words, pairs of texts, personas, a dictionary's latents, or at random.",
            "microtome vector make --words dog -o dog.safetensors",
            "microtome vector make -m Qwen/Qwen3-0.6B --words ocean music honesty -o concepts/",
            "microtome vector make --pairs happy-sad.json --method pca_diff -o happy.gguf",
            "microtome vector make --personas happy sad -o happy.safetensors",
            "microtome vector make --personas happy sad --truncations 1 --method pca_diff -o happy.gguf",
            "microtome vector make --texts true.txt false.txt --method probe -o truth.safetensors",
            "microtome vector make --train examples.json --layers 2 -o trained.safetensors",
            "microtome vector make --latents 3:300 3:7*0.5 -o sum.safetensors",
            "microtome vector make --dictionary sae --latents 120 7*-0.5 -o latent.safetensors",
            "microtome vector make --random 7 --like happy.safetensors -o placebo.safetensors",
            "microtome vector make --random 1 2 3 4 5 --like happy.safetensors -o placebos/")
        {
            model, words, templates, baseline, pairs, personas, endings, truncations, texts, method, train, length, steps, latents, transcoders, dictionary, random, like, seed, layers, unit, output, threads, json,
        };
        CommonOptions.NotNegative(length);
        CommonOptions.Positive(steps);
        CommonOptions.Positive(truncations);
        command.Validators.Add(result =>
        {
            if (result.GetResult(train) is not null && result.GetResult(layers) is null) result.AddError("--train needs the layers to train at: give them with --layers.");
            int given = new Option[] { words, pairs, personas, texts, train, latents, random }.Count(option => result.GetResult(option) is { Implicit: false });
            if (given != 1) result.AddError("Say what the vector is made of: one of --words, --pairs, --personas, --texts, --train, --latents and --random.");
            if (result.GetResult(dictionary) is not null && (result.GetResult(latents) is null || result.GetResult(transcoders) is not null)) result.AddError("--dictionary is where --latents come from, in the place of --transcoders.");
            if (result.GetResult(truncations) is not null && result.GetResult(personas) is null) result.AddError("--truncations cuts the endings of --personas.");
            if (result.GetResult(texts) is not null && result.GetValue(texts)?.Length != 2) result.AddError("--texts needs two files: texts of what the vector points to, and of its opposite.");
            if (result.GetResult(texts) is not null && result.GetValue(method) is "pca_diff" or "pca_center") result.AddError($"--method {result.GetValue(method)} takes pairs, with --pairs or --personas; with --texts there are mean_diff and probe.");
            if (result.GetResult(personas) is not null && result.GetValue(personas)?.Length != 2) result.AddError("--personas needs two: what the vector points to, and its opposite.");
        });
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            using ProgressDisplay progress = new();
            ModelSource source = new(progress.Downloads, cancellation);
            string target = result.GetValue(output)!;
            IReadOnlyList<SteeringVector> made;
            if (result.GetResult(random) is { Implicit: false }) made = await MakeRandom();
            else if (result.GetValue(latents) is { Length: > 0 } rows)
            {
                if (result.GetValue(dictionary) is { } folder)
                {
                    (int[] Place, float Weight)[] own = [.. rows.Select(row => ParseLatent(row, 1))];
                    using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder);
                    made = [LatentVectors.Make(autoencoder, folder, [.. own.Select(one => (one.Place[0], one.Weight))])];
                }
                else
                {
                    (int[] Place, float Weight)[] parsed = [.. rows.Select(row => ParseLatent(row, 2))];
                    using TranscoderSet set = await source.LoadTranscodersAsync(result.GetValue(transcoders));
                    made = [LatentVectors.Make(set, [.. parsed.Select(one => (one.Place[0], one.Place[1], one.Weight))])];
                }
            }
            else
            {
                using LoadedModel loaded = await source.LoadModelAsync(result.GetValue(model));
                made = MakeFromTexts(loaded);
            }
            progress.Clear();
            IReadOnlyList<int>? kept = result.GetValue(layers) is { } asked ? SteeringRequest.ParseLayers(asked) : null;
            for (int i = 0; i < made.Count; i++)
            {
                SteeringVector vector = kept is { Count: > 0 } ? made[i].At(kept) : made[i];
                if (result.GetValue(unit)) vector = vector.Unit();
                string path = made.Count == 1 ? target : Path.Combine(target, $"{FileName(vector.Recipe.Method == "random" ? $"random-{vector.Recipe.Seed}" : vector.Recipe.Concept)}.safetensors");
                VectorFile.Save(vector, path);
                Report(vector, path, result.GetValue(json));
            }
            return 0;

            async Task<IReadOnlyList<SteeringVector>> MakeRandom()
            {
                int[] seeds = [.. result.GetValue(random)!.Distinct()];
                if (result.GetValue(like) is { } file)
                {
                    SteeringVector other = VectorFile.Load(file);
                    return [.. seeds.Select(number => RandomVectors.Like(other, number))];
                }
                using LoadedModel loaded = await source.LoadModelAsync(result.GetValue(model));
                return [.. seeds.Select(number => RandomVectors.Make(loaded.Specification.ModelWidth, Enumerable.Range(0, loaded.Specification.Layers.Count).Select(layer => KeyValuePair.Create(layer, 1f)), number))
                    .Select(vector => vector.With(vector.Recipe with { Model = loaded.Name, Family = loaded.Specification.Family }))];
            }

            IReadOnlyList<SteeringVector> MakeFromTexts(LoadedModel loaded)
            {
                FractionReporter running = new(progress);
                if (result.GetValue(train) is { } examples)
                {
                    IReadOnlyList<int> at = SteeringRequest.ParseLayers(result.GetValue(layers)!)!;
                    VectorTraining training = new() { Layers = at.Count > 0 ? at : [.. Enumerable.Range(0, loaded.Specification.Layers.Count)], Length = (float)result.GetValue(length), Steps = result.GetValue(steps) };
                    return [TrainedVectors.Make(loaded, [.. ContrastPair.Load(examples, "prompt", "target").Select(pair => (pair.Positive, pair.Negative))], training, Path.GetFileNameWithoutExtension(examples), running, cancellation)];
                }
                if (result.GetValue(words) is { Length: > 0 } concepts)
                    return ConceptVectors.Make(loaded, concepts, ConceptTemplates.Load(result.GetValue(templates), result.GetValue(baseline)), running, cancellation);
                if (result.GetValue(texts) is [var first, var second])
                {
                    (IReadOnlyList<string> positive, IReadOnlyList<string> negative) = (TextLists.Load(first), TextLists.Load(second));
                    string names = $"{Path.GetFileNameWithoutExtension(first)}, not {Path.GetFileNameWithoutExtension(second)}";
                    return [result.GetValue(method) == "probe" ? TextLists.Probe(loaded, positive, negative, names, result.GetValue(seed), running, cancellation) : TextLists.MeanDifference(loaded, positive, negative, names, running, cancellation)];
                }
                string[]? two = result.GetValue(personas) is { Length: 2 } given ? given : null;
                IReadOnlyList<ContrastPair> contrast = two is not null ? Personas.Pairs(two[0], two[1], result.GetValue(templates), result.GetValue(endings), result.GetValue(truncations) is { } without ? (loaded.Prompts, without) : null) : ContrastPair.Load(result.GetValue(pairs)!);
                string concept = two is not null ? $"{two[0]}, not {two[1]}" : Path.GetFileNameWithoutExtension(result.GetValue(pairs)!);
                return [Methods.TryGetValue(result.GetValue(method)!, out PairMethod chosen)
                    ? PairVectors.Make(loaded, contrast, chosen, concept, running, cancellation)
                    : ProbeVectors.Make(loaded, contrast, concept, result.GetValue(seed), running, cancellation)];
            }
        });
        return command;
    }

    /// <summary>LAYER:FEATURE or LATENT, with its weight.</summary>
    private static (int[] Place, float Weight) ParseLatent(string text, int numbers)
    {
        string[] sides = text.Split('*'), parts = sides[0].Split(':');
        int[] place = new int[parts.Length];
        float weight = 1;
        return sides.Length <= 2 && parts.Length == numbers
            && parts.Select((part, i) => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out place[i])).All(read => read)
            && (sides.Length == 1 || (float.TryParse(sides[1], NumberStyles.Float, CultureInfo.InvariantCulture, out weight) && float.IsFinite(weight)))
            ? (place, weight)
            : throw new ArgumentException(numbers == 2 ? $"'{text}' is not LAYER:FEATURE or LAYER:FEATURE*WEIGHT, such as 3:300 or 3:7*0.5. (Of an autoencoder, given with --dictionary, it is LATENT.)" : $"'{text}' is not LATENT or LATENT*WEIGHT, such as 120 or 7*0.5.");
    }

    private static string FileName(string concept)
    {
        string name = new([.. concept.Select(c => Path.GetInvalidFileNameChars().Contains(c) || c is '/' or '\\' ? '-' : c)]);
        return name.Trim('.', ' ') is { Length: > 0 } usable ? usable : "vector";
    }

    private static void Report(SteeringVector vector, string path, bool json)
    {
        if (json)
        {
            JsonRecord.Print(record =>
            {
                record.WriteString("file", path);
                record.WriteString("method", vector.Recipe.Method);
                record.WriteString("concept", vector.Recipe.Concept);
                record.WriteNumbers("layers", vector.Directions.Keys);
                foreach ((string name, string note) in vector.Recipe.Notes) record.WriteString(name, note);
            });
            return;
        }
        Screen.Line($"Wrote {Screen.Escape(path)}: {Screen.Escape(vector.Recipe.Method)}{(vector.Recipe.Concept.Length > 0 ? $" of {Screen.Escape(vector.Recipe.Concept)}" : "")}, {vector.LayersText}");
        foreach ((string name, string note) in vector.Recipe.Notes) Screen.Line($"  {Screen.Escape(name)}: {Screen.Escape(note)}");
    }

    private sealed class FractionReporter(ProgressDisplay display) : IProgress<double>
    {
        public void Report(double value) => display.Report("running the texts", value);
    }
}
