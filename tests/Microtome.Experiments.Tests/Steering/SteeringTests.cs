using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments.Tests;

public class SteeringTests
{
    private static readonly int[] Tokens = [1, 81, 187, 5, 120, 33, 64, 7, 199, 14, 2, 90];

    private static readonly string[] Families = ["llama", "gemma2", "gpt2", "pythia", "qwen3", "olmo2"];

    public static TheoryData<string> AllFamilies() => [.. Families];

    [Theory, MemberData(nameof(AllFamilies))]
    public void An_addition_reaches_its_positions_and_layer_alone(string family)
    {
        using LoadedModel model = StoriesModel.Golden(family);
        float[] direction = Direction(model, 1);
        ForwardHooks hooks = new Steering([new Addition(1, direction, 2, new PositionRange(3, 5))]).Hooks(model.Specification);
        Tensor before = After(model, 1, null), steered = After(model, 1, hooks);
        for (int row = 0; row < Tokens.Length; row++)
            for (int c = 0; c < direction.Length; c++)
                steered.Row(row)[c].ShouldBe(before.Row(row)[c] + (row is >= 3 and <= 5 ? 2 * direction[c] : 0), 1e-5f);
        After(model, 0, hooks).Span.SequenceEqual(After(model, 0, null).Span).ShouldBeTrue();
    }

    [Theory, MemberData(nameof(AllFamilies))]
    public void A_pass_in_parts_through_a_cache_is_steered_as_a_whole_one(string family)
    {
        using LoadedModel model = StoriesModel.Golden(family);
        ForwardHooks hooks = Mixed(model).Hooks(model.Specification);
        Tensor whole = model.Transformer.Forward(Tokens, hooks);
        KeyValueCache cache = new(model.Specification, Tokens.Length);
        int row = 0;
        foreach (int size in new[] { 1, 4, 1, 1, 3, 2 })
        {
            Tensor part = model.Transformer.Forward(Tokens[row..(row + size)], hooks, cache);
            for (int i = 0; i < size; i++, row++) ShouldBeClose(part.Row(i), whole.Row(row));
        }
    }

    [Theory, MemberData(nameof(AllFamilies))]
    public void Sequences_of_a_batch_are_each_steered_their_own_way(string family)
    {
        using LoadedModel model = StoriesModel.Golden(family);
        int[][] sequences = [Tokens, Tokens[..5], Tokens[2..], Tokens];
        Steering?[] steerings = [Mixed(model), null, new Steering([new Addition(2, Direction(model, 3), -4, PositionRange.All)]), Mixed(model, 5)];
        Tensor together = model.Transformer.Forward(sequences, Steering.HooksFor(model.Specification, steerings), logits: LogitRows.Last);
        for (int i = 0; i < sequences.Length; i++)
            ShouldBeClose(together.Row(i), model.Transformer.Forward(sequences[i], steerings[i]?.Hooks(model.Specification), logits: LogitRows.Last).Row(0));
    }

    [Fact]
    public void Generation_with_steering_continues_as_whole_passes_do()
    {
        using LoadedModel model = StoriesModel.Load();
        using TranscoderSet set = StoriesModel.Transcoders();
        Steering steering = new([new Addition(2, Direction(model, 1), 3, PositionRange.AllButFirst), new LatentEdit(set, 3, 300, LatentChange.Clamp(4), new PositionRange(2, null))]);
        ForwardHooks hooks = steering.Hooks(model.Specification);
        List<int> text = [.. model.Prompts.Encode("Lily had a")];
        int[] generated = [.. Generation.Generate(model.Transformer, [.. text], new SamplingOptions { MaximumTokens = 12, IgnoreEndOfText = true }, _ => hooks)];
        foreach (int token in generated)
        {
            Tensor logits = model.Transformer.Forward([.. text], hooks, logits: LogitRows.Last);
            System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(logits.Span).ShouldBe(token);
            text.Add(token);
        }
    }

