using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits.Tests;

public class BackwardWalkTests
{
    private const double Tolerance = 2e-5; // of the row's largest edge

    private static readonly int[] Prompt = [1, 40, 7, 133, 92, 18, 3, 77, 154, 9, 201];

    [Theory]
    [InlineData("qwen3", TranscoderKind.PerLayer, "mlp.hook_in", "mlp.hook_out")]
    [InlineData("qwen3", TranscoderKind.CrossLayer, "hook_resid_mid", "hook_mlp_out")]
    [InlineData("qwen3", TranscoderKind.Skip, "mlp.hook_in", "mlp.hook_out")]
    [InlineData("gpt2", TranscoderKind.PerLayer, "ln2.hook_normalized", "hook_mlp_out")]
    [InlineData("gemma2", TranscoderKind.PerLayer, "ln2.hook_normalized", "hook_mlp_out")]
    [InlineData("gemma2", TranscoderKind.Skip, "mlp.hook_in", "mlp.hook_out")]
    [InlineData("gemma2", TranscoderKind.CrossLayer, "hook_resid_mid", "mlp.hook_out")]
    [InlineData("olmo2", TranscoderKind.PerLayer, "mlp.hook_in", "mlp.hook_out")]
    [InlineData("olmo2", TranscoderKind.CrossLayer, "hook_resid_mid", "hook_mlp_out")]
    [InlineData("olmo2", TranscoderKind.Skip, "mlp.hook_in", "mlp.hook_out")]
    [InlineData("pythia", TranscoderKind.PerLayer, "mlp.hook_in", "hook_mlp_out")]
    [InlineData("pythia", TranscoderKind.CrossLayer, "mlp.hook_in", "mlp.hook_out")]
    [InlineData("pythia", TranscoderKind.Skip, "mlp.hook_in", "mlp.hook_out")]
    public void Rows_are_what_running_each_source_forwards_through_the_frozen_model_gives(string family, TranscoderKind kind, string input, string output)
    {
        using Case one = new(family, kind, input, output);
        one.LargestDifference(batchSize: 256).ShouldBeLessThan(Tolerance);
    }

