namespace Microtome.Circuits;

/// <summary>
/// Finds the score of the last of the highest scores that together hold a fraction of their sum, without sorting all: scores are summed in
/// buckets by their leading bits, which order positive numbers, and only the bucket where the sum is reached is sorted.
/// </summary>
internal sealed class ScoreThreshold
{
    private const int DroppedBits = 45; // of 64: the exponent and seven bits of the fraction are left

    private readonly double[] _sums = new double[1 << (63 - DroppedBits)];
    private readonly int[] _counts = new int[1 << (63 - DroppedBits)];
    private List<double>? _inside;
    private int _bucket = -1;

    /// <summary>Adds a score; those that are not above 0 do not count.</summary>
    public void Add(double score)
    {
        if (!(score > 0)) return;
        int bucket = (int)(BitConverter.DoubleToInt64Bits(score) >> DroppedBits);
        if (_inside is null)
        {
            _sums[bucket] += score;
            _counts[bucket]++;
        }
        else if (bucket == _bucket) _inside.Add(score);
    }

    public void Add(double[] scores)
    {
        foreach (double score in scores) Add(score);
    }

    /// <summary>The least score that is kept; above zero where any score is.</summary>
    /// <param name="again">Adds the same scores again.</param>
    public double Of(double fraction, Action<ScoreThreshold> again)
    {
        double total = 0;
        for (int bucket = _sums.Length - 1; bucket >= 0; bucket--) total += _sums[bucket];
        if (total == 0) return double.Epsilon;
        double sum = 0, before = 0;
        for (int bucket = _sums.Length - 1; bucket >= 0; bucket--)
        {
            if (_counts[bucket] == 0) continue;
            _bucket = bucket; // of the lowest where none reaches the fraction
            before = sum;
            if ((sum += _sums[bucket]) >= fraction * total) break;
        }
        _inside = new List<double>(_counts[_bucket]);
        again(this);
        _inside.Sort();
        for (int i = _inside.Count - 1; i > 0; i--)
            if ((before += _inside[i]) >= fraction * total) return _inside[i];
        return _inside[0];
    }
}
