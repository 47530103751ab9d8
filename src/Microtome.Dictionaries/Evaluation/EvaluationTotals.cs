namespace Microtome.Dictionaries;

/// <summary>Sums over a document's tokens at one site.</summary>
public sealed class SiteTotals
{
    /// <summary>Tokens counted.</summary>
    public long Tokens { get; set; }

    /// <summary>Σ‖x − x̂‖²</summary>
    public double Errors { get; set; }

    /// <summary>Σ‖x − μ‖², with μ the mean over all texts.</summary>
    public double Variance { get; set; }

    /// <summary>Σ‖x̂‖²</summary>
    public double ReconstructionSquares { get; set; }

    /// <summary>Σ x·x̂</summary>
    public double Products { get; set; }

    /// <summary>Σ ‖x̂‖ / ‖x‖</summary>
    public double NormRatios { get; set; }

    /// <summary>Active latents of the reader at this site.</summary>
    public long Active { get; set; }
}

/// <summary>What was measured of one document.</summary>
/// <param name="conditions">How many forward passes were compared.</param>
public sealed class DocumentTotals(long document, int sites, int conditions)
{
    public long Document { get; } = document;

    public IReadOnlyList<SiteTotals> Sites { get; } = [.. Enumerable.Range(0, sites).Select(_ => new SiteTotals())];

    /// <summary>Next tokens predicted.</summary>
    public long Predictions { get; set; }

    /// <summary>By condition: the sum of −ln p of the tokens that came.</summary>
    public double[] Losses { get; } = new double[conditions];

    /// <summary>By condition: the sum of the divergence of its predictions from the model's own, KL(model ‖ condition), in nats.</summary>
    public double[] Divergences { get; } = new double[conditions];
}

/// <summary>What an evaluation measured, by document, for intervals to be made of it.</summary>
/// <param name="Conditions">The forward passes that were compared; the first is the model's own.</param>
/// <param name="Firings">By reader: at how many tokens each latent was active.</param>
/// <param name="Tokens">How many tokens were counted.</param>
public sealed record EvaluationTotals(JudgedDictionary Dictionary, IReadOnlyList<SpliceCondition> Conditions, IReadOnlyList<DocumentTotals> Documents, IReadOnlyList<long[]> Firings, long Tokens)
{
    /// <summary>Where a condition stands among <see cref="Conditions"/>; -1 where it was not run.</summary>
    public int IndexOf(SpliceCondition condition)
    {
        for (int i = 0; i < Conditions.Count; i++)
            if (Conditions[i] == condition) return i;
        return -1;
    }
}
