using System.Numerics.Tensors;
using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Models.SmallWorld;

namespace Microtome.Experiments.SmallWorld;

/// <summary>A city's prompt, and the state that takes its state's place.</summary>
public sealed record SwapPair(string City, State From, State To);

/// <summary>What a model says to a pair's prompt.</summary>
/// <param name="Before">The next token without a change.</param>
/// <param name="Swapped">The next token with the state's features replaced by the other's.</param>
/// <param name="Random">The next token with as many other features replaced, at the same layers and positions, by writes of the same length.</param>
/// <param name="Removed">How many active features were set to zero.</param>
/// <param name="Added">How many features of the other state were set.</param>
public sealed record SwapOutcome(SwapPair Pair, int Before, int Swapped, int Random, int Removed, int Added);

/// <summary>The share of pairs, each with its Wilson interval, of whose prompts the next token is a capital.</summary>
/// <param name="OwnBefore">The own state's, without a change.</param>
/// <param name="OtherSwapped">The other state's, with its features in place.</param>
/// <param name="OtherRandom">The other state's, with random features in place.</param>
/// <param name="OwnRandom">Still the own state's, with random features in place.</param>
public sealed record SwapSummary(int Pairs, Interval OwnBefore, Interval OtherSwapped, Interval OtherRandom, Interval OwnRandom);

/// <summary>
/// Whether the middle fact of two hops is really what the answer comes from: replaces a state's features by another state's and looks which capital follows;
/// against replacing random features as large. Attention stays that of the unchanged prompt.
/// </summary>
public sealed class SwapStudy(ReplacementModel model, PromptEncoder prompts, StateFeatures features, SwapOptions options)
{
    /// <summary>The seeds of the pairs that are reported. The options' values were chosen on the pairs of seed 1, which are not.</summary>
    public static IReadOnlyList<int> Seeds { get; } = [2, 3, 4];

    /// <summary>How many pairs a seed has.</summary>
    public const int StandardPairs = 50;

    /// <summary>Pairs of a city and another state, no two alike, whose capitals are one token each.</summary>
    public IReadOnlyList<SwapPair> Pairs(int seed, int count)
    {
        Random random = new(seed);
        State[] states = [.. WorldData.States.Where(state => prompts.FindToken(" " + state.Capital) is not null && state.Cities.Count(features.Cities.Contains) >= 2)];
        HashSet<SwapPair> pairs = [];
        List<SwapPair> ordered = [];
        while (ordered.Count < count && states.Length > 1)
        {
            State from = states[random.Next(states.Length)], to = states[random.Next(states.Length)];
            string[] cities = [.. from.Cities.Where(features.Cities.Contains)];
            SwapPair pair = new(cities[random.Next(cities.Length)], from, to);
            if (from != to && pairs.Add(pair)) ordered.Add(pair);
        }
        return ordered;
    }

    /// <param name="seed">Of the random features.</param>
    /// <param name="progress">Told the fraction done.</param>
    public IReadOnlyList<SwapOutcome> Run(IReadOnlyList<SwapPair> pairs, int seed, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        Random random = new(seed);
        List<SwapOutcome> outcomes = [];
        foreach (SwapPair pair in pairs)
        {
            progress?.Report((double)outcomes.Count / pairs.Count);
            (int[] tokens, int city) = features.Prompt(pair.City);
            Change[] changes = [.. Changes(pair)];
            Change[] others = [.. RandomChanges(pair, changes, random)];
            outcomes.Add(new SwapOutcome(pair, Next([]), Next(changes), Next(others), changes.Count(change => change.Value == 0), changes.Count(change => change.Value != 0)));

            int Next(IReadOnlyList<Change> made)
            {
                FeatureIntervention[] interventions = [.. made.Select(change => new FeatureIntervention(change.Place.Layer, change.Place.AtEnd ? tokens.Length - 1 : city, change.Place.Feature, change.Value))];
                InterventionResult result = Intervening.Run(model, tokens, interventions, InterventionMode.FrozenAttention, logits: LogitRows.Last, cancellation: cancellation);
                return TensorPrimitives.IndexOfMax<float>(result.Logits.Row(0));
            }
        }
        return outcomes;
    }

    public SwapSummary Summarize(IReadOnlyList<SwapOutcome> outcomes)
    {
        Interval Share(Func<SwapOutcome, bool> holds) => Proportion.Wilson(outcomes.Count(holds), outcomes.Count);
        int Capital(State state) => prompts.Token(" " + state.Capital);
        return new SwapSummary(outcomes.Count,
            Share(outcome => outcome.Before == Capital(outcome.Pair.From)), Share(outcome => outcome.Swapped == Capital(outcome.Pair.To)),
            Share(outcome => outcome.Random == Capital(outcome.Pair.To)), Share(outcome => outcome.Random == Capital(outcome.Pair.From)));
    }

    private readonly record struct Change(FeaturePlace Place, float Value);

    /// <summary>The state's active features to zero, the other's to their means.</summary>
    private IEnumerable<Change> Changes(SwapPair pair)
    {
        IReadOnlyDictionary<FeaturePlace, float> active = features.Active(pair.City);
        Dictionary<FeaturePlace, float> changes = [];
        foreach (StateFeature own in features.Of(pair.From, without: pair.City))
        {
            FeaturePlace place = new(own.Layer, own.AtEnd, own.Feature);
            if (active.ContainsKey(place)) changes[place] = 0;
        }
        foreach (StateFeature other in features.Of(pair.To)) changes[new FeaturePlace(other.Layer, other.AtEnd, other.Feature)] = options.Strength * other.Activation;
        return changes.Select(change => new Change(change.Key, change.Value));
    }

    /// <summary>
    /// For each change another at the same layer and position: for a removal, of another active feature; for an addition, of a feature that is not active, with
    /// a write as long.
    /// </summary>
    private IEnumerable<Change> RandomChanges(SwapPair pair, IReadOnlyList<Change> changes, Random random)
    {
        IReadOnlyDictionary<FeaturePlace, float> active = features.Active(pair.City);
        HashSet<FeaturePlace> taken = [.. changes.Select(change => change.Place)];
        foreach (Change change in changes)
        {
            (int layer, bool atEnd, _) = change.Place;
            if (change.Value == 0)
            {
                FeaturePlace[] choices = [.. active.Keys.Where(place => place.Layer == layer && place.AtEnd == atEnd && !taken.Contains(place)).Order(Comparer<FeaturePlace>.Create((x, y) => x.Feature.CompareTo(y.Feature)))];
                if (choices.Length == 0) continue;
                FeaturePlace removed = choices[random.Next(choices.Length)];
                taken.Add(removed);
                yield return new Change(removed, 0);
                continue;
            }
            FeaturePlace added;
            do added = new FeaturePlace(layer, atEnd, random.Next(model.Transcoders.Layers[layer].Features)); while (active.ContainsKey(added) || taken.Contains(added) || Length(added) == 0);
            taken.Add(added);
            yield return new Change(added, change.Value * Length(change.Place) / Length(added));
        }
    }

    /// <summary>The length of what a feature writes to its own layer, per unit of activation.</summary>
    private float Length(FeaturePlace place)
    {
        Transcoder layer = model.Transcoders.Layers[place.Layer];
        float[] row = new float[layer.Width];
        layer.DecoderRow(place.Feature, place.Layer, row);
        return TensorPrimitives.Norm<float>(row);
    }
}