    [Theory]
    [InlineData("qwen3", TranscoderKind.PerLayer)]
    [InlineData("gemma2", TranscoderKind.Skip)]
    [InlineData("olmo2", TranscoderKind.CrossLayer)]
    [InlineData("pythia", TranscoderKind.Skip)]
    public void Rows_computed_a_few_at_a_time_are_the_same(string family, TranscoderKind kind)
    {
        using Case one = new(family, kind, "mlp.hook_in", "mlp.hook_out");
        one.LargestDifference(batchSize: 3).ShouldBeLessThan(Tolerance); // fewer than positions: targets are pulled through the lowest attention
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Short_prompts_have_right_rows(int tokens)
    {
        using Case one = new("qwen3", TranscoderKind.PerLayer, "mlp.hook_in", "mlp.hook_out", Prompt[..tokens]);
        one.LargestDifference(batchSize: 256).ShouldBeLessThan(Tolerance);
    }

    [Theory]
    [InlineData("qwen3", TranscoderKind.PerLayer, "mlp.hook_in", "mlp.hook_out", 256)]
    [InlineData("qwen3", TranscoderKind.Skip, "mlp.hook_in", "mlp.hook_out", 3)]
    [InlineData("gemma2", TranscoderKind.Skip, "mlp.hook_in", "mlp.hook_out", 256)]
    [InlineData("gemma2", TranscoderKind.CrossLayer, "hook_resid_mid", "hook_mlp_out", 256)]
    [InlineData("olmo2", TranscoderKind.CrossLayer, "hook_resid_mid", "mlp.hook_out", 3)]
    [InlineData("pythia", TranscoderKind.Skip, "mlp.hook_in", "hook_mlp_out", 256)]
    [InlineData("gpt2", TranscoderKind.PerLayer, "ln2.hook_normalized", "hook_mlp_out", 3)]
    public void Rows_of_a_steered_prompt_are_right_and_what_was_added_is_a_source(string family, TranscoderKind kind, string input, string output, int batchSize)
    {
        using Case one = new(family, kind, input, output, steered: true);
        one.LargestDifference(batchSize).ShouldBeLessThan(Tolerance);
        one.Injections.ShouldBeGreaterThan(8);
    }

    [Theory]
    [InlineData("qwen3", TranscoderKind.PerLayer)]
    [InlineData("gpt2", TranscoderKind.PerLayer)]
    [InlineData("gemma2", TranscoderKind.Skip)]
    [InlineData("olmo2", TranscoderKind.Skip)]
    [InlineData("pythia", TranscoderKind.Skip)]
    public void A_few_rows_for_which_the_first_token_is_not_pushed_up_are_the_same(string family, TranscoderKind kind)
    {
        using Case one = new(family, kind, "mlp.hook_in", "mlp.hook_out");
        one.LargestDifference(batchSize: 256, features: 5).ShouldBeLessThan(Tolerance);
    }

    [Theory]
    [InlineData("qwen3", TranscoderKind.PerLayer)]
    [InlineData("pythia", TranscoderKind.Skip)]
    public void What_steering_adds_at_the_first_position_is_a_source_beside_its_token(string family, TranscoderKind kind)
    {
        using Case one = new(family, kind, "mlp.hook_in", "mlp.hook_out", steered: true, first: 0);
        one.LargestDifference(batchSize: 256).ShouldBeLessThan(Tolerance);
    }

    [Theory]
    [InlineData("olmo2", TranscoderKind.CrossLayer)]
    [InlineData("gemma2", TranscoderKind.Skip)]
    [InlineData("gpt2", TranscoderKind.CrossLayer)]
    [InlineData("pythia", TranscoderKind.Skip)]
    public void Several_tokens_pushed_up_have_the_effects_that_pulling_gives(string family, TranscoderKind kind)
    {
        using Case one = new(family, kind, "mlp.hook_in", "mlp.hook_out");
        foreach (int count in new[] { 1, 4, 10 }) one.LargestDifferenceOfPushing(count).ShouldBeLessThan(Tolerance);
    }

    /// <summary>A golden model with random transcoders.</summary>
    private sealed class Case : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly Checkpoint _checkpoint;
        private readonly TranscoderSet _transcoders;
        private readonly ReplacementModel _model;
        private readonly int[] _tokens;
        private readonly ForwardHooks? _steering;

        public Case(string family, TranscoderKind kind, string input, string output, int[]? tokens = null, bool steered = false, int first = 1)
        {
            _checkpoint = Checkpoint.Open(TestFiles.Get($"golden/models/{family}"));
            _transcoders = RandomTranscoders.Write(_folder.Path, _checkpoint.Specification, kind, input, output);
            _model = new ReplacementModel(new Transformer(_checkpoint), _transcoders);
            _tokens = tokens ?? Prompt;
            if (steered) _steering = Everywhere(HookNames.ParsePoint(output), first);
        }

        public int Injections { get; private set; }

        /// <summary>Changes the stream wherever steering can.</summary>
        private static ForwardHooks Everywhere(HookPoint output, int first)
        {
            ForwardHook Noise(int from) => (x, at) =>
            {
                Random random = new(1000 * from + 10 * (int)at.Point + at.Layer); // the same in every pass
                for (int position = from; position < x.Rows; position += 3)
                    foreach (ref float value in x.Row(position)) value += (float)(random.NextDouble() - 0.5);
            };
            return new ForwardHooks().Add(HookPoint.Embed, 0, Noise(2)).Add(HookPoint.AttentionOut, 0, Noise(first)).Add(HookPoint.AttentionOut, 2, Noise(4))
                .Add(output, 1, Noise(3)).Add(HookPoint.MlpOut, 2, Noise(5)).Add(HookPoint.ResidPost, 0, Noise(6)).Add(HookPoint.ResidPost, 2, Noise(5)).Add(HookPoint.ResidPost, 3, Noise(1));
        }

        /// <summary>Between all edges and the twin's, relative to the largest edge of the row.</summary>
        /// <param name="features">How many features have rows; all when null.</param>
        public double LargestDifference(int batchSize, int? features = null)
        {
            AttributionOptions options = new() { BatchSize = batchSize, MaximumTargets = 3, TargetProbability = 1, MaximumFeatures = features, Steering = _steering };
            AttributionGraph graph = Attributor.Attribute(_model, _tokens, options, token => $"{token}");
            LocalReplacement local = LocalReplacement.Build(_model, _tokens, _steering);
            Injections = graph.Injections.Count;
            (_, Tensor vectors) = LogitTargets.Choose(_model.Transformer, local.Logits, options, token => $"{token}");
            graph.FeatureCount.ShouldBe(features ?? local.Features.Count);
            int[] rows = [.. graph.Selected, .. Enumerable.Range(local.Features.Count, graph.Targets.Count)]; // of the twin's
            if (_tokens.Length > 2) local.Features.Count.ShouldBeGreaterThan(local.Layers * _tokens.Length);

            FrozenForward forward = new(local);
            HashSet<int> selected = [.. graph.Selected];
            double[][] effects = [.. Sources(local, forward).Where((_, source) => source >= local.Features.Count || selected.Contains(source)).Select(source => forward.Effects(source, vectors))]; // [sources, rows]
            effects.Length.ShouldBe(graph.Edges.Columns);
            double worst = 0;
            for (int row = 0; row < graph.Edges.Rows; row++)
            {
                double largest = effects.Max(effect => Math.Abs(effect[rows[row]]));
                for (int source = 0; source < effects.Length; source++)
                    worst = Math.Max(worst, Math.Abs(graph.Edges.Row(row)[source] - effects[source][rows[row]]) / largest);
            }
            return worst;
        }

        /// <summary>Between rows whose first tokens were pushed up and rows that were pulled down to them, at those tokens and at all later positions, relative to the row's largest edge.</summary>
        public double LargestDifferenceOfPushing(int count)
        {
            LocalReplacement local = LocalReplacement.Build(_model, _tokens);
            int[] features = [.. Enumerable.Range(0, local.Features.Count).Where(feature => local.Features[feature].Position >= count).Reverse()];
            Tensor Rows(int pushed)
            {
                Tensor rows = new(features.Length, local.Sources);
                new RowComputation(local, new LeadingTokens(local, pushed, default), default).Features(features, rows.AsMatrix());
                return rows;
            }
            int PositionOf(int source) => source < local.Features.Count ? local.Features[source].Position : (source - local.Features.Count) % local.Positions;
            Tensor pulled = Rows(0), leading = Rows(count);
            double worst = 0;
            for (int row = 0; row < features.Length; row++)
            {
                double largest = pulled.Row(row).ToArray().Max(Math.Abs);
                for (int source = 0; source < local.Sources; source++)
                    if (source >= local.ErrorSource(local.Layers, 0) || PositionOf(source) >= count)
                        worst = Math.Max(worst, Math.Abs(pulled.Row(row)[source] - leading.Row(row)[source]) / largest);
            }
            return worst;
        }

        private static IEnumerable<FrozenForward.Source> Sources(LocalReplacement local, FrozenForward forward)
        {
            foreach (FeatureNode feature in local.Features) yield return forward.Feature(feature);
            for (int layer = 0; layer < local.Layers; layer++)
                for (int position = 0; position < local.Positions; position++) yield return forward.Error(layer, position);
            for (int position = 0; position < local.Positions; position++) yield return forward.Token(position);
            foreach (InjectionNode injection in local.Injected?.Nodes ?? []) yield return forward.Injection(injection);
        }

        public void Dispose()
        {
            _transcoders.Dispose();
            _checkpoint.Dispose();
            _folder.Dispose();
        }
    }
}
