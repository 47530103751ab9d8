using Microtome.Dictionaries;

namespace Microtome.Experiments;

/// <summary>How well one activation is reconstructed, with intervals over documents.</summary>
/// <param name="Site">The hook's name.</param>
/// <param name="Unexplained">The fraction of variance unexplained: Σ‖x − x̂‖² / Σ‖x − μ‖².</param>
/// <param name="L0">Active latents a token.</param>
/// <param name="NormRatio">The mean of ‖x̂‖ / ‖x‖.</param>
/// <param name="Scale">What reconstructions would have to be multiplied by to lie nearest: Σ x·x̂ / Σ‖x̂‖². Above 1: they are too small (shrinkage).</param>
/// <param name="Spliced">What the reconstruction of this one activation costs; null where it was not put in alone.</param>
/// <param name="Latents">How many read here.</param>
/// <param name="Dead">How many of them were never active.</param>
/// <param name="Dense">How many were active at more than a tenth of the tokens.</param>
public sealed record SiteScores(string Site, Interval Unexplained, Interval L0, Interval NormRatio, Interval Scale, SpliceScores? Spliced, int Latents, int Dead, int Dense);

/// <summary>What becomes of the model's predictions when reconstructions are put in.</summary>
/// <param name="Loss">The cross-entropy then, in nats a token.</param>
/// <param name="Added">How much more than the model's own.</param>
/// <param name="RecoveredFromZero">Of what zeros in the same place cost, the share that the reconstruction does not.</param>
/// <param name="RecoveredFromMean">The same against the activations' mean.</param>
/// <param name="Divergence">KL of the model's own predictions from those, in nats a token.</param>
/// <param name="ZeroLoss">The cross-entropy with zeros.</param>
/// <param name="MeanLoss">The cross-entropy with the mean.</param>
public sealed record SpliceScores(Interval Loss, Interval Added, Interval RecoveredFromZero, Interval RecoveredFromMean, Interval Divergence, double ZeroLoss, double MeanLoss);

/// <summary>An evaluation's numbers, with intervals over documents.</summary>
/// <param name="OwnLoss">The model's own cross-entropy, in nats a token.</param>
/// <param name="Unexplained">Of all sites together: Σ‖x − x̂‖² / Σ‖x − μ‖², each site's variance counted as 1.</param>
/// <param name="L0">Active latents a token and site.</param>
/// <param name="All">With all sites' reconstructions put in at once.</param>
public sealed record DictionaryScores(string Name, string Kind, string Activation, long Latents, long Tokens, int Documents, Interval OwnLoss, Interval Unexplained, Interval L0, SpliceScores All, IReadOnlyList<SiteScores> Sites)
{
    private const double DenseShare = 0.1;

    public long Dead => Sites.Sum(site => (long)site.Dead);

    public long Dense => Sites.Sum(site => (long)site.Dense);

    /// <summary>How many latents were active at which share of the tokens, those of no token left out.</summary>
    public required IReadOnlyList<double> Densities { get; init; }

    /// <param name="seed">Of the bootstrap.</param>
    public static DictionaryScores Of(EvaluationTotals totals, int seed = 0, int resamples = Bootstrap.DefaultResamples)
    {
        Estimator estimator = new(totals, seed, resamples);
        JudgedDictionary dictionary = totals.Dictionary;
        List<SiteScores> sites = [];
        for (int i = 0; i < dictionary.Sites.Count; i++)
        {
            int site = i, reader = dictionary.Sites[i].Readers[^1];
            long[] firings = totals.Firings[reader];
            sites.Add(new SiteScores(
                dictionary.Sites[i].Name,
                estimator.Ratio(document => document.Sites[site].Errors, document => document.Sites[site].Variance),
                estimator.Ratio(document => document.Sites[site].Active, document => document.Sites[site].Tokens),
                estimator.Ratio(document => document.Sites[site].NormRatios, document => document.Sites[site].Tokens),
                estimator.Ratio(document => document.Sites[site].Products, document => document.Sites[site].ReconstructionSquares),
                dictionary.Sites.Count == 1 ? estimator.Spliced(null) : totals.IndexOf(new SpliceCondition(SpliceKind.Reconstruction, site)) >= 0 ? estimator.Spliced(site) : null,
                firings.Length,
                firings.Count(count => count == 0),
                firings.Count(count => count > DenseShare * totals.Tokens)));
        }
        double[] weights = [.. dictionary.Sites.Select((_, site) => 1 / Math.Max(double.Epsilon, totals.Documents.Sum(document => document.Sites[site].Variance)))];
        return new DictionaryScores(
            dictionary.Name,
            dictionary.Kind,
            string.Join(", ", dictionary.Readers.Select(reader => reader.Activation).Distinct()),
            dictionary.Latents,
            totals.Tokens,
            totals.Documents.Count,
            estimator.Ratio(document => document.Losses[0], document => document.Predictions),
            estimator.Ratio(document => weights.Select((weight, site) => weight * document.Sites[site].Errors).Sum(), document => weights.Select((weight, site) => weight * document.Sites[site].Variance).Sum()),
            estimator.Ratio(document => document.Sites.Sum(site => site.Active), document => document.Sites.Sum(site => site.Tokens)),
            estimator.Spliced(null),
            sites)
        {
            Densities = [.. totals.Firings.SelectMany(firings => firings).Where(count => count > 0).Select(count => (double)count / totals.Tokens)],
        };
    }

    /// <summary>Estimates with intervals, by drawing documents.</summary>
    private sealed class Estimator(EvaluationTotals totals, int seed, int resamples)
    {
        public Interval Ratio(Func<DocumentTotals, double> numerator, Func<DocumentTotals, double> denominator)
        {
            double[] above = [.. totals.Documents.Select(numerator)], below = [.. totals.Documents.Select(denominator)];
            return Bootstrap.Units(above.Length, units =>
            {
                double sum = 0, total = 0;
                foreach (int unit in units)
                {
                    sum += above[unit];
                    total += below[unit];
                }
                return total > 0 ? sum / total : double.NaN;
            }, seed, resamples);
        }

        public SpliceScores Spliced(int? site)
        {
            int reconstruction = totals.IndexOf(new SpliceCondition(SpliceKind.Reconstruction, site)), zero = totals.IndexOf(new SpliceCondition(SpliceKind.Zero, site)), mean = totals.IndexOf(new SpliceCondition(SpliceKind.Mean, site));
            return new SpliceScores(
                PerToken(document => document.Losses[reconstruction]),
                PerToken(document => document.Losses[reconstruction] - document.Losses[0]),
                Recovered(reconstruction, zero),
                Recovered(reconstruction, mean),
                PerToken(document => document.Divergences[reconstruction]),
                Mean(zero),
                Mean(mean));
        }

        private Interval PerToken(Func<DocumentTotals, double> value) => Ratio(value, document => document.Predictions);

        private double Mean(int condition) => totals.Documents.Sum(document => document.Losses[condition]) / totals.Documents.Sum(document => document.Predictions);

        /// <summary>1 − (loss − own) / (ablated − own); unknown where the ablation costs nothing.</summary>
        private Interval Recovered(int reconstruction, int ablation) =>
            Ratio(document => document.Losses[ablation] - document.Losses[reconstruction], document => document.Losses[ablation] - document.Losses[0]);
    }
}
