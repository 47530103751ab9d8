using Microtome.Circuits;
using Microtome.Models;
using Microtome.Models.SmallWorld;

namespace Microtome.Experiments.SmallWorld;

/// <summary>A feature that stands for a state: where it is active, and how strongly.</summary>
/// <param name="AtEnd">Whether at the prompt's last position; else at the city.</param>
/// <param name="Activation">Its mean over the state's cities.</param>
/// <param name="Share">Of the state's cities, those that it is active on.</param>
/// <param name="Elsewhere">Its mean over the cities of all other states.</param>
public readonly record struct StateFeature(int Layer, bool AtEnd, int Feature, float Activation, double Share, double Elsewhere);

/// <summary>
/// Which features stand for which state: those that are active on most of its cities and hardly on others, in prompts that ask for the capital of the
/// state containing a city. The cities' own prompts are all that is looked at, not what features do.
/// </summary>
public sealed class StateFeatures
{
    private readonly SwapOptions _options;
    private readonly Dictionary<string, CityPrompt> _cities = new(StringComparer.Ordinal);
    private readonly Dictionary<FeaturePlace, double> _sums = [];

    private StateFeatures(SwapOptions options) => _options = options;

    /// <summary>The cities whose prompts were run: those that are one token each.</summary>
    public IReadOnlyCollection<string> Cities => _cities.Keys;

    /// <summary>Runs the prompt of every city that is one token.</summary>
    /// <param name="progress">Told the fraction done.</param>
    public static StateFeatures Find(ReplacementModel model, PromptEncoder prompts, SwapOptions options, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        StateFeatures found = new(options);
        (string City, State State)[] cities = [.. WorldData.States.SelectMany(state => state.Cities.Select(city => (city, state)))];
        for (int i = 0; i < cities.Length; i++)
        {
            progress?.Report((double)i / cities.Length);
            (string city, State state) = cities[i];
            if (prompts.FindToken(" " + city) is not { } token) continue;
            int[] tokens = prompts.EncodeForTracing(options.Prompt(city));
            int position = Array.IndexOf(tokens, token);
            if (position < 0) continue;
            Dictionary<FeaturePlace, float> active = [];
            foreach (FeatureNode feature in LocalReplacement.Build(model, tokens, cancellation: cancellation).Features)
                if (feature.Position == position || feature.Position == tokens.Length - 1) active[new FeaturePlace(feature.Layer, feature.Position != position, feature.Feature)] = feature.Activation;
            found._cities[city] = new CityPrompt(state, tokens, position, active);
            foreach ((FeaturePlace place, float activation) in active) found._sums[place] = found._sums.GetValueOrDefault(place) + activation;
        }
        return found;
    }

    /// <summary>The tokens of a city's prompt and the city's position in them.</summary>
    public (int[] Tokens, int Position) Prompt(string city) => (_cities[city].Tokens, _cities[city].Position);

    /// <summary>What is active on a city's prompt, at the city and at the end.</summary>
    internal IReadOnlyDictionary<FeaturePlace, float> Active(string city) => _cities[city].Active;

    /// <summary>A state's features, strongest first.</summary>
    /// <param name="without">A city of the state that is not looked at, so that what is found for it is found without it.</param>
    public IReadOnlyList<StateFeature> Of(State state, string? without = null)
    {
        CityPrompt[] own = [.. _cities.Where(city => city.Value.State == state && city.Key != without).Select(city => city.Value)];
        CityPrompt[] all = [.. _cities.Values.Where(city => city.State == state)];
        int others = _cities.Count - all.Length;
        if (own.Length == 0) return [];
        List<StateFeature> found = [];
        foreach (FeaturePlace place in own.SelectMany(city => city.Active.Keys).Distinct())
        {
            int count = own.Count(city => city.Active.ContainsKey(place));
            double mean = own.Sum(city => (double)city.Active.GetValueOrDefault(place)) / own.Length, share = (double)count / own.Length;
            double elsewhere = (_sums[place] - all.Sum(city => (double)city.Active.GetValueOrDefault(place))) / others;
            if (share >= _options.LeastShare && count >= Math.Min(2, own.Length) && mean >= _options.Selectivity * elsewhere)
                found.Add(new StateFeature(place.Layer, place.AtEnd, place.Feature, (float)mean, share, elsewhere));
        }
        return [.. found.OrderByDescending(feature => feature.Activation).ThenBy(feature => feature.Layer).ThenBy(feature => feature.AtEnd).ThenBy(feature => feature.Feature)];
    }

    private sealed record CityPrompt(State State, int[] Tokens, int Position, Dictionary<FeaturePlace, float> Active);
}

internal readonly record struct FeaturePlace(int Layer, bool AtEnd, int Feature);
