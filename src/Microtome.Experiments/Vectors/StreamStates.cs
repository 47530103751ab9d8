using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>What the residual stream holds at the last token of each of some prompts.</summary>
public sealed class StreamStates
{
    private const int RowsAtOnce = 1024;
    private readonly Tensor[] _layers;

    private StreamStates(Tensor[] layers, Tensor normalized)
    {
        _layers = layers;
        Normalized = normalized;
    }

    public int Layers => _layers.Length;

    public int Prompts => Normalized.Rows;

    /// <summary>The stream after the final norm [prompts, width].</summary>
    public Tensor Normalized { get; }

    /// <summary>The stream after a layer [prompts, width].</summary>
    public Tensor After(int layer) => _layers[layer];

    /// <summary>
    /// What transformers calls <c>hidden_states[layer + 1]</c>, which repeng reads: the stream after a layer, but for the last layer the
    /// stream after the final norm [prompts, width].
    /// </summary>
    public Tensor HiddenState(int layer) => layer == Layers - 1 ? Normalized : _layers[layer];

    /// <summary>Runs prompts, several at once, and keeps their last tokens' states.</summary>
    /// <param name="prompts">Token ids.</param>
    /// <param name="hooks">Run before the states are read.</param>
    /// <param name="progress">Told the fraction done.</param>
    /// <exception cref="ArgumentException">There are no prompts, or one is empty or longer than the context.</exception>
    public static StreamStates Collect(Transformer model, IReadOnlyList<int[]> prompts, ForwardHooks? hooks = null, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        if (prompts.Count == 0) throw new ArgumentException("There are no prompts to read.", nameof(prompts));
        int layers = model.Specification.Layers.Count, width = model.Specification.ModelWidth;
        Tensor[] states = new Tensor[layers];
        for (int layer = 0; layer < layers; layer++) states[layer] = Tensor.Uninitialized(prompts.Count, width);
        Tensor normalized = Tensor.Uninitialized(prompts.Count, width);

        int first = 0;
        ForwardHooks reading = new();
        if (hooks is not null) reading.Add(hooks);
        for (int layer = 0; layer < layers; layer++) reading.Add(HookPoint.ResidPost, layer, (x, at) => CopyLast(x, at, states[at.Layer], first));
        reading.Add(HookPoint.UnembedIn, 0, (x, at) => CopyLast(x, at, normalized, first));
        while (first < prompts.Count)
        {
            int rows = 0, count = 0;
            while (first + count < prompts.Count && (count == 0 || rows + prompts[first + count].Length <= RowsAtOnce)) rows += prompts[first + count++].Length;
            model.Forward([.. prompts.Skip(first).Take(count)], reading, logits: LogitRows.None, cancellation: cancellation);
            first += count;
            progress?.Report((double)first / prompts.Count);
        }
        return new StreamStates(states, normalized);
    }

    private static void CopyLast(Tensor stream, HookContext at, Tensor states, int first)
    {
        foreach (TokenSpan sequence in at.Sequences) stream.Row(sequence.Start + sequence.Length - 1).CopyTo(states.Row(first + sequence.Index));
    }
}
