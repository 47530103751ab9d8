using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

public sealed class DictionaryEvaluationTests : IDisposable
{
    private const int Width = 48;
    private readonly TemporaryFolder _folder = new();
    private readonly SmallSource _source = new();

    public void Dispose()
    {
        _source.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("blocks.1.hook_resid_post")]
    [InlineData("blocks.2.hook_mlp_out")]
    [InlineData("blocks.0.attn.hook_z")]
    public void A_dictionary_that_reconstructs_everything_costs_nothing(string hook)
    {
        EvaluationTotals totals = Evaluate("identity", hook, 1);

        DocumentTotals sum = Sum(totals);
        sum.Sites[0].Errors.ShouldBe(0, 1e-9);
        sum.Sites[0].Variance.ShouldBeGreaterThan(0);
        (sum.Sites[0].NormRatios / sum.Sites[0].Tokens).ShouldBe(1, 1e-6);
        sum.Losses[1].ShouldBe(sum.Losses[0], 1e-4);
        sum.Divergences[1].ShouldBe(0, 1e-6);
        Math.Abs(sum.Losses[2] - sum.Losses[0]).ShouldBeGreaterThan(1e-3);
        totals.Conditions.ShouldBe([new SpliceCondition(SpliceKind.None), new SpliceCondition(SpliceKind.Reconstruction), new SpliceCondition(SpliceKind.Zero), new SpliceCondition(SpliceKind.Mean)]);
    }

    [Fact]
    public void Reconstructions_of_zero_cost_what_zeros_cost()
    {
        DocumentTotals sum = Sum(Evaluate("zero", "blocks.1.hook_resid_post", 0));
        sum.Losses[1].ShouldBe(sum.Losses[2]);
        sum.Sites[0].ReconstructionSquares.ShouldBe(0);
    }

    [Fact]
    public void Shrunken_reconstructions_show_in_norms_and_in_the_best_scale()
    {
        DocumentTotals sum = Sum(Evaluate("half", "blocks.1.hook_resid_post", 0.5f));
        (sum.Sites[0].NormRatios / sum.Sites[0].Tokens).ShouldBe(0.5, 1e-6);
        (sum.Sites[0].Products / sum.Sites[0].ReconstructionSquares).ShouldBe(2, 1e-6);
    }

    [Fact]
    public void The_first_position_is_left_out_and_every_other_next_token_is_counted()
    {
        FixedContexts contexts = _source.Contexts(20);
        EvaluationTotals totals = Evaluate("identity", "blocks.1.hook_resid_post", 1, contexts);

        totals.Tokens.ShouldBe(contexts.All.Sum(context => context.Length - 1));
        Sum(totals).Predictions.ShouldBe(contexts.All.Sum(context => context.Length - 2));
        totals.Documents.Count.ShouldBe(10, "two contexts a document");
        double loss = 0;
        foreach (int[] context in contexts.All)
        {
            Tensor logits = _source.Model.Transformer.Forward(context);
            for (int position = 1; position + 1 < context.Length; position++)
            {
                double[] row = Array.ConvertAll(logits.Row(position).ToArray(), value => (double)value);
                loss += Math.Log(row.Sum(Math.Exp)) - row[context[position + 1]];
            }
        }
        Sum(totals).Losses[0].ShouldBe(loss, 1e-3);
    }

