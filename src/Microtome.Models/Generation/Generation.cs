using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Models;

/// <summary>How the next token is chosen from its probabilities.</summary>
public sealed record SamplingOptions
{
    /// <summary>The most tokens to generate.</summary>
    public int MaximumTokens { get; init; } = 64;

    /// <summary>Logits are divided by this; 0 takes the most probable token.</summary>
    public double Temperature { get; init; }

    /// <summary>Only the fewest tokens whose probabilities sum to this take part; 1 for all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Only this many most probable tokens take part; 0 for all.</summary>
    public int TopK { get; init; }

    /// <summary>Equal seeds give equal texts.</summary>
    public int Seed { get; init; }

    /// <summary>Go on past tokens that end a text.</summary>
    public bool IgnoreEndOfText { get; init; }

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        if (MaximumTokens < 1) throw new ArgumentException($"The number of tokens to generate is {MaximumTokens}; it must be at least 1.");
        if (!(Temperature >= 0 && double.IsFinite(Temperature))) throw new ArgumentException($"The temperature is {Temperature}; it must be 0 or more.");
        if (!(TopP is > 0 and <= 1)) throw new ArgumentException($"Top-p is {TopP}; it must be above 0 and at most 1.");
        if (TopK < 0) throw new ArgumentException($"Top-k is {TopK}; it must be 0 or more.");
    }
}

/// <summary>Continues texts token by token.</summary>
public static class Generation
{
    /// <summary>
    /// Generates one token after another, each from a forward pass over the last token only. Ends after a token that ends a text
    /// (which is returned), the asked number, or when the context is full.
    /// </summary>
    /// <param name="hooksAt">The hooks for the step that runs the tokens from a position on: the first runs the whole prompt from position 0, each later one a single token.</param>
    /// <exception cref="ArgumentException">The prompt is empty or longer than the context, or an option is out of range.</exception>
    public static IEnumerable<int> Generate(Transformer model, int[] prompt, SamplingOptions options, Func<int, ForwardHooks?>? hooksAt = null, CancellationToken cancellation = default)
    {
        options.Validate();
        if (prompt.Length == 0) throw new ArgumentException("The prompt has no tokens.", nameof(prompt));
        int context = model.Specification.ContextLength;
        if (prompt.Length > context) throw new ArgumentException($"The prompt has {prompt.Length} tokens; the model's context holds {context}.", nameof(prompt));
        return Run(model, prompt, options, hooksAt, cancellation);
    }

    private static IEnumerable<int> Run(Transformer model, int[] prompt, SamplingOptions options, Func<int, ForwardHooks?>? hooksAt, CancellationToken cancellation)
    {
        KeyValueCache cache = new(model.Specification, (int)Math.Min(model.Specification.ContextLength, (long)prompt.Length + options.MaximumTokens));
        Random random = new(options.Seed);
        int[] input = prompt;
        for (int generated = 0; generated < options.MaximumTokens; generated++)
        {
            Tensor logits = model.Forward(input, hooksAt?.Invoke(cache.Length), cache, LogitRows.Last, cancellation);
            int token = Choose(logits.Span, options, random);
            yield return token;
            if (cache.Length == model.Specification.ContextLength) yield break;
            if (!options.IgnoreEndOfText && model.Specification.EndOfText.Contains(token)) yield break;
            input = [token];
        }
    }

    /// <summary>Draws a token. Temperature comes first, then top-k, then top-p of what is left.</summary>
    internal static int Choose(ReadOnlySpan<float> logits, SamplingOptions options, Random random)
    {
        if (options.Temperature == 0) return TensorPrimitives.IndexOfMax(logits);

        double[] probabilities = new double[logits.Length];
        float largest = TensorPrimitives.Max(logits);
        for (int i = 0; i < probabilities.Length; i++) probabilities[i] = Math.Exp((logits[i] - largest) / options.Temperature);
        int[] order = [.. Enumerable.Range(0, probabilities.Length)];
        int count = order.Length;
        if (options.TopK > 0 || options.TopP < 1)
        {
            Array.Sort(order, (a, b) => probabilities[b].CompareTo(probabilities[a]) is var c && c != 0 ? c : a.CompareTo(b));
            if (options.TopK > 0) count = Math.Min(count, options.TopK);
            double total = Sum(order.AsSpan(0, count), probabilities), kept = 0;
            for (int i = 0; i < count && options.TopP < 1; i++)
                if ((kept += probabilities[order[i]]) >= options.TopP * total) count = i + 1;
        }

        double remaining = random.NextDouble() * Sum(order.AsSpan(0, count), probabilities);
        for (int i = 0; i < count - 1; i++)
            if ((remaining -= probabilities[order[i]]) < 0) return order[i];
        return order[count - 1];
    }

    private static double Sum(ReadOnlySpan<int> order, double[] probabilities)
    {
        double sum = 0;
        foreach (int token in order) sum += probabilities[token];
        return sum;
    }
}
