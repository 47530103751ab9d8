using Microtome.Dictionaries.Training;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

public sealed class DictionaryTrainingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(DictionaryActivation.TopK, 0.15)]
    [InlineData(DictionaryActivation.BatchTopK, 0.15)]
    [InlineData(DictionaryActivation.Matryoshka, 0.3)]
    [InlineData(DictionaryActivation.Relu, 0.5)]
    [InlineData(DictionaryActivation.Gated, 0.5)]
    [InlineData(DictionaryActivation.JumpRelu, 0.3)]
    public void An_autoencoder_explains_sums_of_few_directions(DictionaryActivation activation, double unexplained)
    {
        using PlantedActivations source = new();
        TrainedDictionary trained = Train(source, DictionaryKind.Autoencoder, Options(activation), 100_000).Single();

        trained.Unexplained.ShouldBeLessThan(unexplained);
        trained.Active.ShouldBeInRange(0.5, 6);
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(trained.Folder);
        autoencoder.Settings.HookName.ShouldBe("blocks.0.mlp.hook_in");
        autoencoder.Settings.ModelName.ShouldBe("tiny");
        (double left, double active, _, _) = DictionaryCheck.Of(autoencoder, source.Read(900).Sites[0].AsMatrix(), source.Read(900).Sites[0].AsMatrix(), 2048);
        left.ShouldBe(trained.Unexplained, 0.05);
        active.ShouldBe(trained.Active, 0.5);
    }

    [Theory]
    [InlineData(DictionaryKind.Transcoder, DictionaryActivation.BatchTopK)]
    [InlineData(DictionaryKind.Transcoder, DictionaryActivation.Gated)]
    [InlineData(DictionaryKind.SkipTranscoder, DictionaryActivation.TopK)]
    [InlineData(DictionaryKind.CrossLayer, DictionaryActivation.BatchTopK)]
    public void Transcoders_predict_what_is_written_and_are_a_set_for_all_layers(DictionaryKind kind, DictionaryActivation activation)
    {
        using PlantedActivations source = new(layers: 2);
        TrainedDictionary trained = Train(source, kind, Options(activation), 100_000).Single();

        trained.Unexplained.ShouldBeLessThan(0.35);
        using TranscoderSet set = TranscoderReader.Open(_folder.Path);
        set.Layers.Count.ShouldBe(2);
        set.IsCrossLayer.ShouldBe(kind == DictionaryKind.CrossLayer);
        set.HasSkip.ShouldBe(kind == DictionaryKind.SkipTranscoder);
        set.ModelName.ShouldBe("tiny");
        (set.Input, set.Output).ShouldBe((HookPoint.MlpIn, HookPoint.MlpRawOut));
        (double left, _, _, _) = DictionaryCheck.Of(set, [0, 1], [2, 3], source.Read(900), 2048);
        left.ShouldBe(trained.Unexplained, 0.05);
    }

    [Fact]
    public void A_transcoder_of_some_layers_is_written_as_SAELens_does()
    {
        using PlantedActivations source = new(layers: 2);
        DictionaryTrainingPlan plan = Plan(DictionaryKind.SkipTranscoder, [Options(DictionaryActivation.BatchTopK)], 20_000, 2) with { Layers = [1] };
        TrainedDictionary trained = DictionaryTraining.Run(plan, source, source.Model, _folder.Path, "test").Single();
        using SparseAutoencoder transcoder = AutoencoderReader.Open(trained.Folder);
        transcoder.Settings.Architecture.ShouldBe("jumprelu_skip_transcoder");
        transcoder.Settings.OutputHookName.ShouldBe("blocks.1.mlp.hook_out");
    }

    [Fact]
    public void The_exported_dictionary_computes_what_the_trained_one_does()
    {
        using PlantedActivations source = new();
        ActivationChunk chunk = source.Read(0);
        foreach (DictionaryActivation activation in Enum.GetValues<DictionaryActivation>())
            foreach (DictionaryKind kind in new[] { DictionaryKind.Autoencoder, DictionaryKind.Transcoder, DictionaryKind.SkipTranscoder })
            {
                TrainableDictionary dictionary = new("test", Options(activation) with { Kind = kind }, [PlantedActivations.Width], [PlantedActivations.Width]);
                Matrix[] inputs = [chunk.Sites[0].AsMatrix()], outputs = [chunk.Sites[kind == DictionaryKind.Autoencoder ? 0 : 1].AsMatrix()];
                dictionary.Start(inputs, outputs);
                for (int step = 1; step <= 5; step++)
                {
                    dictionary.AddGradients(inputs, outputs);
                    dictionary.Step(1e-2, step);
                }
                dictionary.Calibrate(inputs, inputs[0].Rows);
                DictionaryStep there = dictionary.AddGradients(inputs, outputs);
                using SparseAutoencoder exported = DictionaryExport.Autoencoder(dictionary, "tiny", "blocks.0.mlp.hook_in", "blocks.0.mlp.hook_out");
                (double unexplained, double active, _, _) = DictionaryCheck.Of(exported, inputs[0], outputs[0], inputs[0].Rows);
                unexplained.ShouldBe(there.SquaredError / there.Variance, 1e-3, $"{activation} {kind}");
                active.ShouldBe(there.Active, 0.01, $"{activation} {kind}");
            }
    }

    [Fact]
    public void Training_that_goes_on_from_a_checkpoint_gives_the_same_bits()
    {
        DictionaryOptions[] dictionaries = [Options(DictionaryActivation.BatchTopK) with { DeadAfter = 5000 }, Options(DictionaryActivation.JumpRelu) with { DeadAfter = 5000 }];
        using TemporaryFolder whole = new();
        using PlantedActivations source = new();
        DictionaryTraining.Run(Plan(DictionaryKind.Autoencoder, dictionaries, 60_000), source, source.Model, whole.Path, "test");

        using CancellationTokenSource stop = new();
        Should.Throw<OperationCanceledException>(() => DictionaryTraining.Run(Plan(DictionaryKind.Autoencoder, dictionaries, 60_000), source, source.Model, _folder.Path, "test", stepped: step =>
        {
            if (step == 137) stop.Cancel();
        }, cancellation: stop.Token));
        Directory.EnumerateFiles(_folder["checkpoints"]).Count().ShouldBe(2);
        int threads = WorkerPool.Threads;
        WorkerPool.Threads = 1;
        DictionaryTraining.Run(Plan(DictionaryKind.Autoencoder, dictionaries, 60_000), source, source.Model, _folder.Path, "test");
        WorkerPool.Threads = threads;

        foreach (string weights in Directory.EnumerateFiles(whole.Path, "sae_weights.safetensors", SearchOption.AllDirectories))
            File.ReadAllBytes(Path.Combine(_folder.Path, Path.GetRelativePath(whole.Path, weights))).ShouldBe(File.ReadAllBytes(weights), weights);
        Directory.EnumerateFiles(whole.Path, "sae_weights.safetensors", SearchOption.AllDirectories).Count().ShouldBe(2);
        Directory.Exists(_folder["checkpoints"]).ShouldBeFalse();
    }

    [Fact]
    public void A_checkpoint_of_other_options_or_with_damage_is_refused()
    {
        using PlantedActivations source = new();
        using CancellationTokenSource stop = new();
        Action<long> stopAt40 = step =>
        {
            if (step == 40) stop.Cancel();
        };
        DictionaryTrainingPlan plan = Plan(DictionaryKind.Autoencoder, [Options(DictionaryActivation.TopK)], 30_000);
        Should.Throw<OperationCanceledException>(() => DictionaryTraining.Run(plan, source, source.Model, _folder.Path, "test", stepped: stopAt40, cancellation: stop.Token));

        DictionaryTrainingPlan other = plan with { Dictionaries = [Options(DictionaryActivation.TopK) with { K = 3 }] };
        Should.Throw<InvalidDataException>(() => DictionaryTraining.Run(other, source, source.Model, _folder.Path, "test")).Message.ShouldContain("was written with other options");

        string last = Directory.EnumerateFiles(_folder["checkpoints"]).Order().Last();
        byte[] bytes = File.ReadAllBytes(last);
        bytes[^5] ^= 0x41;
        File.WriteAllBytes(last, bytes);
        string message = Should.Throw<InvalidDataException>(() => DictionaryTraining.Run(plan, source, source.Model, _folder.Path, "test")).Message;
        message.ShouldContain(last);
        message.ShouldContain("is corrupted: its contents are not what was written. Remove it to go on from the one before it.");
        File.Delete(last);
        DictionaryTraining.Run(plan, source, source.Model, _folder.Path, "test").Count.ShouldBe(1);
    }

    [Fact]
    public void A_diverging_run_names_the_step_and_the_last_good_checkpoint()
    {
        using PlantedActivations source = new();
        DictionaryTrainingPlan plan = Plan(DictionaryKind.Autoencoder, [Options(DictionaryActivation.Relu) with { LearningRate = 1e12 }], 30_000);
        DictionaryDivergedException failure = Should.Throw<DictionaryDivergedException>(() => DictionaryTraining.Run(plan, source, source.Model, _folder.Path, "test"));
        failure.Step.ShouldBeGreaterThan(1);
        failure.Message.ShouldContain($"diverged at step {failure.Step}");
        failure.Message.ShouldContain(failure.LastCheckpoint is null ? "No checkpoint was written before" : failure.LastCheckpoint);
    }

    [Fact]
    public void Sizes_and_sparsities_are_trained_side_by_side()
    {
        using PlantedActivations source = new();
        IReadOnlyList<TrainedDictionary> trained = Train(source, DictionaryKind.Autoencoder, [Options(DictionaryActivation.TopK), Options(DictionaryActivation.TopK) with { K = 4 }, Options(DictionaryActivation.Relu) with { Latents = 8 }], 20_000);
        trained.Select(one => Path.GetRelativePath(_folder.Path, one.Folder)).ShouldBe(["topk-24-k2", "topk-24-k4", "relu-8-s2"]);
        File.ReadAllText(_folder["training.json"]).ShouldContain("\"folder\": \"topk-24-k4\"");
        File.ReadAllLines(_folder["curve.jsonl"]).Length.ShouldBeGreaterThan(30);

        // What is trained beside it changes nothing.
        using TemporaryFolder alone = new();
        DictionaryTraining.Run(Plan(DictionaryKind.Autoencoder, [Options(DictionaryActivation.TopK) with { K = 4 }], 20_000), source, source.Model, alone.Path, "test");
        File.ReadAllBytes(alone["sae_weights.safetensors"]).ShouldBe(File.ReadAllBytes(_folder["topk-24-k4/sae_weights.safetensors"]));
    }

    [Fact]
    public void Another_dictionarys_decoder_is_taken_apart()
    {
        using RowActivations rows = new("rows", "tiny", new PlantedActivations().Read(0).Sites[0], 1024, seed: 1);
        TrainedDictionary trained = Train(rows, DictionaryKind.Meta, [Options(DictionaryActivation.TopK)], 30_000).Single();
        using SparseAutoencoder meta = AutoencoderReader.Open(trained.Folder);
        meta.Settings.HookName.ShouldBeNull();
        trained.Unexplained.ShouldBeLessThan(0.6);
    }

    [Fact]
    public void Dead_latents_begin_anew()
    {
        using PlantedActivations source = new();
        ActivationChunk chunk = source.Read(0);
        TrainableDictionary dictionary = new("test", Options(DictionaryActivation.Relu) with { DeadAfter = 100 }, [PlantedActivations.Width], [PlantedActivations.Width]);
        Matrix[] rows = [chunk.Sites[0].AsMatrix()];
        dictionary.Start(rows, rows);
        LatentBlock block = dictionary.Blocks[0];
        block.EncoderBias.Value.Span[3] = -1000;
        dictionary.AddGradients(rows, rows);
        dictionary.Resample(rows, rows, new Random(1)).ShouldBe(1);
        block.Idle[3].ShouldBe(0);
        dictionary.AddGradients(rows, rows);
        block.Idle[3].ShouldBe(0);
        Math.Sqrt(VectorOperations.SumOfSquares(block.Decoder.Value.Row(3))).ShouldBe(1, 1e-5);
    }

    private IReadOnlyList<TrainedDictionary> Train(PlantedActivations source, DictionaryKind kind, DictionaryOptions options, long tokens) => Train(source, kind, [options], tokens);

    private IReadOnlyList<TrainedDictionary> Train(ActivationSource source, DictionaryKind kind, DictionaryOptions[] options, long tokens)
    {
        int layers = Math.Max(1, source.Sites.Count / 2);
        return DictionaryTraining.Run(Plan(kind, options, tokens, layers), source, new PlantedActivations(layers).Model, _folder.Path, "test");
    }

    private static DictionaryTrainingPlan Plan(DictionaryKind kind, DictionaryOptions[] options, long tokens, int layers = 1) => new()
    {
        Kind = kind,
        Input = HookPoint.MlpIn,
        Output = HookPoint.MlpRawOut,
        Layers = [.. Enumerable.Range(0, layers)],
        Dictionaries = options,
        Schedule = new TrainingSchedule { Tokens = tokens, BatchTokens = 256, CheckpointEvery = 20 },
    };

    private static DictionaryOptions Options(DictionaryActivation activation) => new()
    {
        Activation = activation,
        Latents = 24,
        K = 2,
        Sparsity = activation == DictionaryActivation.JumpRelu ? 0.2 : 2,
        Prefixes = [0.5, 1],
        LearningRate = 3e-3,
        DeadAfter = 20_000,
    };
}
