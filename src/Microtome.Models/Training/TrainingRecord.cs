namespace Microtome.Models.Training;

/// <summary>One step of training.</summary>
/// <param name="Step">Counted from 1.</param>
/// <param name="Loss">The mean cross-entropy of the step's tokens, in nats.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="Tokens">All tokens trained on so far.</param>
/// <param name="Seconds">What the step took.</param>
/// <param name="ValidationLoss">Where it was measured after the step.</param>
public sealed record TrainingRecord(long Step, double Loss, double LearningRate, double GradientNorm, long Tokens, double Seconds, double? ValidationLoss = null);
