using Microtome.Models;

namespace Microtome.Experiments.Tests.Trials;

public class TrialRunnerTests
{
    private static readonly AnswerOption[] YesOrNo = [new("yes", [" yes", " Yes"]), new("no", [" no", " No"])];

    private static TrialPrompt Prompt(LoadedModel model, string question = "Is the sea big?") =>
        TrialPrompt.Create(model.Prompts, "sea", $"Tom and Lily talk. Question: {question} Answer:", [("question", question)], YesOrNo);

    private static Steering Change(LoadedModel model, int layer, double strength, PositionRange positions, int seed = 1) =>
        new([new Addition(layer, RandomVectors.Make(model.Specification.ModelWidth, [KeyValuePair.Create(layer, 1f)], seed)[layer], (float)strength, positions, SteeringUnit.Share)]);

    [Fact]
    public void Sharing_the_layers_changes_no_bit_and_sharing_the_prefix_only_the_order_of_attentions_sums()
    {
        using LoadedModel model = StoriesModel.Load();
        TrialPrompt prompt = Prompt(model);
        prompt.Options.Tails.Count.ShouldBeGreaterThan(1); // its spellings are of several tokens
        PositionRange positions = prompt.Positions("question-");
        TrialRunner plain = new(model.Transformer, Sharing.None);
        for (int layer = 0; layer < 5; layer++)
        {
            Steering?[] changes = [Change(model, layer, 0.5, positions), null, Change(model, layer, 4, positions, 2), Change(model, 4, 1, prompt.Positions("last"))];
            AnswerReading[] one = [.. changes.Select(change => plain.Run(prompt, [change])[0])];
            foreach (Sharing sharing in new[] { Sharing.None, Sharing.Prefix, Sharing.Layers, Sharing.All })
            {
                TrialRunner runner = new(model.Transformer, sharing);
                for (int again = 0; again < 2; again++)
                {
                    IReadOnlyList<AnswerReading> together = runner.Run(prompt, changes);
                    for (int i = 0; i < changes.Length; i++)
                    {
                        double tolerance = sharing.HasFlag(Sharing.Prefix) ? 1e-4 : double.Epsilon;
                        together[i].LogProbabilities.ShouldBe(one[i].LogProbabilities, tolerance, $"{sharing}, layer {layer}, change {i}");
                        together[i].Entropy.ShouldBe(one[i].Entropy, tolerance);
                    }
                }
            }
        }
    }

    [Fact]
    public void Ablations_and_latents_are_run_from_the_first_layer()
    {
        using LoadedModel model = StoriesModel.Load();
        TrialPrompt prompt = Prompt(model);
        float[] direction = RandomVectors.Make(model.Specification.ModelWidth, [KeyValuePair.Create(0, 1f)], 3)[0];
        Steering?[] changes = [new([new Ablation([0, 1, 2, 3, 4], true, direction, PositionRange.All)]), Change(model, 3, 1, prompt.Positions("question-"))];
        AnswerReading[] plain = [.. changes.Select(change => new TrialRunner(model.Transformer, Sharing.None).Run(prompt, [change])[0])];
        IReadOnlyList<AnswerReading> shared = new TrialRunner(model.Transformer).Run(prompt, changes);
        for (int i = 0; i < 2; i++) shared[i].LogProbabilities.ShouldBe(plain[i].LogProbabilities);
    }

    [Fact]
    public void A_spelling_of_several_tokens_has_the_product_of_their_probabilities()
    {
        using LoadedModel model = StoriesModel.Load();
        TrialPrompt prompt = Prompt(model);
        AnswerReading reading = new TrialRunner(model.Transformer).Run(prompt, [null])[0];
        double expected = 0;
        foreach (string spelling in new[] { " yes", " Yes" })
        {
            int[] all = model.Prompts.Encode(prompt.Text + spelling);
            Tensor logits = model.Transformer.Forward(all);
            double log = 0;
            for (int i = prompt.Tokens.Length; i < all.Length; i++) log += logits.Row(i - 1)[all[i]] - Descriptive.LogSumExp([.. logits.Row(i - 1).ToArray().Select(value => (double)value)]);
            expected += Math.Exp(log);
        }
        Math.Exp(reading.LogProbabilities[0]).ShouldBe(expected, 1e-9 + 1e-5 * expected);
    }

