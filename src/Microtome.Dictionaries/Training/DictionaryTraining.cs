using System.Globalization;
using System.Text.Json;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>Dictionaries to train together: each of some options, at each of some layers.</summary>
public sealed record DictionaryTrainingPlan
{
    public required DictionaryKind Kind { get; init; }

    /// <summary>What is read; of an autoencoder also what is predicted.</summary>
    public required HookPoint Input { get; init; }

    /// <summary>What a transcoder predicts.</summary>
    public HookPoint? Output { get; init; }

    public required IReadOnlyList<int> Layers { get; init; }

    /// <summary>One for each size and sparsity; their kind is the plan's.</summary>
    public required IReadOnlyList<DictionaryOptions> Dictionaries { get; init; }

    public required TrainingSchedule Schedule { get; init; }

    /// <summary>Of the weights that are written: F32, F16 or BF16.</summary>
    public ElementType Type { get; init; } = ElementType.F32;

    public bool IsTranscoder => Kind is DictionaryKind.Transcoder or DictionaryKind.SkipTranscoder or DictionaryKind.CrossLayer;

    /// <summary>The activations that training needs, in a fixed order.</summary>
    public IReadOnlyList<ActivationSite> Sites() => Output is { } output && IsTranscoder
        ? [.. Layers.Select(layer => new ActivationSite(Input, layer)), .. Layers.Select(layer => new ActivationSite(output, layer))]
        : [.. Layers.Select(layer => new ActivationSite(Input, Input.IsInLayer() ? layer : 0)).Distinct()];
}

/// <summary>A dictionary, or a set of transcoders, that was trained and written.</summary>
/// <param name="Unexplained">The share of variance that it leaves unexplained on the tokens that follow those it was trained on: new ones, unless the source is so small that it has begun again.</param>
/// <param name="Active">Active latents a token there, of each layer.</param>
/// <param name="Silent">The share of latents that were not active there at all.</param>
public sealed record TrainedDictionary(string Name, string Folder, double Unexplained, double Active, double Silent, int TestTokens);

/// <summary>Trains dictionaries on one stream of activations and writes them.</summary>
public static class DictionaryTraining
{
    private const int TestTokens = 16_384;

    /// <summary>Trains, or goes on from the last checkpoint in the folder.</summary>
    /// <param name="name">What a set of transcoders is called.</param>
    /// <exception cref="ArgumentException">The plan does not fit the model; the message says how.</exception>
    /// <exception cref="DictionaryDivergedException">A loss is not finite any more.</exception>
    public static IReadOnlyList<TrainedDictionary> Run(DictionaryTrainingPlan plan, ActivationSource source, ModelSpecification model, string folder, string name,
        Action<IReadOnlyList<DictionaryProgress>>? report = null, Action<long>? stepped = null, CancellationToken cancellation = default)
    {
        List<PlannedDictionary> planned = Plan(plan, source, model, folder);
        Directory.CreateDirectory(folder);
        string settings = Describe(plan, source);
        DictionaryCheckpoint checkpoint = new(Path.Combine(folder, "checkpoints"), settings);
        TrainingCurve curve = new(Path.Combine(folder, "curve.jsonl"), resumes: checkpoint.Last() is not null);
        DictionaryTrainer trainer = new(source, [.. planned.Select(one => one.Trainee)], plan.Schedule, checkpoint)
        {
            Report = progress =>
            {
                curve.Add(progress);
                report?.Invoke(progress);
            },
            Stepped = stepped,
        };
        long next = trainer.Run(cancellation);
        ActivationChunk test = source.Read(next, cancellation);
        List<TrainedDictionary> trained = [];
        foreach (IGrouping<string, PlannedDictionary> group in planned.GroupBy(one => one.Folder))
            trained.Add(Write(plan, [.. group], source.ModelName, name, test, cancellation));
        WriteSummary(Path.Combine(folder, "training.json"), plan, source, settings, trained);
        checkpoint.Clear();
        return trained;
    }

    private sealed record PlannedDictionary(Trainee Trainee, string Folder, DictionaryOptions Options, int Layer, bool IsSet);