    [Fact]
    public void Cross_layer_reconstructions_are_sums_over_the_layers_below()
    {
        JudgedDictionary dictionary = JudgedDictionary.Of(_source.Transcoders, _source.Model.Specification);
        Random random = new(2);
        Tensor[] inputs = [.. dictionary.Readers.Select(_ => Tensor.From([.. Enumerable.Range(0, 3 * Width).Select(_ => random.NextSingle() - 0.5f)], 3, Width))];
        List<ActiveFeature>[] active = [.. dictionary.Readers.Select((reader, index) => reader.Encode(inputs[index].AsMatrix()))];

        ReconstructedSite site = dictionary.Sites[2];
        site.Readers.ShouldBe([0, 1, 2]);
        Tensor made = site.Reconstruct([.. site.Readers.Select(reader => active[reader])], [.. site.Readers.Select(reader => inputs[reader])]);

        float[] row = new float[Width];
        for (int position = 0; position < 3; position++)
        {
            double[] expected = Array.ConvertAll(_source.Transcoders.Layers[2].DecoderBias.Span.ToArray(), value => (double)value);
            for (int layer = 0; layer <= 2; layer++)
                foreach (ActiveFeature feature in active[layer].Where(feature => feature.Position == position))
                {
                    _source.Transcoders.Layers[layer].DecoderRow(feature.Feature, 2, row);
                    for (int i = 0; i < Width; i++) expected[i] += (double)feature.Value * row[i];
                }
            for (int i = 0; i < Width; i++) ((double)made.Row(position)[i]).ShouldBe(expected[i], 1e-4);
        }
    }

    [Theory]
    [InlineData("llama-clt-relu")]
    [InlineData("llama-plt-skip")]
    [InlineData("gemma2-clt-jumprelu")]
    public void Every_kind_of_transcoders_is_measured_at_all_sites_and_at_each(string attributionCase)
    {
        using SmallSource source = new(attributionCase);
        JudgedDictionary dictionary = JudgedDictionary.Of(source.Transcoders, source.Model.Specification);
        EvaluationTotals totals = DictionaryEvaluation.Run(source.Model.Transformer, dictionary, source.Contexts(12), new EvaluationOptions { Tokens = 1000 });

        totals.Conditions.Count.ShouldBe(1 + 3 * (1 + dictionary.Sites.Count));
        DocumentTotals sum = Sum(totals);
        sum.Losses.ShouldAllBe(loss => double.IsFinite(loss) && loss > 0);
        sum.Sites.ShouldAllBe(site => site.Tokens == totals.Tokens && site.Variance > 0);
        for (int reader = 0; reader < dictionary.Readers.Count; reader++) totals.Firings[reader].Sum().ShouldBe(sum.Sites[reader].Active);
    }

    [Fact]
    public void Texts_of_too_few_tokens_are_refused() =>
        Should.Throw<ArgumentException>(() => Evaluate("identity", "blocks.1.hook_resid_post", 1, new FixedContexts([[1], [1, 5]]))).Message.ShouldContain("has no texts of two tokens or more");

    private EvaluationTotals Evaluate(string name, string hook, float scale, FixedContexts? contexts = null)
    {
        SparseAutoencoder autoencoder = AutoencoderReader.Open(MadeAutoencoder.Identity(_folder, name, Width, hook, scale));
        JudgedDictionary dictionary = JudgedDictionary.Of(name, autoencoder, _source.Model.Specification);
        return DictionaryEvaluation.Run(_source.Model.Transformer, dictionary, contexts ?? _source.Contexts(12), new EvaluationOptions { Tokens = 10_000 });
    }

    /// <summary>All documents as one.</summary>
    private static DocumentTotals Sum(EvaluationTotals totals)
    {
        DocumentTotals sum = new(0, totals.Dictionary.Sites.Count, totals.Conditions.Count);
        foreach (DocumentTotals document in totals.Documents)
        {
            sum.Predictions += document.Predictions;
            for (int i = 0; i < sum.Losses.Length; i++) (sum.Losses[i], sum.Divergences[i]) = (sum.Losses[i] + document.Losses[i], sum.Divergences[i] + document.Divergences[i]);
            for (int i = 0; i < sum.Sites.Count; i++)
            {
                (SiteTotals to, SiteTotals from) = (sum.Sites[i], document.Sites[i]);
                (to.Tokens, to.Errors, to.Variance, to.ReconstructionSquares, to.Products, to.NormRatios, to.Active) =
                    (to.Tokens + from.Tokens, to.Errors + from.Errors, to.Variance + from.Variance, to.ReconstructionSquares + from.ReconstructionSquares, to.Products + from.Products, to.NormRatios + from.NormRatios, to.Active + from.Active);
            }
        }
        return sum;
    }
}
