using System.Numerics.Tensors;
using System.Text.Json.Nodes;
using Microtome.Models.Tests.Transformers;

namespace Microtome.Models.Tests.Sampling;

public class GenerationTests
{
    private static readonly int[] Prompt = [1, 81, 187];

    public static TheoryData<string, SamplingOptions> WaysToTakeTheMostProbable() => new()
    {
        { "temperature 0", new SamplingOptions { Temperature = 0, TopK = 5, TopP = 0.3 } },
        { "top-k 1", new SamplingOptions { Temperature = 2, TopK = 1 } },
        { "tiny top-p", new SamplingOptions { Temperature = 2, TopP = 1e-9 } },
        { "tiny temperature", new SamplingOptions { Temperature = 1e-6 } },
    };

    [Theory, MemberData(nameof(WaysToTakeTheMostProbable))]
    public void The_most_probable_token_is_taken(string way, SamplingOptions options)
    {
        using Checkpoint checkpoint = GoldenModels.Open("gpt2");
        Transformer model = new(checkpoint);
        List<int> expected = [.. Prompt];
        for (int i = 0; i < 12; i++)
        {
            Tensor logits = model.Forward([.. expected], logits: LogitRows.Last);
            expected.Add(TensorPrimitives.IndexOfMax<float>(logits.Span));
        }
        Generation.Generate(model, Prompt, options with { MaximumTokens = 12, IgnoreEndOfText = true, Seed = 5 }).ShouldBe(expected.Skip(Prompt.Length), way);
    }

