using Microtome.Models.Training;
using Microtome.Numerics;

namespace Microtome.Models.Tests.Training;

public sealed class LanguageTrainerTests
{
    [Fact]
    public void Training_lowers_the_loss_on_held_out_documents()
    {
        TrainableDecoder decoder = new(SmallTraining.Shape, seed: 1);
        using LanguageTrainer trainer = SmallTraining.Trainer(decoder, options: SmallTraining.Options with { Steps = 60, BatchTokens = 200 });
        double before = trainer.ValidationLoss();
        trainer.Run();
        trainer.ValidationLoss().ShouldBeLessThan(before / 2);
    }

    [Fact]
    public void A_resumed_run_has_the_bits_of_one_that_was_never_interrupted()
    {
        TrainableDecoder whole = new(SmallTraining.Shape, seed: 1);
        using (LanguageTrainer trainer = SmallTraining.Trainer(whole)) trainer.Run();

        using TemporaryFolder folder = new();
        using (CancellationTokenSource interruption = new())
        using (LanguageTrainer trainer = SmallTraining.Trainer(new TrainableDecoder(SmallTraining.Shape, seed: 1), folder.Path))
            Should.Throw<OperationCanceledException>(() => trainer.Run(record => { if (record.Step == 6) interruption.Cancel(); }, interruption.Token));
        TrainableDecoder resumed = new(SmallTraining.Shape, seed: 99);
        using (LanguageTrainer trainer = SmallTraining.Trainer(resumed, folder.Path))
        {
            trainer.Resume().ShouldBeTrue();
            trainer.Step.ShouldBe(6);
            trainer.Run();
        }
        SmallTraining.Weights(resumed).ShouldBe(SmallTraining.Weights(whole));
        File.ReadLines(folder["curve.jsonl"]).Count().ShouldBe(12);
    }

    [Fact]
    public void A_killed_run_goes_on_from_its_last_checkpoint_and_the_curve_has_each_step_once()
    {
        using TemporaryFolder folder = new();
        using (LanguageTrainer trainer = SmallTraining.Trainer(new TrainableDecoder(SmallTraining.Shape, seed: 1), folder.Path))
            Should.Throw<TimeoutException>(() => trainer.Run(record => { if (record.Step == 7) throw new TimeoutException(); }));
        File.AppendAllText(folder["curve.jsonl"], "{\"step\":5,\"loss\":1}\n{\"step\":6,\"lo");
        TrainableDecoder resumed = new(SmallTraining.Shape, seed: 99), whole = new(SmallTraining.Shape, seed: 1);
        using (LanguageTrainer trainer = SmallTraining.Trainer(resumed, folder.Path))
        {
            trainer.Resume().ShouldBeTrue();
            trainer.Step.ShouldBe(4);
            trainer.Run();
        }
        using (LanguageTrainer trainer = SmallTraining.Trainer(whole)) trainer.Run();
        SmallTraining.Weights(resumed).ShouldBe(SmallTraining.Weights(whole));
        File.ReadLines(folder["curve.jsonl"]).Count().ShouldBe(12);
    }

    [Fact]
    public void Any_number_of_threads_trains_the_same_bits()
    {
        int threads = WorkerPool.Threads;
        try
        {
            List<float[]> results = [];
            foreach (int count in new[] { 1, 2, 5 })
            {
                WorkerPool.Threads = count;
                TrainableDecoder decoder = new(SmallTraining.Shape with { Width = 48, HeadWidth = 12, Vocabulary = 300 }, seed: 1);
                using LanguageTrainer trainer = SmallTraining.Trainer(decoder, options: SmallTraining.Options with { Steps = 4, BatchTokens = 1200 });
                trainer.Run();
                results.Add(SmallTraining.Weights(decoder));
            }
            results[1].ShouldBe(results[0]);
            results[2].ShouldBe(results[0]);
        }
        finally
        {
            WorkerPool.Threads = threads;
        }
    }

