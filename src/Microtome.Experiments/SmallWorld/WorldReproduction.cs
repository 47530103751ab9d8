using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Dictionaries.Training;
using Microtome.Models;
using Microtome.Models.SmallWorld;
using Microtome.Models.Tokenizers;
using Microtome.Models.Training;
using Microtome.Numerics;

namespace Microtome.Experiments.SmallWorld;

/// <summary>
/// Makes everything that ships of the small world from its seed: vocabulary, model, dictionaries, and what is said of them. Finished parts are skipped;
/// training goes on from its last checkpoint.
/// </summary>
public sealed class WorldReproduction
{
    private const int QuickSteps = 60, QuestionsPerTemplate = 200, QuickQuestions = 2, ExaminationSeed = 5;
    private const string DrawnCity = "Dallas";
    private static readonly Exposure[] Exposures = Enum.GetValues<Exposure>();

    private readonly WorldModel _recipe;
    private readonly WorldDictionaries _dictionaries;
    private readonly int _questions; // for each template and exposure
    private readonly ReproductionFolder _folder;
    private readonly Action<string, double?> _progress;
    private readonly CancellationToken _cancellation;

    /// <param name="quick">A model that has hardly been trained, to see that everything works.</param>
    /// <param name="progress">Told what is done and the fraction of it.</param>
    /// <exception cref="InvalidDataException">The folder holds files of another recipe.</exception>
    public WorldReproduction(string folder, bool quick, Action<string, double?> progress, CancellationToken cancellation = default)
    {
        _recipe = quick ? new WorldModel(Steps: QuickSteps) : new WorldModel();
        _questions = quick ? QuickQuestions : QuestionsPerTemplate;
        _dictionaries = new WorldDictionaries(_recipe, quick ? 20_000 : 1_000_000);
        _folder = new ReproductionFolder(folder, FormattableString.Invariant($"seed {_recipe.Seed}, {_recipe.Steps} steps"));
        _progress = progress;
        _cancellation = cancellation;
    }

    private string ModelFolder => _folder.In("small-world");

    private string TranscoderFolder => _folder.In("small-world-transcoders");

    private string ScoresFile => _folder.In("scores.jsonl");

    /// <summary>Makes what is not made yet.</summary>
    /// <returns>The parts in order, those of earlier runs included.</returns>
    public IReadOnlyList<ReproductionRecord> Run()
    {
        Make("vocabulary", [Path.Combine(ModelFolder, "tokenizer.json")], TrainTokenizer);
        Make("model", [Path.Combine(ModelFolder, "model.safetensors"), Path.Combine(ModelFolder, "config.json")], TrainModel);
        Make("scores", [ScoresFile], Examine);
        Make("transcoders", [Path.Combine(TranscoderFolder, "config.yaml")], () => Dictionaries(_dictionaries.Transcoders, TranscoderFolder, "small-world-plt"));
        Make("cross-layer transcoder", [_folder.In("small-world-clt", "config.yaml")], () => Dictionaries(_dictionaries.CrossLayer, _folder.In("small-world-clt"), "small-world-clt"));
        Make("autoencoders", [], () => Dictionaries(_dictionaries.Autoencoders, _folder.In("small-world-autoencoders"), "small-world-autoencoders"));
        Make("swapped states", [_folder.In("swaps.jsonl")], SwapStates);
        Make("picture", [_folder.In("graph.svg")], DrawGraph);
        return [.. _folder.Records.Skip(1)];
    }

    private void Make(string part, IReadOnlyList<string> files, Func<string> make)
    {
        if (_folder.Finished(part, files) is not null) return;
        _cancellation.ThrowIfCancellationRequested();
        Stopwatch watch = Stopwatch.StartNew();
        _progress(part, null);
        string result = make();
        _folder.Add(new ReproductionRecord(part, watch.Elapsed.TotalSeconds, result));
    }

