namespace Microtome.Experiments;

/// <summary>What a model answers.</summary>
/// <param name="LogProbabilities">Of each option.</param>
/// <param name="TopToken">The most probable next token.</param>
/// <param name="TopProbability">Its probability.</param>
/// <param name="Entropy">Of the next token, in nats.</param>
/// <param name="Status"><see cref="CellResult.Fine"/>, or why the model is broken.</param>
public sealed record AnswerReading(double[] LogProbabilities, int TopToken, double TopProbability, double Entropy, string Status)
{
    /// <summary>Where the next token is this sure and begins no option, the model no longer answers.</summary>
    public const double CollapsedAt = 0.999;

    public const string NotANumber = "broken: the logits are not numbers";

    public bool IsFine => Status == CellResult.Fine;

    /// <summary>The probability of all options together.</summary>
    public double Mass => Math.Exp(Descriptive.LogSumExp(LogProbabilities));

    /// <summary>The log-odds of an option against another.</summary>
    public double LogOdds(int option, int against) => LogProbabilities[option] - LogProbabilities[against];

    /// <summary>The log-odds of an option against all others together.</summary>
    public double LogOdds(int option)
    {
        double[] others = [.. LogProbabilities.Where((_, i) => i != option)];
        return LogProbabilities[option] - Descriptive.LogSumExp(others);
    }
}
