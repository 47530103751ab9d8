using System.Globalization;

namespace Microtome.Experiments;

/// <summary>A study of dictionaries as a page: the table that compares them, their curves, and each one by itself.</summary>
public static class DictionaryReport
{
    public static Report Of(DictionaryStudy study)
    {
        ArgumentNullException.ThrowIfNull(study);
        Report report = new(study.Dictionaries.Count == 1 ? $"The dictionary {study.Dictionaries[0].Scores.Name}" : $"{study.Dictionaries.Count} dictionaries of {study.Model}");
        DictionaryScores first = study.Dictionaries[0].Scores;
        report.Paragraph($"Model {study.Model}. Texts: {study.Source}; {Count(first.Tokens)} tokens of {Count(first.Documents)} documents, the first token of each context left out. The model's own loss is {Whole(first.OwnLoss, "0.000")} nats a token. Brackets are 95 % bootstrap intervals over documents.");
        foreach (DictionaryResult dictionary in study.Dictionaries) report.Finding(Finding(dictionary.Scores), isCaution: dictionary.Scores.All.RecoveredFromZero.Estimate < 0.9);
        if (study.Source.StartsWith("sampled", StringComparison.Ordinal))
            report.Note("The model wrote these texts itself. On texts that people wrote its own loss is higher, and dictionaries do a little worse.");
        Compare(report, study);
        foreach (DictionaryResult dictionary in study.Dictionaries) Describe(report, dictionary, alone: study.Dictionaries.Count == 1);
        if (study.Splitting.Count > 0) Splitting(report, study.Splitting);
        if (study.Dictionaries.Any(dictionary => dictionary.Facts is not null)) Facts(report, study);
        Method(report);
        return report;
    }

    private static string Finding(DictionaryScores scores) =>
        $"{scores.Name} leaves {Percent(scores.Unexplained)} of the variance unexplained with {Whole(scores.L0, "0.0")} active latents a token; with {(scores.Sites.Count > 1 ? "all its reconstructions" : "its reconstruction")} in place the model keeps {Percent(scores.All.RecoveredFromZero)} of its loss against zeros and {Percent(scores.All.RecoveredFromMean)} against means. {Percent(scores.Dead, scores.Latents)} of its {Count(scores.Latents)} latents were never active.";

    private static void Compare(Report report, DictionaryStudy study)
    {
        report.Section(study.Dictionaries.Count == 1 ? "Scores" : "Compared");
        (string Name, Func<DictionaryResult, string> Value)[] rows =
        [
            ("kind", dictionary => dictionary.Scores.Kind),
            ("activation", dictionary => dictionary.Scores.Activation),
            ("latents", dictionary => Count(dictionary.Scores.Latents)),
            ("active latents a token and site (L0)", dictionary => Whole(dictionary.Scores.L0, "0.0")),
            ("variance unexplained", dictionary => Whole(dictionary.Scores.Unexplained, "0.000")),
            ("loss added, nats a token", dictionary => Whole(dictionary.Scores.All.Added, "0.000")),
            ("recovered, against zeros", dictionary => Percent(dictionary.Scores.All.RecoveredFromZero)),
            ("recovered, against means", dictionary => Percent(dictionary.Scores.All.RecoveredFromMean)),
            ("divergence (KL), nats a token", dictionary => Whole(dictionary.Scores.All.Divergence, "0.000")),
            ("never active", dictionary => Percent(dictionary.Scores.Dead, dictionary.Scores.Latents)),
            ("active at over 10 % of tokens", dictionary => Percent(dictionary.Scores.Dense, dictionary.Scores.Latents)),
            ("replacement score, mean", dictionary => Mean(dictionary.Graphs, graph => graph.Replacement)),
            ("completeness, mean", dictionary => Mean(dictionary.Graphs, graph => graph.Completeness)),
        ];
        if (study.Dictionaries.Count <= 3) report.Table(["", .. study.Dictionaries.Select(dictionary => $">{dictionary.Scores.Name}")], rows.Select(row => (IReadOnlyList<string>)[row.Name, .. study.Dictionaries.Select(row.Value)]));
        else report.Table(["dictionary", .. rows.Select(row => $">{row.Name}")], study.Dictionaries.Select(dictionary => (IReadOnlyList<string>)[dictionary.Scores.Name, .. rows.Select(row => row.Value(dictionary))]));
        if (study.Dictionaries.Count < 2) return;
        report.Figure(Pareto("variance unexplained", study, scores => scores.Unexplained));
        report.Figure(Pareto("loss added, nats a token", study, scores => scores.All.Added), "Nearer to the lower left is better: fewer latents that explain more. Lines join dictionaries of one kind, activation and number of latents.");
    }