    [Fact]
    public void Equal_seeds_give_equal_texts_and_others_other_texts()
    {
        using Checkpoint checkpoint = GoldenModels.Open("gpt2");
        Transformer model = new(checkpoint);
        int[] Run(int seed) => [.. Generation.Generate(model, Prompt, new SamplingOptions { Temperature = 1, Seed = seed, MaximumTokens = 20, IgnoreEndOfText = true })];
        Run(3).ShouldBe(Run(3));
        Run(3).ShouldNotBe(Run(4));
    }

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(2.5, 0, 1)]
    [InlineData(0.7, 12, 1)]
    [InlineData(1, 0, 0.6)]
    [InlineData(1.5, 20, 0.8)]
    public void Tokens_are_drawn_as_often_as_their_probabilities_say(double temperature, int topK, double topP)
    {
        const int Draws = 3000;
        using Checkpoint checkpoint = GoldenModels.Open("gpt2");
        Transformer model = new(checkpoint);
        Tensor? stream = null; // every step is made to end with this stream, so that all draws have the same probabilities
        Tensor logits = model.Forward(Prompt, new ForwardHooks().Add(HookPoint.UnembedIn, 0, (x, _) => stream = Tensor.From(x.Row(x.Rows - 1), 1, x.Columns)), logits: LogitRows.Last);
        ForwardHooks same = new ForwardHooks().Add(HookPoint.UnembedIn, 0, (x, _) => stream!.Span.CopyTo(x.Row(x.Rows - 1)));

        double[] probabilities = Expected(logits.Span.ToArray(), temperature, topK, topP);
        int[] counts = new int[probabilities.Length];
        for (int seed = 0; seed < Draws / 50; seed++)
            foreach (int token in Generation.Generate(model, Prompt, new SamplingOptions { Temperature = temperature, TopK = topK, TopP = topP, Seed = seed, MaximumTokens = 50, IgnoreEndOfText = true }, _ => same)) counts[token]++;

        double chiSquare = 0;
        int cells = 0;
        for (int token = 0; token < counts.Length; token++)
        {
            if (probabilities[token] == 0) counts[token].ShouldBe(0, $"token {token} takes no part");
            if (probabilities[token] * Draws < 5) continue;
            chiSquare += Math.Pow(counts[token] - probabilities[token] * Draws, 2) / (probabilities[token] * Draws);
            cells++;
        }
        // Five standard deviations of the chi-square distribution's normal approximation.
        chiSquare.ShouldBeLessThan(cells + 5 * Math.Sqrt(2.0 * cells));
    }

    [Fact]
    public void A_token_that_ends_a_text_is_the_last_unless_it_is_ignored()
    {
        using Checkpoint original = GoldenModels.Open("gpt2");
        int[] greedy = [.. Generation.Generate(new Transformer(original), Prompt, new SamplingOptions { MaximumTokens = 10, IgnoreEndOfText = true })];
        int end = greedy[3], first = Array.IndexOf(greedy, end);

        using TemporaryFolder folder = new();
        JsonNode configuration = JsonNode.Parse(File.ReadAllText(Path.Combine(original.Folder, "config.json")))!;
        configuration["eos_token_id"] = end;
        folder.Write("config.json", configuration.ToJsonString());
        File.Copy(Path.Combine(original.Folder, "model.safetensors"), folder["model.safetensors"]);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Generation.Generate(new Transformer(checkpoint), Prompt, new SamplingOptions { MaximumTokens = 10 }).ShouldBe(greedy.Take(first + 1));
        Generation.Generate(new Transformer(checkpoint), Prompt, new SamplingOptions { MaximumTokens = 10, IgnoreEndOfText = true }).ShouldBe(greedy);
    }

    [Fact]
    public void Generation_ends_when_the_context_is_full()
    {
        using Checkpoint checkpoint = GoldenModels.Open("gpt2");
        Transformer model = new(checkpoint);
        int context = model.Specification.ContextLength;
        int[] prompt = [.. Enumerable.Repeat(7, context - 2)];
        Generation.Generate(model, prompt, new SamplingOptions { MaximumTokens = int.MaxValue, IgnoreEndOfText = true }).Count().ShouldBe(3); // the last is not run itself
    }

    [Fact]
    public void Hooks_are_asked_for_the_position_at_which_each_step_begins()
    {
        using Checkpoint checkpoint = GoldenModels.Open("gpt2");
        List<int> positions = [];
        _ = Generation.Generate(new Transformer(checkpoint), Prompt, new SamplingOptions { MaximumTokens = 4, IgnoreEndOfText = true }, position =>
        {
            positions.Add(position);
            return null;
        }).ToArray();
        positions.ShouldBe([0, 3, 4, 5]);
    }

    [Fact]
    public void Generation_can_be_cancelled_between_tokens()
    {
        using Checkpoint checkpoint = GoldenModels.Open("gpt2");
        using CancellationTokenSource cancellation = new();
        using IEnumerator<int> tokens = Generation.Generate(new Transformer(checkpoint), Prompt, new SamplingOptions { IgnoreEndOfText = true }, cancellation: cancellation.Token).GetEnumerator();
        tokens.MoveNext().ShouldBeTrue();
        cancellation.Cancel();
        Should.Throw<OperationCanceledException>(() => tokens.MoveNext());
    }

    [Fact]
    public void Options_out_of_range_are_refused_before_anything_runs()
    {
        using Checkpoint checkpoint = GoldenModels.Open("gpt2");
        Transformer model = new(checkpoint);
        foreach (SamplingOptions wrong in new SamplingOptions[]
        {
            new() { MaximumTokens = 0 }, new() { Temperature = -0.1 }, new() { Temperature = double.NaN }, new() { Temperature = double.PositiveInfinity },
            new() { TopP = 0 }, new() { TopP = 1.1 }, new() { TopP = double.NaN }, new() { TopK = -1 },
        }) Should.Throw<ArgumentException>(() => Generation.Generate(model, Prompt, wrong), wrong.ToString());
    }

    [Fact]
    public void Prompts_that_cannot_be_run_are_refused()
    {
        using Checkpoint checkpoint = GoldenModels.Open("gpt2");
        Transformer model = new(checkpoint);
        Should.Throw<ArgumentException>(() => Generation.Generate(model, [], new SamplingOptions())).Message.ShouldContain("no tokens");
        Should.Throw<ArgumentException>(() => Generation.Generate(model, new int[model.Specification.ContextLength + 1], new SamplingOptions())).Message.ShouldContain("context holds");
        Should.Throw<ArgumentException>(() => Generation.Generate(model, [1, 211], new SamplingOptions()).ToArray()).Message.ShouldContain("outside the vocabulary");
    }

    /// <summary>Softmax at a temperature, cut to the k most probable, then to the fewest that reach p of what is left.</summary>
    private static double[] Expected(float[] logits, double temperature, int topK, double topP)
    {
        double[] weights = Array.ConvertAll(logits, logit => Math.Exp((logit - logits.Max()) / temperature));
        int[] order = [.. Enumerable.Range(0, weights.Length).OrderByDescending(token => weights[token])];
        if (topK > 0) order = order[..Math.Min(topK, order.Length)];
        double total = order.Sum(token => weights[token]), sum = 0;
        int kept = 0;
        while (kept < order.Length && (sum < topP * total || topP == 1)) sum += weights[order[kept++]];
        double[] probabilities = new double[weights.Length];
        foreach (int token in order[..kept]) probabilities[token] = weights[token] / sum;
        return probabilities;
    }
}
