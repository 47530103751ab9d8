using Microtome.Models.SmallWorld;
using Microtome.Models.Training;
using Microtome.Numerics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Experiments;

/// <summary>How well a decoder does a task at a step: the share of held-out lists answered exactly, by length of the list from <see cref="ListTasks.Shortest"/>.</summary>
public sealed record CapacityMeasurement(long Step, ListOperation Task, IReadOnlyList<double> ExactByLength)
{
    /// <summary>Over all lengths.</summary>
    public double Exact => ExactByLength.Average();
}

/// <summary>One decoder's training.</summary>
public sealed record CapacityResult(string Mixture, int Heads, int Seed, long Steps, IReadOnlyList<CapacityMeasurement> Measurements)
{
    /// <summary>The first step from which on a task was learned at every measurement; null when it was not at the end.</summary>
    public long? LearnedAt(ListOperation task, double bound)
    {
        long? since = null;
        foreach (CapacityMeasurement measurement in Measurements.Where(measurement => measurement.Task == task).OrderBy(measurement => measurement.Step))
        {
            if (measurement.Exact < bound) since = null;
            else since ??= measurement.Step;
        }
        return since;
    }

    /// <summary>The last measurement of a task.</summary>
    public CapacityMeasurement Last(ListOperation task) => Measurements.Where(measurement => measurement.Task == task).MaxBy(measurement => measurement.Step)!;
}

/// <summary>Trains one decoder and measures it on the way.</summary>
internal static class CapacityRun
{
    private const int TestSeed = 4242;

    public static CapacityResult Train(CapacityOptions options, TaskMixture mixture, int heads, int seed, CancellationToken cancellation)
    {
        TrainableDecoder decoder = new(options.Shape(heads), seed);
        List<(ListOperation Task, int Length, IReadOnlyList<ListExample> Examples, TrainingBatch Batch)> tests = [];
        foreach (ListOperation task in ListTasks.Operations)
        {
            for (int length = ListTasks.Shortest; length <= ListTasks.Longest; length++)
            {
                IReadOnlyList<ListExample> examples = ListTasks.HeldOut(task, length, options.Examples, TestSeed);
                tests.Add((task, length, examples, new TrainingBatch([.. examples.Select(ListTasks.Document)])));
            }
        }
        List<CapacityMeasurement> measurements = [];
        using LanguageTrainer trainer = new(decoder, ListTasks.Training(mixture, seed), [], options.Training);
        Tape tape = new();
        trainer.Run(record =>
        {
            if (record.Step % options.MeasureEvery != 0 && record.Step != options.Steps) return;
            foreach (IGrouping<ListOperation, double> task in tests.Select(test => (test.Task, Exact: Exact(decoder, tape, test.Examples, test.Batch))).GroupBy(test => test.Task, test => test.Exact))
                measurements.Add(new CapacityMeasurement(record.Step, task.Key, [.. task]));
        }, cancellation);
        return new CapacityResult(mixture.Name, heads, seed, options.Steps, measurements);
    }

    /// <summary>The share of examples whose every answer token is the most probable one after those before it, as greedy generation would have it.</summary>
    private static double Exact(TrainableDecoder decoder, Tape tape, IReadOnlyList<ListExample> examples, TrainingBatch batch)
    {
        decoder.Frozen = true;
        Matrix logits = decoder.Logits(tape, batch).Value;
        int exact = 0;
        for (int i = 0; i < examples.Count; i++)
        {
            RowSpan rows = batch.Documents[i];
            bool right = true;
            for (int position = ListTasks.AnswerStart(examples[i]) - 1; position < rows.Length && right; position++)
                right = System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(logits.Row(rows.Start + position)) == batch.Targets.Classes[rows.Start + position];
            if (right) exact++;
        }
        tape.Reset();
        decoder.Frozen = false;
        return (double)exact / examples.Count;
    }
}
