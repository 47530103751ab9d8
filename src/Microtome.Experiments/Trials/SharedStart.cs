using System.Collections.Concurrent;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>What trials of a prompt have in common: the keys and values of the tokens before the first that is changed, and the stream of the others as each layer leaves it.</summary>
internal sealed class SharedStart
{
    private readonly KeyValueCache? _prefix;
    private readonly int _capacity;
    private readonly Tensor[] _streams = [];
    private readonly ConcurrentBag<KeyValueCache> _forks = [];

    /// <param name="first">The first position that is changed.</param>
    /// <param name="withStreams">Whether trials go on from layers' streams.</param>
    public SharedStart(Transformer model, TrialPrompt prompt, int first, bool withStreams, CancellationToken cancellation)
    {
        IReadOnlyList<int[]> tails = prompt.Options.Tails;
        _capacity = prompt.Tokens.Length + tails.Max(tail => tail.Length);
        if (first > 0)
        {
            _prefix = new KeyValueCache(model.Specification, first);
            model.Forward(prompt.Tokens[..first], cache: _prefix, logits: LogitRows.None, cancellation: cancellation);
        }
        if (!withStreams) return;
        Tensor[] streams = new Tensor[model.Specification.Layers.Count];
        ForwardHooks reading = new();
        for (int layer = 0; layer < streams.Length; layer++) reading.Add(HookPoint.ResidPost, layer, (stream, at) => streams[at.Layer] = stream.Clone());
        KeyValueCache[]? caches = _prefix is null ? null : Rent(tails.Count);
        model.Forward([.. tails.Select(tail => (int[])[.. prompt.Tokens.AsSpan(first), .. tail])], reading, caches, LogitRows.None, cancellation: cancellation);
        if (caches is not null) Return(caches);
        _streams = streams;
    }

    /// <summary>The unchanged streams of several trials after a layer.</summary>
    public StreamState StreamAfter(int layer, int trials)
    {
        Tensor one = _streams[layer], all = Tensor.Uninitialized(trials * one.Rows, one.Columns);
        for (int trial = 0; trial < trials; trial++) one.Span.CopyTo(all.Span[(trial * one.Length)..]);
        return new StreamState(layer, all);
    }

    /// <summary>Caches that hold the prefix, to be given back.</summary>
    public KeyValueCache[] Rent(int count)
    {
        KeyValueCache[] caches = new KeyValueCache[count];
        for (int i = 0; i < count; i++) caches[i] = _forks.TryTake(out KeyValueCache? fork) ? fork : _prefix!.Fork(_capacity);
        return caches;
    }

    /// <summary>Takes caches back; what was added to them is forgotten.</summary>
    public void Return(KeyValueCache[] caches)
    {
        foreach (KeyValueCache cache in caches)
        {
            cache.Length = _prefix!.Length;
            _forks.Add(cache);
        }
    }
}
