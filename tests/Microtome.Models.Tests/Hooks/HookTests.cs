using Microtome.Models.Tests.Transformers;

namespace Microtome.Models.Tests.Hooks;

public class HookTests
{
    private static readonly int[] Tokens = GoldenModels.Tokens;

    public static TheoryData<string> Families() => GoldenModels.Families();

    [Theory, MemberData(nameof(Families))]
    public void Every_point_that_a_model_has_is_passed_once_a_layer_with_its_shape_and_no_other(string family)
    {
        using Checkpoint checkpoint = GoldenModels.Open(family);
        Transformer model = new(checkpoint);
        ModelSpecification specification = model.Specification;
        List<(HookPoint Point, int Layer, int[] Shape)> passed = [];
        ForwardHooks hooks = new();
        foreach (HookPoint point in Enum.GetValues<HookPoint>())
            for (int layer = 0; layer < (point.IsInLayer() ? specification.Layers.Count : 1); layer++)
                hooks.Add(point, layer, (x, at) => passed.Add((at.Point, at.Layer, x.Shape.ToArray())));
        model.Forward(Tokens, hooks);

        HookPoint[] available = [.. HookNames.Available(specification)];
        passed.Select(one => (one.Point, one.Layer)).ShouldBe(
            available.SelectMany(point => Enumerable.Range(0, point.IsInLayer() ? specification.Layers.Count : 1).Select(layer => (point, layer))), ignoreOrder: true);
        foreach ((HookPoint point, int layer, int[] shape) in passed) shape.ShouldBe(Shape(point, specification), point.FullName(layer));
    }

    [Theory, MemberData(nameof(Families))]
    public void What_a_hook_changes_changes_what_follows(string family)
    {
        using Checkpoint checkpoint = GoldenModels.Open(family);
        Transformer model = new(checkpoint);
        Tensor original = model.Forward(Tokens);
        foreach (HookPoint point in HookNames.Available(model.Specification))
            for (int layer = 0; layer < (point.IsInLayer() ? model.Specification.Layers.Count : 1); layer++)
            {
                ForwardHooks hooks = new ForwardHooks().Add(point.FullName(layer), model.Specification, (x, _) =>
                {
                    for (int i = 0; i < x.Length; i++) x.Span[i] *= 1 + 0.2f * (i % 3); // nothing that a norm would undo
                });
                model.Forward(Tokens, hooks).Span.SequenceEqual(original.Span).ShouldBeFalse(point.FullName(layer));
            }
        model.Forward(Tokens).Span.SequenceEqual(original.Span).ShouldBeTrue("without hooks all is as before");
    }

    [Theory, MemberData(nameof(Families))]
    public void Reading_changes_nothing(string family)
    {
        using Checkpoint checkpoint = GoldenModels.Open(family);
        Transformer model = new(checkpoint);
        ForwardHooks hooks = new();
        foreach (HookPoint point in HookNames.Available(model.Specification))
            for (int layer = 0; layer < (point.IsInLayer() ? model.Specification.Layers.Count : 1); layer++) hooks.Add(point, layer, (_, _) => { });
        GoldenModels.ShouldBeClose(model.Forward(Tokens, hooks).Span, model.Forward(Tokens).Span, 1e-6);
    }

    [Fact]
    public void Hooks_of_one_point_run_in_the_order_in_which_they_were_added()
    {
        using Checkpoint checkpoint = GoldenModels.Open("qwen3");
        List<int> order = [];
        ForwardHooks more = new ForwardHooks().Add(HookPoint.MlpOut, 1, (_, _) => order.Add(3));
        new Transformer(checkpoint).Forward(Tokens, new ForwardHooks().Add(HookPoint.MlpOut, 1, (_, _) => order.Add(1)).Add(HookPoint.MlpOut, 1, (_, _) => order.Add(2)).Add(more));
        order.ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void Patterns_are_seen_for_each_sequence_of_a_batch()
    {
        using Checkpoint checkpoint = GoldenModels.Open("qwen3");
        List<(int Sequence, int Queries)> seen = [];
        new Transformer(checkpoint).Forward([Tokens[..3], Tokens[..7]], new ForwardHooks().Add(HookPoint.AttentionPattern, 0, (x, at) => seen.Add((at.Sequence, x.Shape[1]))));
        seen.ShouldBe([(0, 3), (1, 7)]);
    }

    [Theory, MemberData(nameof(Families))]
    public void Names_are_read_back_as_they_are_written(string family)
    {
        using Checkpoint checkpoint = GoldenModels.Open(family);
        foreach (HookPoint point in HookNames.Available(checkpoint.Specification))
        {
            int layer = point.IsInLayer() ? checkpoint.Specification.Layers.Count - 1 : 0;
            HookNames.Parse(point.FullName(layer), checkpoint.Specification).ShouldBe((point, layer));
            HookNames.ParsePoint(point.Name()).ShouldBe(point);
        }
    }

    [Theory]
    [InlineData("blocks.0.hook_nonsense", "hook_resid_mid")]
    [InlineData("nonsense", "hook_resid_mid")]
    [InlineData("", "hook_resid_mid")]
    [InlineData("blocks.4.hook_resid_pre", "blocks.0 to blocks.3")]
    [InlineData("blocks.-1.hook_resid_pre", "blocks.0 to blocks.3")]
    [InlineData("blocks.x.hook_resid_pre", "blocks.0 to blocks.3")]
    [InlineData("blocks.0", "blocks.0 to blocks.3")]
    [InlineData("hook_resid_pre", "blocks.N.hook_resid_pre")]
    [InlineData("blocks.0.hook_embed", "hook_embed")]
    [InlineData("hook_pos_embed", "blocks.N.hook_resid_pre")] // qwen3 has no learned positions
    public void Names_that_a_model_does_not_have_are_answered_with_those_it_has(string name, string listed)
    {
        using Checkpoint checkpoint = GoldenModels.Open("qwen3");
        Should.Throw<ArgumentException>(() => new ForwardHooks().Add(name, checkpoint.Specification, (_, _) => { })).Message.ShouldContain(listed);
    }

    private static int[] Shape(HookPoint point, ModelSpecification model)
    {
        int rows = Tokens.Length, heads = model.Attention.Heads, queries = heads * model.Attention.HeadWidth, keys = model.Attention.KeyValueHeads * model.Attention.HeadWidth;
        return point switch
        {
            HookPoint.AttentionNormScale or HookPoint.AttentionPostNormScale or HookPoint.MlpNormScale or HookPoint.MlpPostNormScale or HookPoint.FinalNormScale => [rows, 1],
            HookPoint.Query or HookPoint.RotatedQuery or HookPoint.HeadOutput => [rows, queries],
            HookPoint.Key or HookPoint.RotatedKey or HookPoint.Value => [rows, keys],
            HookPoint.AttentionScores or HookPoint.AttentionPattern => [heads, rows, rows],
            HookPoint.MlpPre or HookPoint.MlpPreLinear or HookPoint.MlpPost => [rows, model.Mlp.Width],
            _ => [rows, model.ModelWidth],
        };
    }
}
