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
/// <param name="Random">The next token with as many other features replaced, at the same layers and the same position, by writes of the same length.</param>
/// <param name="Removed">How many active features were set to zero.</param>
/// <param name="Added">How many features of the other state were set.</param>
public sealed record SwapOutcome(SwapPair Pair, int Before, int Swapped, int Random, int Removed, int Added);

/// <summary>The share of pairs, each with its Wilson interval, whose next token is a state's answer.</summary>
/// <param name="OwnBefore">The own state's, without a change.</param>
/// <param name="OtherSwapped">The other state's, with its features in place.</param>
/// <param name="OtherRandom">The other state's, with random features in place.</param>
/// <param name="OwnRandom">Still the own state's, with random features in place.</param>
public sealed record SwapSummary(int Pairs, Interval OwnBefore, Interval OtherSwapped, Interval OtherRandom, Interval OwnRandom);

/// <summary>
/// Whether the middle fact of two hops is really what the answer comes from: replaces, where a city is named, its state's features by another state's and looks whose answer
/// follows, against replacing random features as large. Attention stays that of the unchanged prompt.
/// </summary>
public sealed class SwapStudy(ReplacementModel model, PromptEncoder prompts, StateFeatures features, SwapOptions options, SwapQuestion question)
{
    /// <summary>How many pairs a seed has.</summary>
    public const int StandardPairs = 50;

    /// <summary>The seeds of the pairs that are reported. The options' values were chosen on the pairs of seed 1, which are not.</summary>
    public static IReadOnlyList<int> Seeds { get; } = [2, 3, 4];

    /// <summary>Pairs of a city and another state, no two alike, whose answers begin with different tokens.</summary>
    public IReadOnlyList<SwapPair> Pairs(int seed, int count)
    {
        Random random = new(seed);
        State[] states = [.. WorldData.States.Where(state => state.Cities.Count(features.Cities.Contains) >= 2)];
        HashSet<SwapPair> pairs = [];
        List<SwapPair> ordered = [];
        while (ordered.Count < count)
        {
            State from = states[random.Next(states.Length)], to = states[random.Next(states.Length)];
            string[] cities = [.. from.Cities.Where(features.Cities.Contains)];
            SwapPair pair = new(cities[random.Next(cities.Length)], from, to);
            if (Answer(from) != Answer(to) && pairs.Add(pair)) ordered.Add(pair);
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
            CityPrompt prompt = new(question.Prompt(pair.City), pair.City, prompts);
            Dictionary<(int Layer, int Feature), float> active = prompt.Active(model, cancellation);
            Change[] changes = [.. Changes(pair, active)];
            Change[] others = [.. RandomChanges(changes, active, random)];
            outcomes.Add(new SwapOutcome(pair, Next([]), Next(changes), Next(others), changes.Count(change => change.Value == 0), changes.Count(change => change.Value != 0)));

            int Next(IReadOnlyList<Change> made)
            {
                FeatureIntervention[] interventions = [.. made.Select(change => new FeatureIntervention(change.Layer, prompt.Position, change.Feature, change.Value))];
                InterventionResult result = Intervening.Run(model, prompt.Tokens, interventions, InterventionMode.FrozenAttention, logits: LogitRows.Last, cancellation: cancellation);
                return TensorPrimitives.IndexOfMax<float>(result.Logits.Row(0));
            }
        }
        return outcomes;
    }

    public SwapSummary Summarize(IReadOnlyList<SwapOutcome> outcomes)
    {
        Interval Share(Func<SwapOutcome, bool> holds) => Proportion.Wilson(outcomes.Count(holds), outcomes.Count);
        return new SwapSummary(outcomes.Count,
            Share(outcome => outcome.Before == Answer(outcome.Pair.From)), Share(outcome => outcome.Swapped == Answer(outcome.Pair.To)),
            Share(outcome => outcome.Random == Answer(outcome.Pair.To)), Share(outcome => outcome.Random == Answer(outcome.Pair.From)));
    }

    /// <summary>The first token of a state's answer.</summary>
    private int Answer(State state)
    {
        int[] prompt = prompts.EncodeForTracing("is"), whole = prompts.EncodeForTracing($"is {question.Answer(state)}");
        return whole[prompt.Length];
    }

    private readonly record struct Change(int Layer, int Feature, float Value);

    /// <summary>The state's active features to zero, the other's to their means.</summary>
    private IEnumerable<Change> Changes(SwapPair pair, Dictionary<(int Layer, int Feature), float> active)
    {
        Dictionary<(int Layer, int Feature), float> changes = [];
        foreach (StateFeature own in features.Of(pair.From, without: pair.City))
            if (active.ContainsKey((own.Layer, own.Feature))) changes[(own.Layer, own.Feature)] = 0;
        foreach (StateFeature other in features.Of(pair.To)) changes[(other.Layer, other.Feature)] = options.Strength * other.Activation;
        return changes.Select(change => new Change(change.Key.Layer, change.Key.Feature, change.Value));
    }

    /// <summary>For each change another at the same layer: for a removal, of another active feature; for an addition, of a feature that is not active, with a write as long.</summary>
    private IEnumerable<Change> RandomChanges(IReadOnlyList<Change> changes, Dictionary<(int Layer, int Feature), float> active, Random random)
    {
        HashSet<(int, int)> taken = [.. changes.Select(change => (change.Layer, change.Feature))];
        foreach (Change change in changes)
        {
            if (change.Value == 0)
            {
                int[] choices = [.. active.Keys.Where(feature => feature.Layer == change.Layer && !taken.Contains(feature)).Select(feature => feature.Feature).Order()];
                if (choices.Length == 0) continue;
                int removed = choices[random.Next(choices.Length)];
                taken.Add((change.Layer, removed));
                yield return new Change(change.Layer, removed, 0);
                continue;
            }
            int added;
            do added = random.Next(model.Transcoders.Layers[change.Layer].Features); while (active.ContainsKey((change.Layer, added)) || taken.Contains((change.Layer, added)) || Length(change.Layer, added) == 0);
            taken.Add((change.Layer, added));
            yield return new Change(change.Layer, added, change.Value * Length(change.Layer, change.Feature) / Length(change.Layer, added));
        }
    }

    /// <summary>The length of what a feature writes to its own layer, per unit of activation.</summary>
    private float Length(int layer, int feature)
    {
        Transcoder transcoder = model.Transcoders.Layers[layer];
        float[] row = new float[transcoder.Width];
        transcoder.DecoderRow(feature, layer, row);
        return TensorPrimitives.Norm<float>(row);
    }
}