    private string TrainTokenizer()
    {
        TrainedTokenizer tokenizer = _recipe.TrainTokenizer(_cancellation);
        tokenizer.Save(ModelFolder, WorldModel.Context);
        return $"{tokenizer.VocabularySize} tokens";
    }

    private string TrainModel()
    {
        Tokenizer tokenizer = Tokenizer.Load(ModelFolder);
        TrainableDecoder decoder = new(_recipe.Shape(tokenizer), _recipe.Seed);
        using LanguageTrainer trainer = _recipe.Trainer(decoder, tokenizer, _folder.In("training"));
        trainer.Resume();
        double validation = double.NaN;
        trainer.Run(record =>
        {
            validation = record.ValidationLoss ?? validation;
            _progress("model", (double)record.Step / _recipe.Steps);
        }, _cancellation);
        decoder.Save(ModelFolder, ElementType.BF16, _cancellation);
        return FormattableString.Invariant($"{decoder.Parameters.Sum(parameter => (long)parameter.Value.Length):#,0} parameters, {trainer.Step} steps, {trainer.Tokens:#,0} tokens, validation loss {validation:0.0000}");
    }

    private string Examine()
    {
        using Checkpoint checkpoint = Checkpoint.Open(ModelFolder);
        IReadOnlyList<WorldScore> scores = WorldExamination.Score(new Transformer(checkpoint), PromptEncoder.Load(ModelFolder, checkpoint.Specification),
            [.. _recipe.World.Questions(_questions, ExaminationSeed, Exposures)], new FractionReporter(_progress, "scores"), _cancellation);
        AtomicFile.Write(ScoresFile, stream =>
        {
            foreach (WorldScore score in scores)
            {
                Interval accuracy = score.Accuracy;
                JsonSerializer.Serialize(stream, new
                {
                    task = score.Task.Name,
                    hops = score.Task.Hops,
                    template = score.Task.Templates[score.Template].Text,
                    exposure = score.Exposure.ToString(),
                    right = score.Right,
                    asked = score.Asked,
                    low = Math.Round(accuracy.Low, 4),
                    high = Math.Round(accuracy.High, 4),
                });
                stream.WriteByte((byte)'\n');
            }
        });
        string Share(int hops, Exposure exposure)
        {
            WorldScore[] chosen = [.. scores.Where(score => score.Task.Hops == hops && score.Exposure == exposure)];
            return Proportion.Wilson(chosen.Sum(score => score.Right), chosen.Sum(score => score.Asked)).ToString("0.000");
        }
        return $"held out, one hop {Share(1, Exposure.HeldOut)}; two hops {Share(2, Exposure.HeldOut)}; never composed {Share(2, Exposure.NeverShown)}";
    }

    private string Dictionaries(DictionaryTrainingPlan plan, string folder, string name)
    {
        using LoadedModel model = LoadModel();
        using ActivationSource source = _dictionaries.Activations(model, plan);
        IReadOnlyList<TrainedDictionary> trained = DictionaryTraining.Run(plan, source, model.Specification, folder, name,
            stepped: step => _progress(name, (double)step / plan.Schedule.Steps), cancellation: _cancellation);
        return string.Join("; ", trained.Select(one => FormattableString.Invariant($"{one.Name}: {one.Unexplained:0.0000} unexplained, {one.Active:0.0} active a token, {one.Silent:0.0%} never active")));
    }

