using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>How many examples of a feature are kept.</summary>
/// <param name="Strongest">Contexts with the strongest activations.</param>
/// <param name="Samples">Sampled contexts for each factor of √2 below the largest activation, for twelve such steps.</param>
internal readonly record struct ExampleCounts(int Strongest, int Samples);

/// <summary>
/// What is collected about one feature while contexts pass by. The result is the same for any order of the contexts: the strongest are kept
/// by their value, the samples are those whose hash is smallest, and contexts that read the same up to the peak count once.
/// </summary>
internal sealed class FeatureStatistics(ExampleCounts counts)
{
    public const int Strata = 12;
    private readonly SortedList<int, List<ActivatingContext>> _strata = [];
    private readonly List<ActivatingContext> _strongest = [];

    public long Firings { get; set; }

    public double Sum { get; set; }

    public float Minimum { get; set; } = float.PositiveInfinity;

    public float Maximum { get; set; } = float.NegativeInfinity;

    public BinCounts Bins { get; set; } = new();

    /// <summary>Whether anything changed since it was last saved.</summary>
    public bool Changed { get; set; }

    /// <summary>Strongest first.</summary>
    public IReadOnlyList<ActivatingContext> Strongest => _strongest;

    /// <summary>By stratum, then by hash.</summary>
    public IEnumerable<ActivatingContext> Samples => _strata.Values.SelectMany(stratum => stratum);

    /// <summary>Counts a feature's activations in one context.</summary>
    /// <param name="firings">By position; at least one.</param>
    /// <param name="before">How many tokens before the peak an example shows.</param>
    /// <param name="after">How many after it.</param>
    public void Add(TokenContext context, ReadOnlySpan<Firing> firings, int before, int after)
    {
        int peak = 0, sample = 0;
        ulong least = ulong.MaxValue;
        for (int i = 0; i < firings.Length; i++)
        {
            float value = firings[i].Value;
            Sum += value;
            Minimum = Math.Min(Minimum, value);
            Maximum = Math.Max(Maximum, value);
            Bins.Add(value);
            if (value > firings[peak].Value) peak = i;
            ulong priority = ActivatingContext.Mix((ulong)context.Id * 0x10001 + (uint)firings[i].Position);
            if (priority >= least) continue;
            least = priority;
            sample = i;
        }
        Firings += firings.Length;
        Changed = true;
        if (IsStrong(firings[peak].Value)) AddStrongest(Window(context, firings, peak, before, after));
        AddSample(Window(context, firings, sample, before, after));
    }

    public void AddStrongest(ActivatingContext candidate)
    {
        int same = _strongest.FindIndex(other => other.Key == candidate.Key);
        if (same >= 0)
        {
            if (Compare(candidate, _strongest[same]) >= 0) return;
            _strongest.RemoveAt(same);
        }
        int place = _strongest.FindIndex(other => Compare(candidate, other) < 0);
        _strongest.Insert(place < 0 ? _strongest.Count : place, candidate);
        if (_strongest.Count > counts.Strongest) _strongest.RemoveAt(_strongest.Count - 1);
    }

    public void AddSample(ActivatingContext candidate)
    {
        int stratum = StratumOf(candidate.Value);
        if (_strata.Count > 0 && stratum <= _strata.Keys[^1] - Strata) return;
        if (!_strata.TryGetValue(stratum, out List<ActivatingContext>? kept))
        {
            _strata.Add(stratum, kept = []);
            while (_strata.Keys[0] <= _strata.Keys[^1] - Strata) _strata.RemoveAt(0);
        }
        ulong priority = ActivatingContext.Mix(candidate.Key);
        if (kept.Count == counts.Samples && priority > ActivatingContext.Mix(kept[^1].Key)) return;
        int place = 0;
        for (; place < kept.Count && ActivatingContext.Mix(kept[place].Key) <= priority; place++)
        {
            if (kept[place].Key != candidate.Key) continue;
            if (candidate.Context.Id < kept[place].Context.Id) kept[place] = candidate;
            return;
        }
        kept.Insert(place, candidate);
        if (kept.Count > counts.Samples) kept.RemoveAt(kept.Count - 1);
    }

    private bool IsStrong(float value) => _strongest.Count < counts.Strongest || value >= _strongest[^1].Value;

    private static ActivatingContext Window(TokenContext context, ReadOnlySpan<Firing> firings, int peak, int before, int after)
    {
        int position = firings[peak].Position, first = peak, last = peak;
        while (first > 0 && firings[first - 1].Position >= position - before) first--;
        while (last + 1 < firings.Length && firings[last + 1].Position <= position + after) last++;
        return new ActivatingContext(context, ActivatingContext.KeyOf(context.Tokens, position), firings[first..(last + 1)].ToArray(), peak - first);
    }

    /// <summary>Strongest first; of equal ones the earlier context.</summary>
    private static int Compare(ActivatingContext x, ActivatingContext y) =>
        y.Value.CompareTo(x.Value) is var c && c != 0 ? c : x.Context.Id.CompareTo(y.Context.Id);

    /// <summary>Steps of √2 in the activation's size.</summary>
    private static int StratumOf(float value) => (int)Math.Floor(2 * Math.Log2(Math.Max(Math.Abs(value), float.Epsilon)));
}