    [Fact]
    public void Strengths_count_the_vector_its_unit_or_the_stream()
    {
        using LoadedModel model = StoriesModel.Golden("llama");
        float[] direction = Direction(model, 4);
        Tensor before = After(model, 1, null);
        foreach ((SteeringUnit unit, float strength) in new[] { (SteeringUnit.Vector, 3f), (SteeringUnit.Length, 3f), (SteeringUnit.Share, 0.25f) })
        {
            Tensor steered = After(model, 1, new Steering([new Addition(1, direction, strength, PositionRange.All, unit)]).Hooks(model.Specification));
            for (int row = 0; row < Tokens.Length; row++)
            {
                float[] added = [.. Enumerable.Range(0, direction.Length).Select(c => steered.Row(row)[c] - before.Row(row)[c])];
                float expected = unit switch { SteeringUnit.Vector => 3 * SteeringVector.Norm(direction), SteeringUnit.Length => 3, _ => 0.25f * SteeringVector.Norm(before.Row(row)) };
                SteeringVector.Norm(added).ShouldBe(expected, expected * 1e-4f);
                SteeringVector.Cosine(added, direction).ShouldBe(1, 1e-4f);
            }
        }
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("gpt2")]
    [InlineData("pythia")]
    [InlineData("gemma2")]
    public void An_ablated_direction_is_nowhere_in_the_stream(string family)
    {
        using LoadedModel model = StoriesModel.Golden(family);
        float[] direction = Direction(model, 2);
        int layers = model.Specification.Layers.Count;
        ForwardHooks hooks = new Steering([new Ablation([.. Enumerable.Range(0, layers)], Embedding: true, direction, new PositionRange(2, null))]).Hooks(model.Specification);
        for (int layer = 0; layer < layers; layer++)
        {
            Tensor stream = After(model, layer, hooks);
            for (int row = 0; row < Tokens.Length; row++)
            {
                float cosine = Math.Abs(SteeringVector.Cosine(stream.Row(row), direction));
                if (row >= 2) cosine.ShouldBeLessThan(1e-4f);
            }
            Math.Abs(SteeringVector.Cosine(After(model, layer, null).Row(5), direction)).ShouldBeGreaterThan(1e-4f);
        }
    }

    [Theory]
    [InlineData("qwen3-plt-relu")]
    [InlineData("gpt2-plt-topk")]
    [InlineData("gemma2-clt-jumprelu")]
    [InlineData("llama-plt-skip")]
    public void A_clamped_latent_is_an_unfrozen_intervention(string golden)
    {
        using LoadedModel model = StoriesModel.Golden(golden.Split('-')[0]);
        using TranscoderSet set = TranscoderReader.Open(Path.Combine(TestFiles.Repository, "tests", "data", "golden", "attribution", golden, "transcoders"));
        ReplacementModel replacement = new(model.Transformer, set);
        FeatureNode active = LocalReplacement.Build(replacement, Tokens).Features.First(feature => feature.Layer == 1 && feature.Position > 3);
        foreach (float value in new[] { 0f, 2.5f })
        {
            Steering steering = new([new LatentEdit(set, 1, active.Feature, LatentChange.Clamp(value), PositionRange.AllButFirst), new LatentEdit(set, 2, 5, LatentChange.Clamp(1), new PositionRange(4, 4))]);
            Tensor expected = Intervening.Run(replacement, Tokens, [new FeatureIntervention(1, 1, active.Feature, value, OpenEnded: true), new FeatureIntervention(2, 4, 5, 1)], InterventionMode.Unfrozen).Logits;
            ShouldBeClose(model.Transformer.Forward(Tokens, steering.Hooks(model.Specification)).Span, expected.Span);
        }
    }

