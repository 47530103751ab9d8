using System.Text.Json.Nodes;
using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments.Tests;

public sealed class AutoencoderSteeringTests : IDisposable
{
    private static readonly int[] Tokens = [1, 81, 187, 5, 120, 33, 64, 7, 199, 14, 2, 90];
    private readonly TemporaryFolder _folder = new();

    /// <summary>SAELens's own files of random autoencoders, as wide as the golden models.</summary>
    private string Autoencoder(string kind, string hook)
    {
        string from = Path.Combine(TestFiles.Repository, "tests", "data", "golden", "saes", kind), to = Directory.CreateDirectory(_folder[$"{kind} {hook}"]).FullName;
        File.Copy(Path.Combine(from, "sae_weights.safetensors"), Path.Combine(to, "sae_weights.safetensors"), overwrite: true);
        JsonNode configuration = JsonNode.Parse(File.ReadAllText(Path.Combine(from, "cfg.json")))!;
        configuration["metadata"]!["hook_name"] = hook;
        File.WriteAllText(Path.Combine(to, "cfg.json"), configuration.ToJsonString());
        return to;
    }

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string, string> Places { get; } = new()
    {
        { "llama", "gated", "blocks.1.hook_resid_post" },
        { "llama", "standard-layer-norm", "blocks.1.hook_resid_pre" },
        { "llama", "topk", "blocks.0.hook_resid_pre" },
        { "gemma2", "topk", "blocks.2.hook_mlp_out" },
        { "gemma2", "standard-layer-norm", "blocks.1.mlp.hook_out" },
        { "gpt2", "gated", "blocks.1.hook_attn_out" },
        { "gpt2", "standard-layer-norm", "blocks.2.hook_resid_mid" },
        { "pythia", "topk", "blocks.3.hook_resid_post" },
    };

    [Theory, MemberData(nameof(Places))]
    public void Latents_are_changed_and_the_autoencoders_error_is_kept(string family, string kind, string hook)
    {
        using LoadedModel model = StoriesModel.Golden(family);
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(Autoencoder(kind, hook));
        (HookPoint point, int layer, _, _) = autoencoder.FindHooks(model.Specification);
        Tensor before = null!;
        model.Transformer.Forward(Tokens, new ForwardHooks().Add(point, layer, (x, _) => before = x.Clone()));
        Tensor activations = autoencoder.Encode(before.AsMatrix());
        int active = Enumerable.Range(0, autoencoder.Latents).MaxBy(latent => activations.Row(5)[latent]), other = (active + 7) % autoencoder.Latents;
        activations.Row(5)[active].ShouldBeGreaterThan(0);
        Steering steering = new([new AutoencoderEdit(autoencoder, active, LatentChange.Scale(-0.5f), PositionRange.AllButFirst), new AutoencoderEdit(autoencoder, other, LatentChange.Clamp(2.5f), new PositionRange(3, 6))]);

        // The plain way: decode the changed activations, and add what decoding the unchanged ones leaves over.
        Tensor changed = activations.Clone();
        for (int position = 1; position < Tokens.Length; position++)
        {
            changed.Row(position)[active] *= -0.5f;
            if (position is >= 3 and <= 6) changed.Row(position)[other] = 2.5f;
        }
        Tensor reconstruction = autoencoder.Decode(activations, before.AsMatrix()), wanted = autoencoder.Decode(changed, before.AsMatrix());
        ForwardHooks plain = new ForwardHooks().Add(point, layer, (x, _) =>
        {
            for (int i = 0; i < x.Length; i++) x.Span[i] += wanted.Span[i] - reconstruction.Span[i];
        });
        ShouldBeClose(model.Transformer.Forward(Tokens, steering.Hooks(model.Specification)).Span, model.Transformer.Forward(Tokens, plain).Span);
    }

    [Theory, MemberData(nameof(Places))]
    public void A_pass_in_parts_through_a_cache_is_steered_as_a_whole_one(string family, string kind, string hook)
    {
        using LoadedModel model = StoriesModel.Golden(family);
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(Autoencoder(kind, hook));
        ForwardHooks hooks = new Steering([new AutoencoderEdit(autoencoder, 3, LatentChange.Clamp(2), PositionRange.AllButFirst), new AutoencoderEdit(autoencoder, 9, LatentChange.Scale(3), new PositionRange(4, 9))]).Hooks(model.Specification);
        Tensor whole = model.Transformer.Forward(Tokens, hooks);
        KeyValueCache cache = new(model.Specification, Tokens.Length);
        int row = 0;
        foreach (int size in new[] { 1, 4, 1, 1, 3, 2 })
        {
            Tensor part = model.Transformer.Forward(Tokens[row..(row + size)], hooks, cache);
            for (int i = 0; i < size; i++, row++) ShouldBeClose(part.Row(i), whole.Row(row));
        }
    }

