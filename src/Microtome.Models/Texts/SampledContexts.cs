using Microtome.Numerics;

namespace Microtome.Models;

/// <summary>Texts that the model itself writes, sampled at temperature 1: for models whose training texts are not at hand.</summary>
public sealed class SampledContexts : ContextSource
{
    private const int Together = 32; // sequences
    private readonly Transformer _transformer;
    private readonly int _first;
    private readonly int _length;
    private readonly int _seed;

    /// <param name="first">The token that texts begin with.</param>
    /// <param name="length">The most tokens in a context, its first included.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is less than 2 or exceeds the model's context.</exception>
    public SampledContexts(LoadedModel model, int first, int length, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, model.Specification.ContextLength);
        _transformer = model.Transformer;
        _first = first;
        _length = length;
        _seed = seed;
        Name = $"sampled from {model.Name} (seed {seed})";
    }

    public override string Name { get; }

    public override IEnumerable<TokenContext> Read(long first = 0)
    {
        for (long start = first - first % Together; ; start += Together)
        {
            List<int>[] texts = Sample(start);
            for (int i = 0; i < Together; i++)
                if (start + i >= first && texts[i].Count > 1) yield return new TokenContext(start + i, start + i, [.. texts[i]]);
        }
    }

    private List<int>[] Sample(long start)
    {
        SamplingOptions options = new() { Temperature = 1 };
        List<int>[] texts = new List<int>[Together];
        Random[] random = new Random[Together];
        KeyValueCache[] caches = new KeyValueCache[Together];
        for (int i = 0; i < Together; i++)
        {
            texts[i] = [_first];
            random[i] = new Random(HashOf(start + i));
            caches[i] = new KeyValueCache(_transformer.Specification, _length);
        }
        int[] writing = [.. Enumerable.Range(0, Together)];
        while (writing.Length > 0)
        {
            int[] now = writing;
            Tensor logits = _transformer.Forward([.. now.Select(i => new[] { texts[i][^1] })], caches: [.. now.Select(i => caches[i])], logits: LogitRows.Last);
            int[] chosen = new int[now.Length];
            WorkerPool.For(now.Length, row => chosen[row] = Generation.Choose(logits.Row(row), options, random[now[row]]));
            List<int> rest = [];
            for (int row = 0; row < now.Length; row++)
            {
                if (_transformer.Specification.EndOfText.Contains(chosen[row]) || chosen[row] == _first) continue;
                texts[now[row]].Add(chosen[row]);
                if (texts[now[row]].Count < _length) rest.Add(now[row]);
            }
            writing = [.. rest];
        }
        return texts;
    }

    /// <summary>A seed for each text.</summary>
    private int HashOf(long text)
    {
        ulong value = (ulong)text * 0x9E3779B97F4A7C15 + (uint)_seed;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return (int)((value ^ (value >> 31)) >> 33);
    }
}
