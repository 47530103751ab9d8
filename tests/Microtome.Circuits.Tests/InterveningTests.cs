using System.Numerics.Tensors;
using Microtome.Models;

namespace Microtome.Circuits.Tests;

public class InterveningTests
{
    private static readonly int[] Tokens = [1, 81, 187, 5, 120, 33, 64, 7, 199];

    /// <summary>Per-layer, cross-layer, with skip connections, with TopK, with JumpReLU and soft caps.</summary>
    public static TheoryData<string> Architectures() => ["qwen3-plt-relu", "llama-clt-relu", "llama-plt-skip", "gpt2-plt-topk", "gemma2-clt-jumprelu"];

    public static TheoryData<string, InterventionMode> ArchitecturesAndModes()
    {
        TheoryData<string, InterventionMode> all = [];
        foreach (string architecture in new[] { "qwen3-plt-relu", "llama-clt-relu", "llama-plt-skip", "gpt2-plt-topk", "gemma2-clt-jumprelu" })
            foreach (InterventionMode mode in Enum.GetValues<InterventionMode>()) all.Add(architecture, mode);
        return all;
    }

    [Theory, MemberData(nameof(ArchitecturesAndModes))]
    public void No_interventions_change_nothing(string architecture, InterventionMode mode)
    {
        using SmallModel model = SmallModel.Of(architecture);
        Close(Intervening.Run(model.Replacement, Tokens, [], mode).Logits, model.Replacement.Transformer.Forward(Tokens), 1e-6);
    }

    [Theory, MemberData(nameof(ArchitecturesAndModes))]
    public void Setting_features_to_what_they_are_changes_nothing(string architecture, InterventionMode mode)
    {
        using SmallModel model = SmallModel.Of(architecture);
        FeatureIntervention[] same = [.. LocalReplacement.Build(model.Replacement, Tokens).Features.Where((_, i) => i % 5 == 0)
            .Select(feature => new FeatureIntervention(feature.Layer, feature.Position, feature.Feature, feature.Activation))];
        same.Length.ShouldBeGreaterThan(10);
        Close(Intervening.Run(model.Replacement, Tokens, same, mode).Logits, model.Replacement.Transformer.Forward(Tokens), 1e-4);
    }