    private static XyChart Pareto(string title, DictionaryStudy study, Func<DictionaryScores, Interval> value) => new(
        $"Active latents against {title}",
        $"One point for each dictionary: {title} falls as more latents are active.",
        new Axis("active latents a token (L0)"),
        new Axis(title) { Minimum = 0 },
        [
            .. study.Dictionaries.Select(dictionary => dictionary.Scores).GroupBy(scores => $"{scores.Kind}, {Family(scores.Activation)}, {Count(scores.Latents)} latents").Select(group =>
                new Series(group.Count() > 1 ? SeriesKind.Line : SeriesKind.Points, group.Key, [.. group.OrderBy(scores => scores.L0.Estimate).Select(scores => new DataPoint(scores.L0.Estimate, value(scores), scores.Name))])),
        ]);

    private static void Describe(Report report, DictionaryResult result, bool alone)
    {
        DictionaryScores scores = result.Scores;
        report.Section(alone ? "By site" : scores.Name);
        bool spliced = scores.Sites.Any(site => site.Spliced is not null);
        report.Table(
            ["site", ">latents", ">L0", ">variance unexplained", ">norm ratio", ">best scale", ">never active", ">on over 10 %", .. spliced ? [">loss added alone", ">recovered (zero)", ">recovered (mean)"] : Array.Empty<string>()],
            scores.Sites.Select(site => new[]
            {
                site.Site, Count(site.Latents), Number(site.L0.Estimate, "0.0"), Whole(site.Unexplained, "0.000"), Number(site.NormRatio.Estimate, "0.000"), Number(site.Scale.Estimate, "0.000"), Percent(site.Dead, site.Latents), Percent(site.Dense, site.Latents),
            }.Concat(site.Spliced is { } s ? [Whole(s.Added, "0.000"), Number(s.RecoveredFromZero.Estimate, "0.0%"), Number(s.RecoveredFromMean.Estimate, "0.0%")] : []).ToArray()));
        report.Note("Norm ratio: the mean of ‖x̂‖ / ‖x‖. Best scale: what reconstructions would have to be multiplied by to lie nearest; above 1 they are too small.");
        if (scores.Sites.Count > 1)
        {
            string[] names = [.. scores.Sites.Select(site => ShortName(site.Site))];
            report.Figure(new XyChart("Variance unexplained by site", "A bar for each site, with its interval.", new Axis(scores.Sites.Select(site => site.Site[(site.Site.IndexOf('.', 7) + 1)..]).Distinct().Count() == 1 ? "layer" : "site") { Categories = names }, new Axis("variance unexplained") { Minimum = 0 },
                [new Series(SeriesKind.Bars, null, [.. scores.Sites.Select((site, index) => new DataPoint(index, site.Unexplained))])]));
        }
        if (scores.Densities.Count > 0)
            report.Figure(new Histogram("How often latents are active", "Counts of latents by the logarithm of the share of tokens at which they are active.", new Axis("log10 of the share of tokens"), [(null, scores.Densities.Select(Math.Log10).ToArray())]),
                $"{Count(scores.Dead)} latents were never active on these texts and are not drawn; {Count(scores.Dense)} were active at more than a tenth of the tokens.");
        if (result.Graphs.Count == 0) return;
        report.Table(["prompt", ">replacement score", ">completeness"], result.Graphs.Select(graph => new[] { graph.Prompt, Number(graph.Replacement, "0.000"), Number(graph.Completeness, "0.000") }));
        report.Note("Scores of attribution graphs of the most probable next tokens, before pruning.");
    }

    private static void Splitting(Report report, IReadOnlyList<SplittingScores> splitting)
    {
        report.Section("Across widths");
        report.Paragraph("For each latent of a narrower dictionary, the latent of the wider one whose decoder row has the largest cosine with its own; and how many of the wider one's latents are nearest to it, with a cosine of at least 0.7.");
        report.Table(["narrower", "wider", ">latents", ">median cosine", ">lost (none near)", ">kept (one)", ">split (two or more)", ">most parts"], splitting.Select(pair => new[]
        {
            pair.Narrow, pair.Wide, Count(pair.Matches.Count), Number(pair.MedianCosine, "0.000"), Number(pair.Lost, "0.0%"), Number(1 - pair.Lost - pair.Split, "0.0%"), Number(pair.Split, "0.0%"), Count(pair.Matches.Max(match => match.Children)),
        }));
        foreach (SplittingScores pair in splitting)
            report.Figure(new Histogram($"{pair.Narrow} in {pair.Wide}", "Counts of latents by the cosine with their best match.", new Axis("cosine with the best match") { Maximum = 1 }, [(null, pair.Matches.Select(match => (double)match.Cosine).ToArray())]));
    }

