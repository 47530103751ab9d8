using Microtome.Models.Training;

namespace Microtome.Experiments;

/// <summary>Which decoders of two layers are trained on which mixtures of list tasks.</summary>
public sealed record CapacityOptions
{
    /// <summary>How many heads a layer has, one decoder each.</summary>
    public IReadOnlyList<int> Heads { get; init; } = [1, 2, 3, 4, 6, 8];

    public IReadOnlyList<TaskMixture> Mixtures { get; init; } = [TaskMixture.Even, TaskMixture.Mostly(Models.SmallWorld.ListOperation.Sort)];

    /// <summary>Decoders of each kind.</summary>
    public int Seeds { get; init; } = 3;

    public long Steps { get; init; } = 1200;

    /// <summary>Steps between measurements.</summary>
    public long MeasureEvery { get; init; } = 50;

    /// <summary>Held-out lists for each task and length.</summary>
    public int Examples { get; init; } = 50;

    /// <summary>The share of held-out lists that must be answered exactly for a task to count as learned.</summary>
    public double Learned { get; init; } = 0.9;

    /// <summary>Few and short runs: what a result looks like.</summary>
    public static CapacityOptions Quick { get; } = new() { Heads = [1, 4], Mixtures = [TaskMixture.Even], Seeds = 2, Steps = 300, Examples = 20 };

    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public void Validate()
    {
        if (Heads.Count == 0 || Heads.Any(heads => heads is < 1 or > 64)) throw new ArgumentException("Give 1 to 64 heads.");
        if (Mixtures.Count == 0) throw new ArgumentException("Give a mixture of tasks.");
        if (Seeds < 1 || Steps < 1 || MeasureEvery < 1 || Examples < 1) throw new ArgumentException("Seeds, steps, steps between measurements and examples must be 1 or more.");
        if (Learned is not (> 0 and <= 1)) throw new ArgumentException("The share that counts as learned must be above 0 and at most 1.");
    }

    internal DecoderShape Shape(int heads) => new()
    {
        Layers = 2,
        Width = 32,
        Heads = heads,
        KeyValueHeads = heads,
        HeadWidth = 8,
        MlpWidth = 64,
        Vocabulary = ListTasks.Vocabulary,
        Context = ListTasks.Context,
        EndOfText = ListTasks.Begin,
    };

    internal TrainingOptions Training => new()
    {
        Steps = Steps,
        BatchTokens = 2048,
        LearningRate = 1e-2,
        WarmUpSteps = Math.Min(50, Steps / 10),
        ValidationTokens = 0,
        Optimizer = new AdamWOptions { WeightDecay = 0.01 },
    };
}
