namespace Microtome.Models.Training;

/// <summary>Training was stopped because the loss or its gradients are not finite any more, or the loss grew far beyond that of guessing.</summary>
public sealed class TrainingDivergedException(long step, string? lastCheckpoint, string message) : ArithmeticException(message)
{
    /// <summary>The step at which it was seen, counted from 1.</summary>
    public long Step { get; } = step;

    /// <summary>The last checkpoint that was written before.</summary>
    public string? LastCheckpoint { get; } = lastCheckpoint;
}
