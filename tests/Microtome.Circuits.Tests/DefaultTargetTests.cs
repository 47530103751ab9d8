using Microtome.Circuits;
using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Circuits.Tests;

public sealed class DefaultTargetTests
{
    [Theory]
    [InlineData("golden/models/qwen3", "golden/attribution/qwen3-plt-relu/golden.safetensors", 5, 0.9)]
    [InlineData("golden/models/gemma2", "golden/attribution/gemma2-clt-jumprelu/golden.safetensors", 5, 0.9)]
    [InlineData(null, "models/stories260k-transcoders/reference/golden.safetensors", 10, 0.95)]
    public void The_fewest_most_probable_tokens_that_reach_the_sum_are_explained(string? model, string golden, int most, double probability)
    {
        string folder = model is null ? Path.Combine(TestFiles.Repository, "models", "stories260k") : TestFiles.Get(model);
        using SafetensorsFile expected = SafetensorsFile.Open(TestFiles.Get(golden));
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        Transformer transformer = new(checkpoint);
        int[] tokens = [.. expected.Get("input_ids").ToInt64().Select(id => (int)id)];
        AttributionOptions options = new() { MaximumTargets = most, TargetProbability = probability };

        Tensor logits = transformer.Forward(tokens, logits: LogitRows.Last);
        (GraphTarget[] targets, _) = LogitTargets.Choose(transformer, logits, options, id => $"t{id}");

        targets.Select(target => (long)target.Token).ShouldBe(expected.Get("logit_token_ids").ToInt64());
    }
}