    [Fact]
    public void A_diverging_run_stops_with_the_step_and_the_last_good_checkpoint()
    {
        using TemporaryFolder folder = new();
        TrainableDecoder decoder = new(SmallTraining.Shape, seed: 1);
        using LanguageTrainer trainer = SmallTraining.Trainer(decoder, folder.Path);
        TrainingDivergedException stop = Should.Throw<TrainingDivergedException>(() => trainer.Run(record =>
        {
            if (record.Step == 5) decoder.Parameters[0].Value.Span.Fill(float.NaN);
        }));
        stop.Step.ShouldBe(6);
        stop.LastCheckpoint.ShouldBe(folder["checkpoints/step-00000004.safetensors"]);
        stop.Message.ShouldContain("step 6");
        stop.Message.ShouldContain("step-00000004.safetensors");
    }

    [Fact]
    public void A_loss_far_beyond_guessing_is_a_divergence()
    {
        TrainableDecoder decoder = new(SmallTraining.Shape, seed: 1);
        using LanguageTrainer trainer = SmallTraining.Trainer(decoder, options: SmallTraining.Options with { Steps = 500, LearningRate = 30, WarmUpSteps = 0 });
        Should.Throw<TrainingDivergedException>(() => trainer.Run());
    }

    [Fact]
    public void A_corrupted_checkpoint_is_named_and_the_one_before_it_still_works()
    {
        using TemporaryFolder folder = new();
        using (LanguageTrainer trainer = SmallTraining.Trainer(new TrainableDecoder(SmallTraining.Shape, seed: 1), folder.Path)) trainer.Run();
        string last = folder["checkpoints/step-00000012.safetensors"];
        byte[] bytes = File.ReadAllBytes(last);
        bytes[^1000] ^= 4;
        File.WriteAllBytes(last, bytes);
        using (LanguageTrainer trainer = SmallTraining.Trainer(new TrainableDecoder(SmallTraining.Shape, seed: 1), folder.Path))
            Should.Throw<InvalidDataException>(() => trainer.Resume()).Message.ShouldContain($"{last} is corrupted");
        File.WriteAllBytes(last, bytes[..(bytes.Length / 2)]);
        using (LanguageTrainer trainer = SmallTraining.Trainer(new TrainableDecoder(SmallTraining.Shape, seed: 1), folder.Path))
            Should.Throw<InvalidDataException>(() => trainer.Resume()).Message.ShouldContain($"{last} is corrupted");
        File.Delete(last);
        using (LanguageTrainer trainer = SmallTraining.Trainer(new TrainableDecoder(SmallTraining.Shape, seed: 1), folder.Path))
        {
            trainer.Resume().ShouldBeTrue();
            trainer.Step.ShouldBe(8);
        }
    }

    [Fact]
    public void Checkpoints_that_were_changed_anywhere_are_refused_or_read_whole()
    {
        using TemporaryFolder folder = new();
        using (LanguageTrainer trainer = SmallTraining.Trainer(new TrainableDecoder(SmallTraining.Shape, seed: 1), folder.Path)) trainer.Run();
        string last = folder["checkpoints/step-00000012.safetensors"];
        byte[] bytes = File.ReadAllBytes(last);
        Random random = new(3);
        for (int round = 0; round < 60; round++)
        {
            byte[] changed = [.. bytes];
            int at = round % 2 == 0 ? random.Next(4000) : random.Next(bytes.Length);
            changed[at] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(last, changed);
            using LanguageTrainer trainer = SmallTraining.Trainer(new TrainableDecoder(SmallTraining.Shape, seed: 1), folder.Path);
            try
            {
                trainer.Resume();
            }
            catch (InvalidDataException exception)
            {
                exception.Message.ShouldContain(last);
            }
        }
    }

    [Fact]
    public void The_learning_rate_rises_and_falls()
    {
        TrainingOptions options = new() { Steps = 110, WarmUpSteps = 10, LearningRate = 1, FinalShare = 0.1 };
        options.LearningRateAt(0).ShouldBe(0.1, 1e-12);
        options.LearningRateAt(9).ShouldBe(1, 1e-12);
        options.LearningRateAt(60).ShouldBe(0.55, 1e-12);
        options.LearningRateAt(110).ShouldBe(0.1, 1e-12);
    }
}