    [Fact]
    public void A_latent_scaled_by_one_changes_no_bit_and_several_autoencoders_work_together()
    {
        using LoadedModel model = StoriesModel.Golden("llama");
        using SparseAutoencoder early = AutoencoderReader.Open(Autoencoder("gated", "blocks.0.hook_resid_post")), late = AutoencoderReader.Open(Autoencoder("topk", "blocks.2.hook_resid_post"));
        Tensor Logits(params SteeringEdit[] edits) => model.Transformer.Forward(Tokens, new Steering(edits).Hooks(model.Specification));
        Logits(new AutoencoderEdit(early, 3, LatentChange.Scale(1), PositionRange.All)).Span.SequenceEqual(model.Transformer.Forward(Tokens).Span).ShouldBeTrue();
        AutoencoderEdit first = new(early, 3, LatentChange.Clamp(4), PositionRange.All), second = new(late, 5, LatentChange.Clamp(4), PositionRange.All);
        Logits(first, second).Span.SequenceEqual(Logits(first).Span).ShouldBeFalse();
        Logits(first, second).Span.SequenceEqual(Logits(second).Span).ShouldBeFalse();
        Logits(first, second).Span.SequenceEqual(Logits(second, first).Span).ShouldBeTrue();
    }

    [Fact]
    public void A_latent_is_set_after_vectors_are_added()
    {
        using LoadedModel model = StoriesModel.Golden("llama");
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(Autoencoder("gated", "blocks.1.hook_resid_post"));
        float[] direction = RandomVectors.Make(48, [KeyValuePair.Create(0, 3f)], 4)[0], row = new float[48];
        autoencoder.DecoderRow(8, row);
        Tensor After(params SteeringEdit[] edits)
        {
            Tensor stream = null!;
            model.Transformer.Forward(Tokens, new Steering(edits).Hooks(model.Specification).Add(HookPoint.ResidPost, 1, (x, _) => stream = x.Clone()));
            return stream;
        }
        Addition addition = new(1, direction, 1, PositionRange.All);
        Tensor added = After(addition), both = After(new AutoencoderEdit(autoencoder, 8, LatentChange.Clamp(2), PositionRange.All), addition);
        float present = autoencoder.Encode(added.Row(4), 8);
        for (int i = 0; i < row.Length; i++) both.Row(4)[i].ShouldBe(added.Row(4)[i] + (2 - present) * row[i], 1e-5f);
    }

    [Fact]
    public void A_trace_sees_what_setting_a_latent_added()
    {
        using LoadedModel model = StoriesModel.Golden("llama");
        using TranscoderSet set = TranscoderReader.Open(Path.Combine(TestFiles.Repository, "tests", "data", "golden", "attribution", "llama-plt-skip", "transcoders"));
        using SparseAutoencoder before = AutoencoderReader.Open(Autoencoder("gated", "blocks.2.hook_resid_pre")), middle = AutoencoderReader.Open(Autoencoder("gated", "blocks.2.hook_resid_mid"));
        ForwardHooks hooks = new Steering([new AutoencoderEdit(before, 3, LatentChange.Clamp(4), new PositionRange(5, 6))]).HooksForTracing(model.Specification, set);
        AttributionGraph graph = Attributor.Attribute(new ReplacementModel(model.Transformer, set), Tokens, new AttributionOptions { Steering = hooks }, id => $"{id}");
        graph.Injections.Select(injection => (injection.Layer, injection.Position)).ShouldBe([(1, 5), (1, 6)]);
        Should.Throw<ArgumentException>(() => new Steering([new AutoencoderEdit(middle, 3, LatentChange.Clamp(4), PositionRange.All)]).HooksForTracing(model.Specification, set)).Message.ShouldContain("blocks.2.hook_resid_mid, where a trace does not see");
    }

    [Fact]
    public void What_latents_add_is_measured_against_the_stream()
    {
        using LoadedModel model = StoriesModel.Golden("llama");
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(Autoencoder("gated", "blocks.1.hook_resid_post"));
        float[] row = new float[48];
        autoencoder.DecoderRow(8, row);
        Tensor stream = null!;
        model.Transformer.Forward(Tokens, new ForwardHooks().Add(HookPoint.ResidPost, 1, (x, _) => stream = x.Clone()));
        SteeringMeasure measure = new();
        model.Transformer.Forward(Tokens, new Steering([new AutoencoderEdit(autoencoder, 8, LatentChange.Clamp(9), new PositionRange(4, 4))]).Hooks(model.Specification, measure));
        (measure.Layer, measure.Position).ShouldBe((1, 4));
        measure.LargestShare.ShouldBe((9 - autoencoder.Encode(stream.Row(4), 8)) * SteeringVector.Norm(row) / SteeringVector.Norm(stream.Row(4)), 1e-4);
    }

