using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments.Tests;

public class TrainedVectorTests
{
    private static readonly (string, string)[] Examples = [("Tom went to the park. He was", " sad"), ("Lily went home. She was", " sad"), ("Sue had a cat. It was", " sad")];

    [Fact]
    public void A_trained_vector_makes_the_texts_follow_that_it_was_trained_for()
    {
        using LoadedModel model = StoriesModel.Load();
        SteeringVector vector = TrainedVectors.Make(model, Examples, new VectorTraining { Layers = [2], Length = 3, Steps = 60 });
        SteeringVector.Norm(vector[2]).ShouldBeInRange(0.1f, 3.001f);
        vector.Recipe.Notes.Keys.ShouldBe(["loss, nats a token"]);
        ForwardHooks hooks = new Steering([new Addition(2, vector[2], 1, PositionRange.AllButFirst)]).Hooks(model.Specification);
        double before = 0, after = 0;
        foreach ((string prompt, string target) in Examples)
        {
            before += Loss(model, prompt, target, null);
            after += Loss(model, prompt, target, hooks);
        }
        after.ShouldBeLessThan(before / 2);
    }

    [Fact]
    public void What_cannot_be_trained_on_is_refused()
    {
        using LoadedModel model = StoriesModel.Load();
        VectorTraining training = new() { Layers = [9] };
        Should.Throw<ArgumentException>(() => TrainedVectors.Make(model, Examples, training)).Message.ShouldContain("There is no layer 9");
        Should.Throw<ArgumentException>(() => TrainedVectors.Make(model, [], training)).Message.ShouldContain("no examples");
        Should.Throw<ArgumentException>(() => TrainedVectors.Make(model, [("a", "")], new VectorTraining { Layers = [1] })).Message.ShouldContain("Nothing should follow");
    }

    /// <summary>Of the target's tokens, by plain forward passes.</summary>
    private static double Loss(LoadedModel model, string prompt, string target, ForwardHooks? hooks)
    {
        int[] before = model.Prompts.Encode(prompt), tokens = model.Prompts.Encode(prompt + target);
        Tensor logits = model.Transformer.Forward(tokens, hooks);
        double loss = 0;
        for (int i = before.AsSpan().CommonPrefixLength(tokens); i < tokens.Length; i++)
        {
            float[] row = logits.Row(i - 1).ToArray();
            VectorOperations.Softmax(row);
            loss -= Math.Log(row[tokens[i]]);
        }
        return loss;
    }
}
