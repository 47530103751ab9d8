namespace Microtome.Models.Training;

/// <summary>How a decoder is trained.</summary>
public sealed record TrainingOptions
{
    public long Steps { get; init; } = 2000;

    /// <summary>Tokens in a step.</summary>
    public int BatchTokens { get; init; } = 4096;

    /// <summary>The highest learning rate, after warm-up.</summary>
    public double LearningRate { get; init; } = 3e-3;

    /// <summary>The learning rate at the end, as a share of the highest.</summary>
    public double FinalShare { get; init; } = 0.05;

    /// <summary>Steps in which the learning rate rises to its highest.</summary>
    public long WarmUpSteps { get; init; } = 100;

    public AdamWOptions Optimizer { get; init; } = new();

    /// <summary>A checkpoint is written after as many steps, and at the end.</summary>
    public long CheckpointEvery { get; init; } = 500;

    /// <summary>The validation loss is measured after as many steps, and at the end.</summary>
    public long ValidateEvery { get; init; } = 250;

    /// <summary>Tokens of validation.</summary>
    public int ValidationTokens { get; init; } = 16_384;

    /// <summary>The learning rate of a step, counted from 0: a linear rise, then a cosine's fall (Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5).</summary>
    public double LearningRateAt(long step)
    {
        if (step < WarmUpSteps) return LearningRate * (step + 1) / WarmUpSteps;
        double done = Math.Min(1, (step - WarmUpSteps) / (double)Math.Max(1, Steps - WarmUpSteps));
        return LearningRate * (FinalShare + (1 - FinalShare) * (1 + Math.Cos(Math.PI * done)) / 2);
    }

    /// <exception cref="ArgumentException">A number is out of its range; the message says which.</exception>
    public void Validate()
    {
        if (Steps < 1) throw new ArgumentException($"{Steps} steps are too few; train for 1 or more.");
        if (BatchTokens < 2) throw new ArgumentException($"A batch of {BatchTokens} tokens is too small; give 2 or more.");
        if (!(LearningRate > 0) || !double.IsFinite(LearningRate)) throw new ArgumentException($"The learning rate is {LearningRate}; it must be above 0.");
        if (FinalShare is not (>= 0 and <= 1)) throw new ArgumentException($"The last learning rate is {FinalShare} of the highest; it must be from 0 to 1.");
        if (WarmUpSteps < 0 || CheckpointEvery < 1 || ValidateEvery < 1 || ValidationTokens < 0) throw new ArgumentException("Steps between checkpoints and validations must be 1 or more, those of warm-up and validation tokens 0 or more.");
    }
}