    private static void Facts(Report report, DictionaryStudy study)
    {
        report.Section("Facts that have a latent");
        report.Paragraph($"For each fact, the latent that tells its prompts from those of the other facts of its kind best, chosen on half of the wordings and tested on the other half. It counts as found from an F1 of {Number(FactScores.Threshold, "0.0")} there. The control deals the prompts out to facts by chance.");
        DictionaryResult[] judged = [.. study.Dictionaries.Where(dictionary => dictionary.Facts is not null)];
        report.Table(["dictionary", ">latents", ">facts", ">found", ">by chance", ">mean F1", ">mean AUC"], judged.Select(dictionary => new[]
        {
            dictionary.Scores.Name, Count(dictionary.Scores.Latents), Count(dictionary.Facts!.Facts.Count), Percent(dictionary.Facts.Found), Percent(dictionary.Facts.FoundByChance),
            Number(dictionary.Facts.Facts.Average(fact => fact.F1), "0.00"), Number(dictionary.Facts.Facts.Average(fact => fact.Area), "0.00"),
        }));
        string[] groups = [.. judged[0].Facts!.Facts.Select(fact => fact.Fact.Group).Distinct()];
        report.Table(["kind of fact", ">facts", ">a sentence in", .. judged.Select(dictionary => $">{dictionary.Scores.Name}")], groups.Select(group =>
        {
            double frequency = judged[0].Facts!.Facts.Where(fact => fact.Fact.Group == group).Average(fact => fact.Fact.Frequency);
            return new[] { group, Count(judged[0].Facts!.Facts.Count(fact => fact.Fact.Group == group)), Count(Math.Round(1 / Math.Max(frequency, 1e-12))) }
                .Concat(judged.Select(dictionary => Number(dictionary.Facts!.Facts.Where(fact => fact.Fact.Group == group).Average(fact => fact.F1 >= FactScores.Threshold ? 1.0 : 0), "0%"))).ToArray();
        }));
        report.Note("The share of facts found, by kind. \"A sentence in\": how many sentences of the training texts there are for each that states the fact.");
        report.Figure(new XyChart("Facts found against how often they occur", "A point for each kind of fact and dictionary.", new Axis("share of sentences that state the fact") { IsLogarithmic = true }, new Axis("share of facts found") { Minimum = 0, Maximum = 1 },
        [
            .. judged.Select(dictionary => new Series(SeriesKind.Points, dictionary.Scores.Name, [.. groups.Select(group => dictionary.Facts!.Facts.Where(fact => fact.Fact.Group == group).ToArray()).Select(facts =>
                new DataPoint(facts.Average(fact => fact.Fact.Frequency), Proportion.Wilson(facts.Count(fact => fact.F1 >= FactScores.Threshold), facts.Length), facts[0].Fact.Group))])),
        ]));
        if (judged.Length > 1) First(report, judged);
    }

    /// <summary>Which width finds a fact first.</summary>
    private static void First(Report report, DictionaryResult[] judged)
    {
        DictionaryResult[] byWidth = [.. judged.OrderBy(dictionary => dictionary.Scores.Latents)];
        int[] firsts = new int[byWidth.Length];
        double[] frequencies = new double[byWidth.Length + 1];
        int facts = byWidth[0].Facts!.Facts.Count, never = 0;
        for (int fact = 0; fact < facts; fact++)
        {
            int first = Array.FindIndex(byWidth, dictionary => dictionary.Facts!.Facts[fact].F1 >= FactScores.Threshold);
            if (first >= 0) firsts[first]++;
            else never++;
            frequencies[first >= 0 ? first : byWidth.Length] += byWidth[0].Facts!.Facts[fact].Fact.Frequency;
        }
        report.Table(["found first by", ">facts", ">share of sentences, mean"],
        [
            .. byWidth.Select((dictionary, index) => new[] { $"{dictionary.Scores.Name} ({Count(dictionary.Scores.Latents)} latents)", Count(firsts[index]), firsts[index] > 0 ? Number(frequencies[index] / firsts[index], "0.00000") : "" }),
            ["none", Count(never), never > 0 ? Number(frequencies[^1] / never, "0.00000") : ""],
        ]);
    }

    private static void Method(Report report)
    {
        report.Section("How it was measured");
        report.Bullets(
            "Variance unexplained: the sum of ‖x − x̂‖² over the sum of ‖x − μ‖², μ the mean over these texts; over several sites, each site's variance counts as 1.",
            "Loss added: the cross-entropy of the next token with reconstructions in the activations' place, less the model's own; at every position but a context's first. Latents are encoded from what they read in the changed pass.",
            "Recovered: 1 − (loss with reconstructions − own) / (loss with zeros, or with each activation's mean, − own).",
            "Intervals: bias-corrected and accelerated bootstrap; documents are drawn, not tokens.");
    }

    private static string Family(string activation) => activation.Contains('(', StringComparison.Ordinal) ? activation[..activation.IndexOf('(', StringComparison.Ordinal)] : activation;

    private static string Mean(IReadOnlyList<PromptScores> graphs, Func<PromptScores, double> value) => graphs.Count > 0 ? Number(graphs.Average(value), "0.000") : "";

    private static string Count(double value) => Number(value, "#,0");

    private static string Percent(Interval interval) => Whole(interval, "0.0%");

    /// <summary>An interval that is not broken between lines.</summary>
    private static string Whole(Interval interval, string format) => interval.ToString(format).Replace(' ', '\u00A0');

    /// <summary>The layer of a hook within the layers.</summary>
    private static string ShortName(string site) => site.StartsWith("blocks.", StringComparison.Ordinal) && site.IndexOf('.', 7) is > 7 and int end ? site[7..end] : site;

    private static string Percent(long part, long whole) => Number((double)part / Math.Max(1, whole), "0.0%");

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