    private static List<PlannedDictionary> Plan(DictionaryTrainingPlan plan, ActivationSource source, ModelSpecification model, string folder)
    {
        if (plan.Dictionaries.Count == 0 || plan.Layers.Count == 0) throw new ArgumentException("There is no dictionary to train.");
        bool all = plan.Layers.Order().SequenceEqual(Enumerable.Range(0, model.Layers.Count));
        if (plan.Kind == DictionaryKind.CrossLayer && !all) throw new ArgumentException($"A cross-layer transcoder needs all of the model's layers, 0 to {model.Layers.Count - 1}.");
        if (plan.IsTranscoder && plan.Output is null) throw new ArgumentException("A transcoder needs a hook that it predicts.");
        int meta = source is RowActivations ? source.Read(0).Sites[0].Columns : 0;
        int[] layers = [.. plan.Layers.Order()];
        List<PlannedDictionary> planned = [];
        foreach (DictionaryOptions given in plan.Dictionaries)
        {
            DictionaryOptions options = given with { Kind = plan.Kind };
            string label = Label(options, plan.Dictionaries);
            string own = label.Length == 0 ? folder : Path.Combine(folder, label);
            if (plan.Kind == DictionaryKind.CrossLayer)
            {
                int[] inputs = [.. layers.Select(layer => Site(source, new ActivationSite(plan.Input, layer)))], outputs = [.. layers.Select(layer => Site(source, new ActivationSite(plan.Output!.Value, layer)))];
                planned.Add(new PlannedDictionary(new Trainee(new TrainableDictionary(Named("cross-layer", label), options, [.. layers.Select(_ => Width(plan.Input))], [.. layers.Select(_ => Width(plan.Output!.Value))]), inputs, outputs), own, options, 0, IsSet: true));
                continue;
            }
            foreach (int layer in plan.Input.IsInLayer() && plan.Kind != DictionaryKind.Meta ? layers : layers[..1])
            {
                ActivationSite reads = new(plan.Input, plan.Input.IsInLayer() ? layer : 0), writes = plan.IsTranscoder ? new(plan.Output!.Value, layer) : reads;
                int input = plan.Kind == DictionaryKind.Meta ? 0 : Site(source, reads), output = plan.Kind == DictionaryKind.Meta ? 0 : Site(source, writes);
                DictionaryOptions seeded = options with { Seed = TrainableDictionary.HashCode(options.Seed, 1000 + layer) };
                TrainableDictionary dictionary = new(Named(plan.Kind == DictionaryKind.Meta ? "meta" : reads.Name, label), seeded,
                    [plan.Kind == DictionaryKind.Meta ? meta : Width(plan.Input)], [plan.Kind == DictionaryKind.Meta ? meta : Width(plan.IsTranscoder ? plan.Output!.Value : plan.Input)]);
                string place = (plan.IsTranscoder && all) || layers.Length == 1 || !plan.Input.IsInLayer() || plan.Kind == DictionaryKind.Meta ? own : Path.Combine(own, reads.Name);
                planned.Add(new PlannedDictionary(new Trainee(dictionary, [input], [output]), place, options, layer, plan.IsTranscoder && all));
            }
        }
        if (plan.IsTranscoder && !all && planned.FirstOrDefault(one => one.Options.Activation == DictionaryActivation.TopK) is not null)
            throw new ArgumentException("TopK transcoders are written for all layers only, as circuit-tracer's; for some layers use --activation batchtopk, which becomes JumpReLU.");
        return planned;

        int Width(HookPoint point) => model.WidthAt(point) ?? throw new ArgumentException($"'{point.Name()}' has a value for every pair of tokens; a dictionary needs a row for each token.");

        static string Named(string what, string label) => label.Length == 0 ? what : $"{what}, {label}";
    }

    private static int Site(ActivationSource source, ActivationSite site)
    {
        for (int i = 0; i < source.Sites.Count; i++)
            if (source.Sites[i] == site) return i;
        throw new ArgumentException($"The activations have no '{site.Name}'; they have {string.Join(", ", source.Sites.Select(there => there.Name))}.");
    }

