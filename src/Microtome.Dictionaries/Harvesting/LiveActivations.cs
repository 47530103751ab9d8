using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>
/// Activations as a model computes them. A chunk collects whole texts until it has its tokens, and mixes those; the first position of each text, where the
/// beginning of text or else an attention sink stands, is left out. What the last text of a chunk has too many is dropped.
/// </summary>
public sealed class LiveActivations : ActivationSource
{
    private const int TokensAtOnce = 2048; // in one forward pass
    private readonly LoadedModel _model;
    private readonly Func<long, IEnumerable<int[]>> _texts;
    private readonly int _tokens;
    private readonly int _seed;
    private IEnumerator<int[]>? _open; // where the chunk before ended, so that going on is not to read from the beginning
    private long _openAt;

    /// <param name="texts">The tokens of texts from a number on; where they end, they begin again.</param>
    /// <param name="chunkTokens">How many tokens are mixed with each other.</param>
    public LiveActivations(LoadedModel model, IReadOnlyList<ActivationSite> sites, string name, Func<long, IEnumerable<int[]>> texts, int chunkTokens, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chunkTokens, 1);
        if (sites.Count == 0) throw new ArgumentException("There is no hook whose activations to collect.", nameof(sites));
        _model = model;
        Sites = sites;
        Name = name;
        _texts = texts;
        _tokens = chunkTokens;
        _seed = seed;
    }

    public override string Name { get; }

    public override string? ModelName => NameOf(_model);

    public override IReadOnlyList<ActivationSite> Sites { get; }

    /// <exception cref="InvalidDataException">No text has more than one token.</exception>
    public override ActivationChunk Read(long position, CancellationToken cancellation = default) => Read(position, _tokens, cancellation);

    /// <inheritdoc cref="Read(long, CancellationToken)"/>
    /// <param name="tokens">How many tokens.</param>
    public ActivationChunk Read(long position, int tokens, CancellationToken cancellation = default)
    {
        Tensor[] sites = [.. Sites.Select(site => Tensor.Uninitialized(tokens, _model.Specification.WidthAt(site.Point)!.Value))];
        int[] order = Shuffle(tokens, _seed, position);
        int filled = 0;
        List<int[]> waiting = [];
        int waitingTokens = 0;
        long text = position;
        bool any = position > 0;
        while (Found() < tokens)
        {
            if (_open is null || _openAt != text) Open(text);
            while (Found() < tokens && _open!.MoveNext())
            {
                _openAt = ++text;
                int[] sequence = _open.Current;
                if (sequence.Length < 2) continue;
                any = true;
                if (waiting.Count > 0 && waitingTokens + sequence.Length > TokensAtOnce) Run();
                waiting.Add(sequence);
                waitingTokens += sequence.Length;
            }
            if (Found() >= tokens) break;
            Open(0);
            if (!any) throw new InvalidDataException($"{Name} has no text of more than one token.");
            text = 0; // they begin again
            any = false;
        }
        Run();
        return new ActivationChunk(sites, text);

        void Open(long first)
        {
            _open?.Dispose();
            _open = _texts(first).GetEnumerator();
            _openAt = first;
        }

        int Found() => filled + waitingTokens - waiting.Count;

        void Run()
        {
            int start = filled;
            ForwardHooks hooks = new();
            for (int i = 0; i < sites.Length; i++)
            {
                Tensor target = sites[i];
                hooks.Add(Sites[i].Point, Sites[i].Layer, (activation, _) => Collect(activation, target));
            }
            _model.Transformer.Forward(waiting, hooks, logits: LogitRows.None, cancellation: cancellation);
            filled = Math.Min(tokens, start + waitingTokens - waiting.Count);
            waiting.Clear();
            waitingTokens = 0;

            void Collect(Tensor activation, Tensor target)
            {
                int row = 0, place = start;
                foreach (int[] sequence in waiting)
                {
                    for (int i = 1; i < sequence.Length && place < tokens; i++) activation.Row(row + i).CopyTo(target.Row(order[place++]));
                    row += sequence.Length;
                }
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        _open?.Dispose();
        base.Dispose(disposing);
    }
}