    [Fact]
    public void A_latent_scaled_by_one_changes_nothing_and_by_zero_is_off()
    {
        using LoadedModel model = StoriesModel.Load();
        using TranscoderSet set = StoriesModel.Transcoders();
        int[] tokens = model.Prompts.Encode("Once upon a time, there was a little girl named");
        Tensor Logits(LatentChange change) => model.Transformer.Forward(tokens, new Steering([new LatentEdit(set, 4, 142, change, PositionRange.AllButFirst)]).Hooks(model.Specification), logits: LogitRows.Last);
        Tensor plain = model.Transformer.Forward(tokens, logits: LogitRows.Last);
        Logits(LatentChange.Scale(1)).Span.SequenceEqual(plain.Span).ShouldBeTrue();
        Logits(LatentChange.Scale(0)).Span.SequenceEqual(Logits(LatentChange.Clamp(0)).Span).ShouldBeTrue();
        Logits(LatentChange.Scale(0)).Span.SequenceEqual(plain.Span).ShouldBeFalse();
    }

    [Fact]
    public void Additions_are_measured_together_against_the_stream()
    {
        using LoadedModel model = StoriesModel.Golden("llama");
        float[] direction = Direction(model, 6);
        Tensor stream = After(model, 1, null);
        SteeringMeasure measure = new();
        Steering steering = new([new Addition(1, direction, 1, new PositionRange(4, 4)), new Addition(1, direction, 2, new PositionRange(4, 6))]);
        model.Transformer.Forward(Tokens, steering.Hooks(model.Specification, measure));
        measure.Layer.ShouldBe(1);
        measure.Position.ShouldBe(4);
        measure.LargestShare.ShouldBe(3 * SteeringVector.Norm(direction) / SteeringVector.Norm(stream.Row(4)), 1e-4);
    }

    [Fact]
    public void What_does_not_fit_the_model_is_refused()
    {
        using LoadedModel model = StoriesModel.Load();
        using TranscoderSet set = StoriesModel.Transcoders();
        void Refused(string why, params SteeringEdit[] edits) => Should.Throw<ArgumentException>(() => new Steering(edits).Hooks(model.Specification)).Message.ShouldContain(why);
        Refused("There is no layer 5 to steer; the model's are 0 to 4", new Addition(5, new float[64], 1, PositionRange.All));
        Refused("The vector has width 63, but the model's stream has 64", new Addition(1, new float[63], 1, PositionRange.All));
        Refused("cannot be ablated", new Ablation([1], false, new float[64], PositionRange.All));
        Refused("no latent 768", new LatentEdit(set, 1, 768, LatentChange.Clamp(1), PositionRange.All));
        Refused("is changed twice at the same positions", new LatentEdit(set, 1, 7, LatentChange.Clamp(1), PositionRange.All), new LatentEdit(set, 1, 7, LatentChange.Scale(2), new PositionRange(3, 3)));
    }

    /// <summary>Several additions and an ablation at once.</summary>
    private static Steering Mixed(LoadedModel model, int seed = 1) => new(
    [
        new Addition(0, Direction(model, seed), 1.5f, new PositionRange(2, null)),
        new Addition(2, Direction(model, seed + 1), 0.3f, PositionRange.AllButFirst, SteeringUnit.Share),
        new Addition(2, Direction(model, seed + 2), -2, new PositionRange(6, 8)),
        new Ablation([1, 3], Embedding: true, Direction(model, seed + 3), new PositionRange(0, 7)),
    ]);

    private static float[] Direction(LoadedModel model, int seed) => RandomVectors.Make(model.Specification.ModelWidth, [KeyValuePair.Create(0, 1f)], seed)[0];

    private static Tensor After(LoadedModel model, int layer, ForwardHooks? hooks)
    {
        Tensor stream = null!;
        ForwardHooks all = new();
        if (hooks is not null) all.Add(hooks);
        model.Transformer.Forward(Tokens, all.Add(HookPoint.ResidPost, layer, (x, _) => stream = x.Clone()));
        return stream;
    }

    private static void ShouldBeClose(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        double largest = 0;
        foreach (float value in expected) largest = Math.Max(largest, Math.Abs(value));
        for (int i = 0; i < expected.Length; i++) Math.Abs((double)actual[i] - expected[i]).ShouldBeLessThanOrEqualTo(1e-4 * largest, $"element {i}");
    }
}