    /// <summary>What tells a dictionary's options from the others'; nothing when there are no others.</summary>
    private static string Label(DictionaryOptions options, IReadOnlyList<DictionaryOptions> all)
    {
        if (all.Count == 1) return "";
        string sparsity = options.HasTopK ? $"k{options.K}" : string.Create(CultureInfo.InvariantCulture, $"s{options.Sparsity:g6}");
        return string.Create(CultureInfo.InvariantCulture, $"{options.Activation.ToString().ToLowerInvariant()}-{options.Latents}-{sparsity}");
    }

    private static TrainedDictionary Write(DictionaryTrainingPlan plan, IReadOnlyList<PlannedDictionary> group, string? modelName, string name, ActivationChunk test, CancellationToken cancellation)
    {
        PlannedDictionary first = group[0];
        if (first.IsSet)
        {
            TranscoderSet set = DictionaryExport.Transcoders([.. group.OrderBy(one => one.Layer).Select(one => one.Trainee.Dictionary)], name, modelName, plan.Input, plan.Output!.Value);
            TranscoderWriter.Write(first.Folder, set, plan.Type, cancellation);
            (double unexplained, double active, double silent, int tokens) = DictionaryCheck.Of(set, [.. group.SelectMany(one => one.Trainee.Inputs)], [.. group.SelectMany(one => one.Trainee.Outputs)], test, TestTokens);
            return new TrainedDictionary(Path.GetFileName(first.Folder), first.Folder, unexplained, active, silent, tokens);
        }
        string? reads = plan.Kind == DictionaryKind.Meta ? null : plan.Input.FullName(first.Layer), writes = plan.IsTranscoder ? plan.Output!.Value.FullName(first.Layer) : null;
        SparseAutoencoder autoencoder = DictionaryExport.Autoencoder(first.Trainee.Dictionary, modelName, reads, writes);
        AutoencoderWriter.Write(first.Folder, autoencoder, plan.Type, json =>
        {
            json.WriteNumber("training_tokens", plan.Schedule.Steps * plan.Schedule.BatchTokens);
            json.WriteString("trained_with", "microtome");
        }, cancellation);
        (double left, double on, double never, int count) = DictionaryCheck.Of(autoencoder, test.Sites[first.Trainee.Inputs[0]].AsMatrix(), test.Sites[first.Trainee.Outputs[0]].AsMatrix(), TestTokens);
        return new TrainedDictionary(first.Trainee.Dictionary.Name, first.Folder, left, on, never, count);
    }

    /// <summary>All that the result depends on, in one line.</summary>
    private static string Describe(DictionaryTrainingPlan plan, ActivationSource source) => string.Create(CultureInfo.InvariantCulture,
        $"{plan.Kind} of {source.ModelName}: {plan.Input.Name()}{(plan.Output is { } output ? $" to {output.Name()}" : "")}, layers {string.Join(" ", plan.Layers)}; from {source.Name}; {plan.Schedule.Steps} steps of {plan.Schedule.BatchTokens} tokens; ")
        + string.Join(" | ", plan.Dictionaries.Select(options => string.Create(CultureInfo.InvariantCulture,
            $"{options.Activation} {options.Latents} {(options.HasTopK ? $"k {options.K}" : $"sparsity {options.Sparsity}")}, dead {options.DeadOrUsual} after {options.DeadAfter}, seed {options.Seed}")));

    private static void WriteSummary(string path, DictionaryTrainingPlan plan, ActivationSource source, string settings, IReadOnlyList<TrainedDictionary> trained) => AtomicFile.Write(path, stream =>
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("settings", settings);
        json.WriteString("model", source.ModelName);
        json.WriteString("source", source.Name);
        json.WriteNumber("tokens", plan.Schedule.Steps * plan.Schedule.BatchTokens);
        json.WriteNumber("learning_rate", plan.Dictionaries[0].LearningRate);
        json.WriteStartArray("dictionaries");
        foreach (TrainedDictionary one in trained)
        {
            json.WriteStartObject();
            json.WriteString("name", one.Name);
            json.WriteString("folder", Path.GetRelativePath(Path.GetDirectoryName(Path.GetFullPath(path))!, Path.GetFullPath(one.Folder)));
            json.WriteNumber("unexplained", Math.Round(one.Unexplained, 6));
            json.WriteNumber("active", Math.Round(one.Active, 4));
            json.WriteNumber("silent", Math.Round(one.Silent, 6));
            json.WriteNumber("test_tokens", one.TestTokens);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });
}
