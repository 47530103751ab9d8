namespace Microtome.Dictionaries.Training;

/// <summary>How long dictionaries are trained, and how learning rate and penalties change on the way.</summary>
public sealed record TrainingSchedule
{
    /// <summary>Tokens to train on, in whole batches.</summary>
    public required long Tokens { get; init; }

    /// <summary>Tokens of one step.</summary>
    public int BatchTokens { get; init; } = 1024;

    /// <summary>The share of steps over which the learning rate rises.</summary>
    public double WarmUp { get; init; } = 0.02;

    /// <summary>The share of steps, the last ones, over which it falls to 0.</summary>
    public double Decay { get; init; } = 0.3;

    /// <summary>The share of steps over which the penalty on activations rises.</summary>
    public double SparsityWarmUp { get; init; } = 0.2;

    /// <summary>Steps between checkpoints; nothing for a tenth of all.</summary>
    public long? CheckpointEvery { get; init; }

    public long Steps => Math.Max(1, (Tokens + BatchTokens - 1) / BatchTokens);

    /// <summary>Steps between checkpoints.</summary>
    public long CheckpointSteps => CheckpointEvery ?? Math.Max(100, Steps / 10);

    /// <param name="step">Counted from 1.</param>
    public double LearningRateShare(long step)
    {
        double warm = WarmUp * Steps, fall = Decay * Steps;
        return Math.Min(Math.Min(1, warm > 0 ? step / warm : 1), fall > 0 ? (Steps - step + 1) / fall : 1);
    }

    public double SparsityShare(long step) => SparsityWarmUp > 0 ? Math.Min(1, step / (SparsityWarmUp * Steps)) : 1;

    /// <summary>Whether dead latents begin anew after a step: at each twentieth of the first three fifths.</summary>
    public bool Resamples(long step) => step * 5 <= Steps * 3 && step % Math.Max(1, Steps / 20) == 0;

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        if (Tokens < 1) throw new ArgumentException($"There are {Tokens} tokens to train on; give 1 or more.");
        if (BatchTokens is < 1 or > 1 << 20) throw new ArgumentException($"A batch has {BatchTokens} tokens; from 1 to {1 << 20} are possible.");
    }
}
