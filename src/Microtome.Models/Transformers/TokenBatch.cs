namespace Microtome.Models;

/// <summary>Sequences that run together: their tokens stand one after the other as rows. Sequences may differ in length.</summary>
internal sealed class TokenBatch
{
    public TokenBatch(ModelSpecification model, IReadOnlyList<int[]> sequences, IReadOnlyList<KeyValueCache>? caches)
    {
        if (sequences.Count == 0) throw new ArgumentException("There are no sequences to run.", nameof(sequences));
        if (caches is not null && caches.Count != sequences.Count)
            throw new ArgumentException($"{sequences.Count} sequences need as many caches, not {caches.Count}.", nameof(caches));
        List<TokenSpan> spans = [];
        List<int> tokens = [], positions = [];
        for (int i = 0; i < sequences.Count; i++)
        {
            int[] sequence = sequences[i];
            KeyValueCache? cache = caches?[i];
            int past = cache?.Length ?? 0, limit = cache?.Capacity ?? model.ContextLength;
            if (sequence.Length == 0) throw new ArgumentException("A sequence has no tokens.", nameof(sequences));
            if (past + sequence.Length > limit)
                throw new ArgumentException($"The text has {past + sequence.Length} tokens; {(cache is null || limit == model.ContextLength ? "the model's context" : "the cache")} holds {limit}.", nameof(sequences));
            spans.Add(new TokenSpan(i, tokens.Count, sequence.Length, past) { Cache = cache });
            for (int j = 0; j < sequence.Length; j++)
            {
                if ((uint)sequence[j] >= (uint)model.VocabularySize)
                    throw new ArgumentException($"The token {sequence[j]} at position {past + j} is outside the vocabulary of {model.VocabularySize}.", nameof(sequences));
                tokens.Add(sequence[j]);
                positions.Add(past + j);
            }
        }
        Sequences = spans;
        Tokens = [.. tokens];
        Positions = [.. positions];
    }

    public IReadOnlyList<TokenSpan> Sequences { get; }

    /// <summary>All rows' tokens.</summary>
    public int[] Tokens { get; }

    /// <summary>All rows' positions in their sequences.</summary>
    public int[] Positions { get; }

    public int Rows => Tokens.Length;
}
