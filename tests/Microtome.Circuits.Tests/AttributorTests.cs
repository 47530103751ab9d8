using Microtome.Models;

namespace Microtome.Circuits.Tests;

public class AttributorTests
{
    private static readonly int[] Tokens = [1, 81, 187, 5, 120, 33, 64, 7, 199];

    public static TheoryData<string> Architectures() => ["qwen3-plt-relu", "llama-clt-relu", "llama-plt-skip", "gpt2-plt-topk", "gemma2-clt-jumprelu"];

    [Theory, MemberData(nameof(Architectures))]
    public void Rows_chosen_in_rounds_are_those_of_the_whole_graph(string architecture)
    {
        using SmallModel model = SmallModel.Of(architecture);
        AttributionGraph whole = model.Trace(Tokens), some = model.Trace(Tokens, new AttributionOptions { MaximumFeatures = whole.FeatureCount - 1, BatchSize = 7, BatchesPerRound = 2 });
        some.FeatureCount.ShouldBe(whole.FeatureCount - 1);
        int[] columns = [.. some.Selected, .. Enumerable.Range(whole.FirstError, whole.FirstTarget - whole.FirstError)];
        for (int row = 0; row < some.Edges.Rows; row++)
        {
            float[] actual = some.Edges.Row(row).ToArray();
            float[] expected = whole.Edges.Row(row < some.FeatureCount ? some.Selected[row] : row - some.FeatureCount + whole.FeatureCount).ToArray();
            float tolerance = 1e-5f * expected.Max(Math.Abs);
            for (int i = 0; i < actual.Length; i++) actual[i].ShouldBe(expected[columns[i]], tolerance);
        }
    }

    [Fact]
    public void A_limit_at_or_above_the_number_of_features_gives_the_unlimited_graph()
    {
        using SmallModel model = SmallModel.Of("qwen3-plt-relu");
        AttributionGraph whole = model.Trace(Tokens);
        foreach (int limit in new[] { whole.FeatureCount, whole.FeatureCount + 1, int.MaxValue })
        {
            AttributionGraph limited = model.Trace(Tokens, new AttributionOptions { MaximumFeatures = limit });
            limited.Selected.ShouldBe(whole.Selected);
            for (int row = 0; row < whole.Edges.Rows; row++) limited.Edges.Row(row).SequenceEqual(whole.Edges.Row(row)).ShouldBeTrue();
        }
    }

    [Theory, MemberData(nameof(Architectures))]
    public void A_difference_of_targets_the_other_way_round_has_opposite_edges(string architecture)
    {
        using SmallModel model = SmallModel.Of(architecture);
        AttributionGraph graph = model.Trace(Tokens, new AttributionOptions { Targets = [new TargetRequest(3, 8, "3 − 8"), new TargetRequest(8, 3, "8 − 3")] });
        float[] there = graph.Edges.Row(graph.FeatureCount).ToArray(), back = graph.Edges.Row(graph.FeatureCount + 1).ToArray();
        for (int i = 0; i < there.Length; i++) back[i].ShouldBe(-there[i], 1e-4f);
    }

    [Fact]
    public void A_prompt_of_one_token_has_only_its_token_as_a_source()
    {
        using SmallModel model = SmallModel.Of("qwen3-plt-relu");
        AttributionGraph graph = model.Trace([1]);
        graph.ActiveFeatures.ShouldBeEmpty();
        for (int row = 0; row < graph.Edges.Rows; row++)
            Enumerable.Range(0, graph.FirstToken).ShouldAllBe(source => graph.Edges.Row(row).ToArray()[source] == 0);
        PrunedGraph.Prune(graph).Edges.ShouldNotBeEmpty();
    }

    [Fact]
    public void Work_can_be_cancelled()
    {
        using SmallModel model = SmallModel.Of("qwen3-plt-relu");
        Should.Throw<OperationCanceledException>(() => Attributor.Attribute(model.Replacement, Tokens, new AttributionOptions(), id => "", cancellation: new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Options_out_of_range_prompts_and_targets_that_do_not_exist_are_refused()
    {
        using SmallModel model = SmallModel.Of("qwen3-plt-relu");
        foreach (AttributionOptions wrong in new AttributionOptions[]
        {
            new() { MaximumTargets = 0 }, new() { TargetProbability = 0 }, new() { TargetProbability = double.NaN }, new() { TargetProbability = 1.5 }, new() { MaximumFeatures = 0 },
            new() { BatchSize = 0 }, new() { BatchSize = 65537 }, new() { BatchesPerRound = 0 }, new() { Targets = [new TargetRequest(211, "x")] }, new() { Targets = [new TargetRequest(1, -1, "x")] },
        }) Should.Throw<ArgumentException>(() => model.Trace(Tokens, wrong), wrong.ToString());
        Should.Throw<ArgumentException>(() => model.Trace([]));
        Should.Throw<ArgumentException>(() => model.Trace([1, 211]));
        Should.Throw<ArgumentException>(() => model.Trace(new int[100_000]));
    }

    [Theory]
    [InlineData(" Lily", " Lily", null)]
    [InlineData(" Lily - big", " Lily", " big")]
    [InlineData(" Lily -  big", " Lily", " big")]
    [InlineData("A - B", "A", "B")]
    public void Targets_are_read_as_people_write_them(string text, string token, string? minus)
    {
        using SmallModel model = SmallModel.Stories();
        TargetRequest target = TargetParser.Parse(text, model.Prompts);
        model.Prompts.TextOf(target.Token).ShouldBe(token);
        (target.Minus is { } other ? model.Prompts.TextOf(other) : null).ShouldBe(minus);
        target.Text.ShouldBe(minus is null ? token : $"{token} −{(minus[0] == ' ' ? "" : " ")}{minus}");
    }

    [Theory]
    [InlineData("")]
    [InlineData(" Constantinople")]
    [InlineData(" Lily - Constantinople")]
    [InlineData("A - ")]
    [InlineData(" - ")]
    public void Targets_that_are_not_one_token_are_refused(string text)
    {
        using SmallModel model = SmallModel.Stories();
        Should.Throw<ArgumentException>(() => TargetParser.Parse(text, model.Prompts));
    }
}
