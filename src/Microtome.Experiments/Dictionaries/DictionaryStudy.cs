using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>The scores of the graphs of some prompts.</summary>
public sealed record PromptScores(string Prompt, double Replacement, double Completeness);

/// <summary>The latents of facts, against how well chance does.</summary>
/// <param name="Chance">The same search with prompts dealt out to facts by chance.</param>
public sealed record FactScores(IReadOnlyList<FactLatent> Facts, IReadOnlyList<FactLatent> Chance)
{
    /// <summary>From which F1 on a latent counts as the fact's own.</summary>
    public const double Threshold = 0.8;

    /// <summary>Of the facts, the share that have a latent of their own, by Wilson's interval.</summary>
    public Interval Found => Proportion.Wilson(Facts.Count(fact => fact.F1 >= Threshold), Facts.Count);

    public Interval FoundByChance => Proportion.Wilson(Chance.Count(fact => fact.F1 >= Threshold), Chance.Count);
}

/// <summary>How the latents of one dictionary live on in a wider one.</summary>
public sealed record SplittingScores(string Narrow, string Wide, IReadOnlyList<LatentMatch> Matches)
{
    /// <summary>The median cosine with the best match.</summary>
    public double MedianCosine => Descriptive.Median([.. Matches.Select(match => (double)match.Cosine)]);

    /// <summary>The share of latents that two or more of the wider dictionary's come nearest to.</summary>
    public double Split => (double)Matches.Count(match => match.Children > 1) / Matches.Count;

    /// <summary>The share that no latent of the wider dictionary comes near to.</summary>
    public double Lost => (double)Matches.Count(match => match.Children == 0) / Matches.Count;
}

/// <summary>All that was found about one dictionary.</summary>
public sealed record DictionaryResult(DictionaryScores Scores, IReadOnlyList<PromptScores> Graphs, FactScores? Facts);

/// <summary>What a study of dictionaries does.</summary>
public sealed record StudyOptions
{
    public EvaluationOptions Evaluation { get; init; } = new();

    /// <summary>Prompts whose attribution graphs are scored.</summary>
    public IReadOnlyList<string> Prompts { get; init; } = [];

    /// <summary>Facts that latents are looked for; none where the model is of no world whose facts are known.</summary>
    public IReadOnlyList<KnownFact> Facts { get; init; } = [];

    /// <summary>Of the intervals and of the facts' control.</summary>
    public int Seed { get; init; }
}

/// <param name="Phase">What is being done.</param>
/// <param name="Fraction">Of the phase, from 0 to 1; null where it is not known.</param>
public readonly record struct StudyProgress(string Phase, double? Fraction);

/// <summary>Everything that a report on dictionaries says.</summary>
/// <param name="Dictionaries">In the order in which they were given.</param>
/// <param name="Splitting">Of each dictionary that has a wider one of the same hooks, in the next wider.</param>
public sealed record DictionaryStudy(string Model, string Source, IReadOnlyList<DictionaryResult> Dictionaries, IReadOnlyList<SplittingScores> Splitting)
{
    /// <summary>Judges dictionaries on the same texts.</summary>
    /// <exception cref="ArgumentException">There are no texts, or a prompt has no tokens.</exception>
    public static DictionaryStudy Run(LoadedModel model, IReadOnlyList<JudgedDictionary> dictionaries, ContextSource source, StudyOptions options, IProgress<StudyProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(dictionaries);
        List<DictionaryResult> results = [];
        foreach (JudgedDictionary dictionary in dictionaries)
        {
            void Report(string phase, double? fraction) => progress?.Report(new StudyProgress(dictionaries.Count > 1 ? $"{phase}, {dictionary.Name}" : phase, fraction));
            EvaluationTotals totals = DictionaryEvaluation.Run(model.Transformer, dictionary, source, options.Evaluation, new Step(fraction => Report("measuring", fraction)), cancellation);
            Report("intervals", null);
            DictionaryScores scores = DictionaryScores.Of(totals, options.Seed);
            Report("graphs", null);
            IReadOnlyList<PromptScores> graphs = ScoreGraphs(model, dictionary, options.Prompts, cancellation);
            FactScores? facts = null;
            if (options.Facts.Count > 0)
                facts = new FactScores(
                    FactLatents.Find(model.Transformer, dictionary, options.Facts, null, new Step(fraction => Report("facts", fraction)), cancellation),
                    FactLatents.Find(model.Transformer, dictionary, options.Facts, options.Seed, new Step(fraction => Report("facts by chance", fraction)), cancellation));
            results.Add(new DictionaryResult(scores, graphs, facts));
        }
        progress?.Report(new StudyProgress("across widths", null));
        return new DictionaryStudy(model.Name, source.Name, results, CompareWidths(dictionaries, cancellation));
    }

    private sealed class Step(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }

    /// <summary>Graph scores of prompts, where the dictionary is a set of transcoders for all layers; else none.</summary>
    /// <exception cref="ArgumentException">A prompt has no tokens, or too many.</exception>
    public static IReadOnlyList<PromptScores> ScoreGraphs(LoadedModel model, JudgedDictionary dictionary, IReadOnlyList<string> prompts, CancellationToken cancellation = default)
    {
        if (dictionary.Transcoders is not { } set) return [];
        ReplacementModel replacement = new(model.Transformer, set);
        return
        [
            .. prompts.Select(prompt =>
            {
                AttributionGraph graph = Attributor.Attribute(replacement, model.Prompts.EncodeForTracing(prompt), new AttributionOptions(), model.Prompts.TextOf, cancellation: cancellation);
                GraphScores scores = GraphScores.Of(graph);
                return new PromptScores(prompt, scores.Replacement, scores.Completeness);
            }),
        ];
    }

    /// <summary>Compares each dictionary with the next wider one that has the same hooks.</summary>
    public static IReadOnlyList<SplittingScores> CompareWidths(IReadOnlyList<JudgedDictionary> dictionaries, CancellationToken cancellation = default)
    {
        List<SplittingScores> scores = [];
        foreach (IGrouping<string, JudgedDictionary> same in dictionaries.GroupBy(dictionary => string.Join(' ', dictionary.Readers.Select(reader => reader.Name).Concat(dictionary.Sites.Select(site => site.Name)))))
        {
            JudgedDictionary[] widths = [.. same.GroupBy(dictionary => dictionary.Latents).Select(group => group.First()).OrderBy(dictionary => dictionary.Latents)];
            for (int i = 0; i + 1 < widths.Length; i++) scores.Add(new SplittingScores(widths[i].Name, widths[i + 1].Name, LatentSplitting.Compare(widths[i].Features, widths[i + 1].Features, cancellation: cancellation)));
        }
        return scores;
    }
}
