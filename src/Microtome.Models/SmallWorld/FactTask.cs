namespace Microtome.Models.SmallWorld;

/// <summary>A task about a list of facts, which are its fillings. Each template lacks some of them in training; some may be in none.</summary>
public sealed class FactTask : WorldTask
{
    private readonly IReadOnlyList<Filling> _facts;
    private readonly Dictionary<string, int> _absence = new(StringComparer.Ordinal); // the template that lacks a fact, or EveryTemplate
    private const int EveryTemplate = -1;

    /// <param name="neverShown">The share of facts that no template shows.</param>
    internal FactTask(string name, int hops, double weight, IEnumerable<Filling> facts, double neverShown, int seed, params IReadOnlyList<string> templates) : base(name, hops, weight, templates)
    {
        _facts = [.. facts];
        Filling[] shuffled = [.. _facts];
        new Random(seed).Shuffle(shuffled);
        int never = (int)Math.Round(neverShown * shuffled.Length), heldOut = Math.Max(2, (int)Math.Round(HeldOutShare * shuffled.Length));
        for (int index = 0; index < never + heldOut * Templates.Count; index++) _absence[shuffled[index].Key] = index < never ? EveryTemplate : (index - never) / heldOut;
    }

    public override Filling Draw(Random random) => _facts[random.Next(_facts.Count)];

    public override Exposure Exposure(Filling filling, int template) =>
        !_absence.TryGetValue(filling.Key, out int absence) ? SmallWorld.Exposure.Seen
        : absence == EveryTemplate ? SmallWorld.Exposure.NeverShown
        : absence == template ? SmallWorld.Exposure.HeldOut
        : SmallWorld.Exposure.Seen;

    protected override IEnumerable<Filling> Fillings(Random random)
    {
        Filling[] shuffled = [.. _facts];
        random.Shuffle(shuffled);
        return shuffled;
    }
}