    [Fact]
    public void A_model_that_breaks_is_a_result()
    {
        using LoadedModel model = StoriesModel.Load();
        TrialPrompt prompt = Prompt(model);
        float[] infinite = new float[model.Specification.ModelWidth];
        Array.Fill(infinite, 3e38f);
        AnswerReading reading = new TrialRunner(model.Transformer).Run(prompt, [new Steering([new Addition(2, infinite, 10, PositionRange.All)])])[0];
        reading.Status.ShouldBe(AnswerReading.NotANumber);
        reading.LogProbabilities.ShouldAllBe(value => double.IsNaN(value));
    }

    [Fact]
    public void Options_that_tokenise_alike_are_refused_with_what_and_where()
    {
        using LoadedModel model = StoriesModel.Load();
        string message = Should.Throw<ArgumentException>(() => TrialPrompt.Create(model.Prompts, "which", "Question: who? Answer:", [], [new("yes", [" yes"]), new("y", [" y"])])).Message;
        message.ShouldContain("The question 'which'");
        message.ShouldContain("tokenise alike: \" y\" is");
        Should.Throw<ArgumentException>(() => TrialPrompt.Create(model.Prompts, "same", "A:", [], [new("a", [" cat"]), new("b", [" cat"])])).Message.ShouldContain("tokenise alike");
    }

    [Fact]
    public void Spellings_that_begin_with_another_of_the_same_option_are_counted_once()
    {
        using LoadedModel model = StoriesModel.Load();
        TrialPrompt both = TrialPrompt.Create(model.Prompts, "q", "Answer:", [], [new("yes", [" yes", " y"]), new("no", [" no"])]);
        TrialPrompt one = TrialPrompt.Create(model.Prompts, "q", "Answer:", [], [new("yes", [" y"]), new("no", [" no"])]);
        TrialRunner runner = new(model.Transformer);
        runner.Run(both, [null])[0].LogProbabilities.ShouldBe(runner.Run(one, [null])[0].LogProbabilities);
    }

    [Fact]
    public void Parts_of_a_prompt_are_the_tokens_that_stand_for_them()
    {
        using LoadedModel model = StoriesModel.Load();
        TrialPrompt prompt = Prompt(model, "Is the sea big?");
        PositionRange question = prompt.Positions("question");
        string.Concat(prompt.Tokens[question.First..(question.Last!.Value + 1)].Select(model.Prompts.TextOf)).Trim().ShouldBe("Is the sea big?");
        prompt.Positions("question-").ShouldBe(new PositionRange(question.First, null));
        prompt.Positions("last").First.ShouldBe(prompt.Tokens.Length - 1);
        Should.Throw<ArgumentException>(() => prompt.Positions("answer")).Message.ShouldContain("question-");
        Should.Throw<ArgumentException>(() => prompt.Positions("999")).Message.ShouldContain("positions 0 to");
    }

    [Fact]
    public void A_checkpoint_without_a_tokenizer_is_asked_in_ids()
    {
        using LoadedModel model = StoriesModel.Golden("qwen3");
        if (model.Prompts.HasTokenizer) return;
        TrialPrompt prompt = TrialPrompt.Create(model.Prompts, "ids", "1 2 3 4 5", [("question", "4 5")], [new("yes", ["6"]), new("no", ["7", "8"])]);
        prompt.Positions("question").ShouldBe(new PositionRange(3, 4));
        new TrialRunner(model.Transformer).Run(prompt, [null])[0].IsFine.ShouldBeTrue();
    }
}
