namespace Microtome.Models.Tests.Transformers;

public class TransformerTests
{
    private static readonly int[] Tokens = GoldenModels.Tokens;

    public static TheoryData<string> Families() => GoldenModels.Families();

    [Theory, MemberData(nameof(Families))]
    public void Tokens_given_one_after_another_through_a_cache_get_the_logits_of_the_whole(string family)
    {
        using Checkpoint checkpoint = GoldenModels.Open(family);
        Transformer model = new(checkpoint);
        Tensor whole = model.Forward(Tokens);
        KeyValueCache cache = new(model.Specification, Tokens.Length);
        for (int i = 0; i < Tokens.Length; i++)
        {
            GoldenModels.ShouldBeClose(model.Forward([Tokens[i]], cache: cache).Span, whole.Row(i), 1e-5);
            cache.Length.ShouldBe(i + 1);
        }
    }

    [Theory, MemberData(nameof(Families))]
    public void A_shortened_cache_goes_on_with_other_tokens(string family)
    {
        using Checkpoint checkpoint = GoldenModels.Open(family);
        Transformer model = new(checkpoint);
        KeyValueCache cache = new(model.Specification, Tokens.Length);
        model.Forward(Tokens, cache: cache);
        cache.Length = 6;
        GoldenModels.ShouldBeClose(model.Forward([150, 3], cache: cache).Row(1), model.Forward([.. Tokens[..6], 150, 3]).Row(7), 1e-5);
    }

    [Theory, MemberData(nameof(Families))]
    public void Sequences_of_different_lengths_run_together_as_they_run_alone(string family)
    {
        using Checkpoint checkpoint = GoldenModels.Open(family);
        Transformer model = new(checkpoint);
        int[][] sequences = [Tokens[..5], Tokens[..1], Tokens, Tokens[3..12]];
        Tensor all = model.Forward(sequences), last = model.Forward(sequences, logits: LogitRows.Last);
        last.Rows.ShouldBe(4);
        for (int i = 0, row = 0; i < sequences.Length; row += sequences[i++].Length)
        {
            Tensor alone = model.Forward(sequences[i]);
            GoldenModels.ShouldBeClose(all.Span.Slice(row * all.Columns, alone.Length), alone.Span, 1e-5);
            GoldenModels.ShouldBeClose(last.Row(i), alone.Row(alone.Rows - 1), 1e-5);
        }
    }

    [Theory, MemberData(nameof(Families))]
    public void Sequences_with_caches_of_different_lengths_go_on_together_as_alone(string family)
    {
        using Checkpoint checkpoint = GoldenModels.Open(family);
        Transformer model = new(checkpoint);
        KeyValueCache[] caches = [new(model.Specification, 20), new(model.Specification, 20)];
        model.Forward([Tokens[..9], Tokens[..2]], caches: caches);
        Tensor together = model.Forward([[100, 101], [100, 101]], caches: caches, logits: LogitRows.Last);
        GoldenModels.ShouldBeClose(together.Row(0), model.Forward([.. Tokens[..9], 100, 101]).Row(10), 1e-5);
        GoldenModels.ShouldBeClose(together.Row(1), model.Forward([.. Tokens[..2], 100, 101]).Row(3), 1e-5);
    }

    [Theory, MemberData(nameof(Families))]
    public void The_last_row_alone_is_the_last_of_all_and_no_rows_are_the_normalised_stream(string family)
    {
        using Checkpoint checkpoint = GoldenModels.Open(family);
        Transformer model = new(checkpoint);
        Tensor all = model.Forward(Tokens);
        GoldenModels.ShouldBeClose(model.Forward(Tokens, logits: LogitRows.Last).Span, all.Row(all.Rows - 1), 1e-6);
        Tensor? stream = null;
        Tensor none = model.Forward(Tokens, new ForwardHooks().Add(HookPoint.UnembedIn, 0, (x, _) => stream = x.Clone()), logits: LogitRows.None);
        none.Span.SequenceEqual(stream!.Span).ShouldBeTrue();
    }

    [Fact]
    public void Sequences_that_cannot_be_run_are_refused()
    {
        using Checkpoint checkpoint = GoldenModels.Open("qwen3");
        Transformer model = new(checkpoint);
        int context = model.Specification.ContextLength, vocabulary = model.Specification.VocabularySize;
        Message(() => model.Forward(Array.Empty<int>())).ShouldContain("no tokens");
        Message(() => model.Forward(Array.Empty<int[]>())).ShouldContain("no sequences");
        Message(() => model.Forward([[1, 2], []])).ShouldContain("no tokens");
        Message(() => model.Forward([1, vocabulary])).ShouldContain($"token {vocabulary} at position 1 is outside the vocabulary of {vocabulary}");
        Message(() => model.Forward([-1])).ShouldContain("token -1 at position 0");
        Message(() => model.Forward(new int[context + 1])).ShouldContain($"{context + 1} tokens; the model's context holds {context}");
        Message(() => model.Forward(new int[3], cache: new KeyValueCache(model.Specification, 2))).ShouldContain("3 tokens; the cache holds 2");
        Message(() => model.Forward([[1], [2]], caches: [new KeyValueCache(model.Specification, 2)])).ShouldContain("2 sequences need as many caches");
    }

    [Fact]
    public void A_refused_sequence_leaves_the_cache_as_it_was()
    {
        using Checkpoint checkpoint = GoldenModels.Open("qwen3");
        Transformer model = new(checkpoint);
        KeyValueCache cache = new(model.Specification, 4);
        model.Forward([1, 2], cache: cache);
        Should.Throw<ArgumentException>(() => model.Forward([3, 4, 5], cache: cache));
        cache.Length.ShouldBe(2);
        GoldenModels.ShouldBeClose(model.Forward([3], cache: cache).Span, model.Forward([1, 2, 3]).Row(2), 1e-5);
    }

    [Fact]
    public void Caches_of_impossible_sizes_are_refused()
    {
        using Checkpoint checkpoint = GoldenModels.Open("qwen3");
        ModelSpecification model = checkpoint.Specification;
        Should.Throw<ArgumentOutOfRangeException>(() => new KeyValueCache(model, 0));
        Should.Throw<ArgumentOutOfRangeException>(() => new KeyValueCache(model, model.ContextLength + 1));
        KeyValueCache cache = new(model, 5);
        Should.Throw<ArgumentOutOfRangeException>(() => cache.Length = -1);
        Should.Throw<ArgumentOutOfRangeException>(() => cache.Length = 1);
    }

    [Fact]
    public void A_forward_pass_can_be_cancelled()
    {
        using Checkpoint checkpoint = GoldenModels.Open("qwen3");
        Transformer model = new(checkpoint);
        Should.Throw<OperationCanceledException>(() => model.Forward(Tokens, cancellation: new CancellationToken(canceled: true)));
    }

    private static string Message(Action action) => Should.Throw<ArgumentException>(action).Message;
}