    private string SwapStates()
    {
        using LoadedModel model = LoadModel();
        using TranscoderSet transcoders = TranscoderReader.Open(TranscoderFolder);
        SwapOptions options = new();
        ReplacementModel replacement = new(model.Transformer, transcoders);
        StateFeatures features = StateFeatures.Find(replacement, model.Prompts, options, new FractionReporter(_progress, "states' features"), _cancellation);
        List<string> results = [];
        AtomicFile.Write(_folder.In("swaps.jsonl"), stream =>
        {
            foreach (SwapQuestion question in SwapQuestion.All)
            {
                SwapStudy study = new(replacement, model.Prompts, features, options, question);
                List<SwapOutcome> all = [];
                foreach (int seed in SwapStudy.Seeds)
                {
                    IReadOnlyList<SwapOutcome> outcomes = study.Run(study.Pairs(seed, SwapStudy.StandardPairs), seed, new FractionReporter(_progress, "swapped states"), _cancellation);
                    all.AddRange(outcomes);
                    foreach (SwapOutcome outcome in outcomes) WriteSwap(stream, question, seed, outcome, model.Prompts);
                }
                SwapSummary summary = study.Summarize(all);
                results.Add($"{question.Name} of {summary.Pairs} pairs: the other state's {summary.OtherSwapped.ToString("0.000")}, with random features {summary.OtherRandom.ToString("0.000")}, still the own with those {summary.OwnRandom.ToString("0.000")}");
            }
        });
        return string.Join("; ", results);
    }

    private static void WriteSwap(Stream stream, SwapQuestion question, int seed, SwapOutcome outcome, PromptEncoder prompts)
    {
        JsonSerializer.Serialize(stream, new
        {
            question = question.Name,
            seed,
            city = outcome.Pair.City,
            from = outcome.Pair.From.Name,
            to = outcome.Pair.To.Name,
            before = prompts.TextOf(outcome.Before),
            swapped = prompts.TextOf(outcome.Swapped),
            random = prompts.TextOf(outcome.Random),
            removed = outcome.Removed,
            added = outcome.Added,
        });
        stream.WriteByte((byte)'\n');
    }

    private string DrawGraph()
    {
        using LoadedModel model = LoadModel();
        using TranscoderSet transcoders = TranscoderReader.Open(TranscoderFolder);
        ReplacementModel replacement = new(model.Transformer, transcoders);
        StateFeatures features = StateFeatures.Find(replacement, model.Prompts, new SwapOptions(), new FractionReporter(_progress, "states' features"), _cancellation);
        State state = WorldData.States.Single(state => state.Cities.Contains(DrawnCity));
        string prompt = SwapQuestion.Capital.Prompt(DrawnCity);
        int[] tokens = model.Prompts.EncodeForTracing(prompt);
        AttributionGraph graph = Attributor.Attribute(replacement, tokens, new AttributionOptions { MaximumTargets = 1 }, model.Prompts.TextOf, cancellation: _cancellation) with { Origin = new GraphOrigin(model.Name, transcoders.Name, prompt) };
        PrunedGraph pruned = PrunedGraph.Prune(graph, 0.6, 0.9, _cancellation);
        HashSet<(int, int)> own = [.. features.Of(state, without: DrawnCity).Select(feature => (feature.Layer, feature.Feature))];
        bool IsState(FeatureNode node) => tokens[node.Position] == model.Prompts.FindToken(" " + DrawnCity) && own.Contains((node.Layer, node.Feature));
        AtomicFile.Write(_folder.In("graph.svg"), stream => stream.Write(Encoding.UTF8.GetBytes(GraphSvg.Draw(pruned, node => IsState(node) ? state.Name : null))));
        int kept = Enumerable.Range(0, graph.FirstError).Count(node => pruned.Nodes[node] && IsState(graph.Feature(node)));
        return $"{prompt} →{graph.Targets[0].Text}: {kept} of the kept features are {state.Name}'s";
    }

    private LoadedModel LoadModel()
    {
        Checkpoint checkpoint = Checkpoint.Open(ModelFolder);
        return new LoadedModel("small-world", checkpoint, new Transformer(checkpoint), PromptEncoder.Load(ModelFolder, checkpoint.Specification));
    }

    private sealed class FractionReporter(Action<string, double?> progress, string part) : IProgress<double>
    {
        public void Report(double value) => progress(part, value);
    }
}