    [Theory, MemberData(nameof(ArchitecturesAndModes))]
    public void Setting_an_active_feature_to_zero_changes_something(string architecture, InterventionMode mode)
    {
        using SmallModel model = SmallModel.Of(architecture);
        FeatureNode feature = LocalReplacement.Build(model.Replacement, Tokens).Features.MaxBy(feature => feature.Activation);
        Tensor changed = Intervening.Run(model.Replacement, Tokens, [new FeatureIntervention(feature.Layer, feature.Position, feature.Feature, 0)], mode).Logits;
        Tensor original = model.Replacement.Transformer.Forward(Tokens);
        changed.Span[..(feature.Position * changed.Columns)].SequenceEqual(original.Span[..(feature.Position * changed.Columns)]).ShouldBeTrue("what came before cannot change");
        changed.Row(feature.Position).SequenceEqual(original.Row(feature.Position)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("qwen3-plt-relu")]
    [InlineData("llama-clt-relu")]
    [InlineData("llama-plt-skip")]
    [InlineData("gpt2-plt-topk")]
    public void A_direct_intervention_changes_logits_by_the_share_of_the_features_edge(string architecture)
    {
        using SmallModel model = SmallModel.Of(architecture);
        AttributionGraph graph = model.Trace(Tokens);
        Tensor original = model.Replacement.Transformer.Forward(Tokens);
        for (int target = 0; target < Math.Min(3, graph.Targets.Count); target++)
        {
            float[] edges = graph.Edges.Row(graph.FeatureCount + target)[..graph.FeatureCount].ToArray();
            int[] strongest = [.. Enumerable.Range(0, edges.Length).OrderByDescending(i => Math.Abs(edges[i])).Take(6), 0, graph.FeatureCount / 2];
            float tolerance = 1e-3f * edges.Max(Math.Abs);
            foreach (int node in strongest)
                foreach (float factor in (ReadOnlySpan<float>)[0, 2, -1])
                {
                    FeatureNode feature = graph.Feature(node);
                    Tensor changed = Intervening.Run(model.Replacement, Tokens, [new FeatureIntervention(feature.Layer, feature.Position, feature.Feature, factor * feature.Activation)], InterventionMode.Direct).Logits;
                    int token = graph.Targets[target].Token;
                    (AboveMean(changed, token) - AboveMean(original, token)).ShouldBe((factor - 1) * edges[node], tolerance, $"target {target}, feature {feature}, times {factor}");
                }
        }
    }

    [Theory, MemberData(nameof(Architectures))]
    public void Direct_effects_add_up(string architecture)
    {
        using SmallModel model = SmallModel.Of(architecture);
        FeatureIntervention[] pair = [.. LocalReplacement.Build(model.Replacement, Tokens).Features.OrderByDescending(feature => feature.Activation).Take(2)
            .Select(feature => new FeatureIntervention(feature.Layer, feature.Position, feature.Feature, 0))];
        // Before any soft cap.
        float[] Stream(IReadOnlyList<FeatureIntervention> interventions)
        {
            InterventionPass pass = new(model.Replacement, Tokens, interventions, InterventionMode.Direct, withActivations: false, CancellationToken.None);
            return model.Replacement.Transformer.Forward(Tokens, pass.Hooks, logits: LogitRows.None).Span.ToArray();
        }
        float[] none = Stream([]), first = Stream([pair[0]]), second = Stream([pair[1]]), both = Stream(pair);
        for (int i = 0; i < none.Length; i++) (both[i] - none[i]).ShouldBe(first[i] - none[i] + (second[i] - none[i]), 1e-4f);
    }

    [Fact]
    public void A_later_intervention_on_a_feature_replaces_an_earlier()
    {
        using SmallModel model = SmallModel.Of("qwen3-plt-relu");
        Tensor Run(params FeatureIntervention[] interventions) => Intervening.Run(model.Replacement, Tokens, interventions, InterventionMode.Unfrozen).Logits;
        Tensor expected = Run(new FeatureIntervention(1, 4, 9, 3));
        Run(new FeatureIntervention(1, 4, 9, 8), new FeatureIntervention(1, 4, 9, 3)).Span.SequenceEqual(expected.Span).ShouldBeTrue();
    }

    [Fact]
    public void An_open_ended_intervention_is_one_at_every_later_position()
    {
        using SmallModel model = SmallModel.Of("llama-clt-relu");
        FeatureIntervention[] each = [.. Enumerable.Range(5, Tokens.Length - 5).Select(position => new FeatureIntervention(2, position, 11, 4))];
        Tensor expected = Intervening.Run(model.Replacement, Tokens, each).Logits;
        Intervening.Run(model.Replacement, Tokens, [new FeatureIntervention(2, 5, 11, 4, OpenEnded: true)]).Logits.Span.SequenceEqual(expected.Span).ShouldBeTrue();
    }

    [Fact]
    public void Open_ended_interventions_act_on_generated_tokens_as_if_these_were_in_the_prompt()
    {
        using SmallModel model = SmallModel.Stories();
        int[] prompt = model.Prompts.EncodeForTracing("Tom had a");
        FeatureIntervention[] set = [new(2, 1, 17, 6, OpenEnded: true), new(4, 2, 30, 3, OpenEnded: true)];
        SamplingOptions options = new() { MaximumTokens = 20 };
        int[] continued = [.. Intervening.Generate(model.Replacement, prompt, set, InterventionMode.Unfrozen, options)];

        List<int> expected = [.. prompt];
        while (expected.Count < prompt.Length + continued.Length)
        {
            Tensor logits = Intervening.Run(model.Replacement, [.. expected], set, InterventionMode.Unfrozen).Logits;
            expected.Add(TensorPrimitives.IndexOfMax<float>(logits.Row(logits.Rows - 1)));
        }
        continued.ShouldBe(expected.Skip(prompt.Length));
        continued.ShouldNotBe(Generation.Generate(model.Replacement.Transformer, prompt, options));
    }

    [Fact]
    public void A_factor_multiplies_what_the_feature_is_where_it_acts()
    {
        using SmallModel model = SmallModel.Of("llama-clt-relu");
        FeatureNode feature = LocalReplacement.Build(model.Replacement, Tokens).Features.First(one => one.Position == 5);
        Tensor By(float value, bool isFactor) => Intervening.Run(model.Replacement, Tokens, [new FeatureIntervention(feature.Layer, 5, feature.Feature, value, IsFactor: isFactor)]).Logits;
        By(0, isFactor: true).Span.SequenceEqual(By(0, isFactor: false).Span).ShouldBeTrue();
        By(1, isFactor: true).Span.SequenceEqual(Intervening.Run(model.Replacement, Tokens, []).Logits.Span).ShouldBeTrue();
        Tensor expected = By(3 * feature.Activation, isFactor: false), actual = By(3, isFactor: true);
        TensorPrimitives.Distance<float>(expected.Span, actual.Span).ShouldBeLessThan(1e-4f * TensorPrimitives.Norm<float>(expected.Span));
    }

    [Fact]
    public void A_factor_from_the_prompts_end_on_acts_on_generated_tokens_only()
    {
        using SmallModel model = SmallModel.Stories();
        int[] prompt = model.Prompts.EncodeForTracing("Tom had a");
        SamplingOptions options = new() { MaximumTokens = 12 };
        FeatureIntervention[] From(float value, bool isFactor) =>
            [.. Enumerable.Range(0, 5).SelectMany(layer => Enumerable.Range(0, 100).Select(feature => new FeatureIntervention(layer, prompt.Length, feature, value, OpenEnded: true, isFactor)))];
        int[] Generate(FeatureIntervention[] set) => [.. Intervening.Generate(model.Replacement, prompt, set, InterventionMode.Unfrozen, options)];
        int[] plain = [.. Generation.Generate(model.Replacement.Transformer, prompt, options)];

        Intervening.Run(model.Replacement, prompt, From(0, isFactor: true), InterventionMode.Unfrozen).Logits.Span
            .SequenceEqual(Intervening.Run(model.Replacement, prompt, [], InterventionMode.Unfrozen).Logits.Span).ShouldBeTrue();
        Generate(From(1, isFactor: true)).ShouldBe(plain);
        int[] without = Generate(From(0, isFactor: true));
        without.ShouldBe(Generate(From(0, isFactor: false)));
        without[0].ShouldBe(plain[0]); // the prompt's last position says it
        without.ShouldNotBe(plain);
        Should.Throw<ArgumentException>(() => Intervening.Run(model.Replacement, prompt, [new FeatureIntervention(0, prompt.Length + 1, 0, 1, OpenEnded: true)]));
    }

    [Fact]
    public void Interventions_at_one_place_do_not_act_on_generated_tokens()
    {
        using SmallModel model = SmallModel.Stories();
        int[] prompt = model.Prompts.EncodeForTracing("Tom had a");
        SamplingOptions options = new() { MaximumTokens = 5 };
        int[] expected = [.. Generation.Generate(model.Replacement.Transformer, prompt, options)];
        FeatureNode feature = LocalReplacement.Build(model.Replacement, prompt).Features[0];
        Intervening.Generate(model.Replacement, prompt, [new FeatureIntervention(feature.Layer, feature.Position, feature.Feature, feature.Activation)], InterventionMode.Unfrozen, options).ShouldBe(expected);
    }

    [Fact]
    public void A_later_open_ended_intervention_also_replaces_an_earlier_on_generated_tokens()
    {
        using SmallModel model = SmallModel.Stories();
        int[] prompt = model.Prompts.EncodeForTracing("Tom had a");
        SamplingOptions options = new() { MaximumTokens = 20 };
        int[] Run(params FeatureIntervention[] set) => [.. Intervening.Generate(model.Replacement, prompt, set, InterventionMode.Unfrozen, options)];
        FeatureIntervention strong = new(2, 1, 17, 6, OpenEnded: true);
        Run(strong with { Value = 40 }, strong).ShouldBe(Run(strong));
    }

    [Theory]
    [InlineData(4, 1, 0, 1, "no layer 4; the model's are 0 to 3")]
    [InlineData(-1, 1, 0, 1, "no layer -1")]
    [InlineData(0, 9, 0, 1, "no position 9; the prompt's are 0 to 8")]
    [InlineData(0, -1, 0, 1, "no position -1")]
    [InlineData(1, 1, 64, 1, "Layer 1 has no feature 64; it has 0 to 63")]
    [InlineData(1, 1, -5, 1, "no feature -5")]
    [InlineData(1, 1, 5, float.NaN, "set to NaN")]
    [InlineData(1, 1, 5, float.PositiveInfinity, "cannot be set")]
    public void Interventions_on_what_is_not_there_are_refused(int layer, int position, int feature, float value, string message)
    {
        using SmallModel model = SmallModel.Of("qwen3-plt-relu");
        FeatureIntervention[] set = [new(layer, position, feature, value)];
        Should.Throw<ArgumentException>(() => Intervening.Run(model.Replacement, Tokens, set)).Message.ShouldContain(message);
        Should.Throw<ArgumentException>(() => Intervening.Generate(model.Replacement, Tokens, set, InterventionMode.Direct, new SamplingOptions())).Message.ShouldContain(message);
    }

    /// <summary>The last position's logit less the mean of all.</summary>
    private static float AboveMean(Tensor logits, int token)
    {
        double sum = 0;
        foreach (float logit in logits.Row(Tokens.Length - 1)) sum += logit;
        return (float)(logits.Row(Tokens.Length - 1)[token] - sum / logits.Columns);
    }

    private static void Close(Tensor actual, Tensor expected, double tolerance)
    {
        double largest = TensorPrimitives.MaxMagnitude<float>(expected.Span);
        actual.Length.ShouldBe(expected.Length);
        for (int i = 0; i < expected.Length; i++) Math.Abs((double)actual.Span[i] - expected.Span[i]).ShouldBeLessThanOrEqualTo(tolerance * Math.Abs(largest), $"logit {i}");
    }
}
