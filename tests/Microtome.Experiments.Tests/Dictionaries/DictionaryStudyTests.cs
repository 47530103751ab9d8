using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments.Tests;

public sealed class DictionaryStudyTests : IDisposable
{
    private readonly LoadedModel _model;
    private readonly TranscoderSet _set;

    public DictionaryStudyTests()
    {
        string models = Path.Combine(TestFiles.Repository, "models");
        _model = new ModelSource().LoadModelAsync(Path.Combine(models, "stories260k")).GetAwaiter().GetResult();
        _set = TranscoderReader.Open(Path.Combine(models, "stories260k-transcoders"));
    }

    public void Dispose()
    {
        _set.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void Scores_are_ratios_of_sums_over_documents_and_the_report_has_them()
    {
        JudgedDictionary dictionary = JudgedDictionary.Of(_set, _model.Specification);
        Sentences texts = new(_model.Prompts);
        EvaluationOptions options = new() { Tokens = 10_000, EachSite = false };
        EvaluationTotals totals = DictionaryEvaluation.Run(_model.Transformer, dictionary, texts, options);

        DictionaryScores scores = DictionaryScores.Of(totals, resamples: 200);

        scores.Documents.ShouldBe(6);
        scores.OwnLoss.Estimate.ShouldBe(totals.Documents.Sum(document => document.Losses[0]) / totals.Documents.Sum(document => document.Predictions), 1e-9);
        scores.Sites[2].Unexplained.Estimate.ShouldBe(totals.Documents.Sum(document => document.Sites[2].Errors) / totals.Documents.Sum(document => document.Sites[2].Variance), 1e-9);
        scores.Unexplained.Estimate.ShouldBe(scores.Sites.Average(site => site.Unexplained.Estimate), 1e-9);
        scores.All.Added.Estimate.ShouldBe(scores.All.Loss.Estimate - scores.OwnLoss.Estimate, 1e-9);
        scores.All.RecoveredFromZero.Estimate.ShouldBe(1 - scores.All.Added.Estimate / (scores.All.ZeroLoss - scores.OwnLoss.Estimate), 1e-9);
        scores.All.RecoveredFromZero.Low.ShouldBeLessThanOrEqualTo(scores.All.RecoveredFromZero.Estimate);
        scores.Sites.ShouldAllBe(site => site.Spliced == null && site.Dead + site.Dense <= site.Latents);
        scores.Densities.Count.ShouldBe((int)(scores.Latents - scores.Dead));

        KnownFact[] facts = [.. new[] { " Tom", " Lily" }.Select(name => new KnownFact("names", name, 0.1, [.. new[] { "I saw", "He met", "We like", "She is" }.Select(words => _model.Prompts.EncodeForTracing(words + name))]))];
        DictionaryStudy study = DictionaryStudy.Run(_model, [dictionary, dictionary], texts, new StudyOptions { Evaluation = options, Prompts = ["Tom saw a"], Facts = facts });
        string page = DictionaryReport.Of(study).ToHtml();
        page.ShouldContain("variance unexplained");
        page.ShouldContain("Facts that have a latent");
        page.ShouldContain("<svg");
        page.ShouldNotContain("<script");
        study.Splitting.ShouldBeEmpty("both have one width");
        study.Dictionaries[0].Graphs.ShouldHaveSingleItem().Replacement.ShouldBeInRange(0, 1);
    }

    private sealed class Sentences(PromptEncoder prompts) : ContextSource
    {
        private static readonly string[] All =
        [
            "Once upon a time there was a little girl named Lily.", "Tom went to the park and saw a big dog.", "Sue had a red ball. She liked to play.",
            "The dog was happy and wanted to play with Tom.", "One day, Lily and Tom went to the park.", "Her mom said it was time to go home.",
        ];

        public override string Name => "sentences";

        public override IEnumerable<TokenContext> Read(long first = 0) => All.Select((text, index) => new TokenContext(index, index, prompts.EncodeForTracing(text))).Skip((int)first);
    }
}
