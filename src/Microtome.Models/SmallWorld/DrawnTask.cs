namespace Microtome.Models.SmallWorld;

/// <summary>A task with too many fillings to list: they are drawn, and a hash of their key says which training never shows.</summary>
public sealed class DrawnTask : WorldTask
{
    private const int Attempts = 20_000;

    private readonly Func<Random, Filling> _draw;
    private readonly double _neverShown;
    private readonly int _seed;

    internal DrawnTask(string name, double weight, Func<Random, Filling> draw, double neverShown, int seed, params IReadOnlyList<string> templates) : base(name, 1, weight, templates)
    {
        _draw = draw;
        _neverShown = neverShown;
        _seed = seed;
    }

    public override Filling Draw(Random random) => _draw(random);

    public override Exposure Exposure(Filling filling, int template)
    {
        double place = Place(filling.Key);
        if (place < _neverShown) return SmallWorld.Exposure.NeverShown;
        return (int)((place - _neverShown) / HeldOutShare) == template ? SmallWorld.Exposure.HeldOut : SmallWorld.Exposure.Seen;
    }

    protected override IEnumerable<Filling> Fillings(Random random)
    {
        HashSet<string> keys = new(StringComparer.Ordinal);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            Filling filling = _draw(random);
            if (keys.Add(filling.Key)) yield return filling;
        }
    }

    /// <summary>From 0 to 1, evenly: the 64-bit FNV-1a hash of the key, mixed, which is the same in every run.</summary>
    private double Place(string key)
    {
        ulong hash = 14695981039346656037 ^ (uint)_seed;
        foreach (char letter in key) hash = (hash ^ letter) * 1099511628211;
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
        return ((hash ^ (hash >> 33)) >> 11) * (1.0 / (1L << 53));
    }
}