    [Fact]
    public void A_folder_and_a_number_name_a_latent()
    {
        using LoadedModel model = StoriesModel.Golden("llama");
        string folder = Autoencoder("gated", "blocks.2.hook_resid_pre");
        using SteeringResolver resolver = new(model.Specification);
        IReadOnlyList<SteeringEdit> Edits(string text) => resolver.Resolve([SteeringRequest.Parse(text)]).Edits;
        Edits($"{folder}#7@2:=5@3-").ShouldHaveSingleItem().ShouldBeOfType<AutoencoderEdit>().ShouldSatisfyAllConditions(edit => edit.Latent.ShouldBe(7), edit => edit.Change.ShouldBe(LatentChange.Clamp(5)), edit => edit.Positions.ShouldBe(new PositionRange(3, null)));
        float[] row = new float[48];
        ((AutoencoderEdit)Edits($"{folder}#7@2:*0")[0]).Autoencoder.DecoderRow(7, row);
        Edits($"{folder}#7@0,3:2").Cast<Addition>().Select(edit => (edit.Layer, edit.Strength)).ShouldBe([(0, 2f), (3, 2f)]);
        ((Addition)Edits($"{folder}#7@1:2")[0]).Direction.ShouldBe(row);
        ((Ablation)Edits($"{folder}#7@all:ablate")[0]).Direction.ShouldBe(row);
        void Refused(string text, string why) => Should.Throw<ArgumentException>(() => Edits(text)).Message.ShouldContain(why);
        Refused($"{folder}#7@1:=5", "its latents are set there; write @2");
        Refused($"{folder}#192@2:=5", "has no latent 192; it has 0 to 191");
        Refused($"{folder}@2:5", $"name a latent of its autoencoder as {folder}#120");
        Refused($"{_folder["none"]}#7@2:=5", "there is no such folder");
        Should.Throw<ArgumentException>(() => resolver.Resolve([SteeringRequest.Parse($"{folder}#7@2:=5"), SteeringRequest.Parse($"{folder}#7@2:*2@4")])).Message.ShouldContain("changed twice");
        using LoadedModel wide = StoriesModel.Load();
        using SteeringResolver other = new(wide.Specification);
        Should.Throw<InvalidDataException>(() => other.Resolve([SteeringRequest.Parse($"{folder}#7@2:=5")])).Message.ShouldContain("reads 48 values a token");
    }

    [Theory]
    [InlineData("blocks.2.hook_resid_post", 2)]
    [InlineData("blocks.2.hook_resid_pre", 1)]
    [InlineData("blocks.0.hook_resid_pre", 0)]
    [InlineData("blocks.3.hook_attn_out", 3)]
    [InlineData("blocks.3.attn.hook_z", null)]
    public void A_vector_of_latents_stands_at_the_layer_after_which_the_stream_has_them(string hook, int? layer)
    {
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(Autoencoder("gated", hook));
        if (layer is null)
        {
            Should.Throw<ArgumentException>(() => LatentVectors.Make(autoencoder, "sae", [(3, 1f)])).Message.ShouldContain("write at blocks.3.attn.hook_z, which is not the stream");
            return;
        }
        float[] first = new float[48], second = new float[48];
        autoencoder.DecoderRow(3, first);
        autoencoder.DecoderRow(5, second);
        SteeringVector vector = LatentVectors.Make(autoencoder, "sae", [(3, 1f), (5, -0.5f)]);
        vector.Directions.Keys.ShouldBe([layer.Value]);
        for (int i = 0; i < 48; i++) vector[layer.Value][i].ShouldBe(first[i] - 0.5f * second[i], 1e-6f);
        NearestLatents.Best(autoencoder, first, 1)[0].ShouldSatisfyAllConditions(near => near.Feature.ShouldBe(3), near => near.Decoder.ShouldBe(1, 1e-5f));
    }

    private static void ShouldBeClose(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        double largest = 0;
        foreach (float value in expected) largest = Math.Max(largest, Math.Abs(value));
        for (int i = 0; i < expected.Length; i++) Math.Abs((double)actual[i] - expected[i]).ShouldBeLessThanOrEqualTo(1e-4 * largest, $"element {i}");
    }
}
