using Microtome.Circuits;
using Microtome.Models;
using Microtome.Models.SmallWorld;

namespace Microtome.Experiments.SmallWorld;

/// <summary>A feature that stands for a state where a city of it is named.</summary>
/// <param name="Activation">Its mean over the state's cities.</param>
/// <param name="Share">Of the state's cities, those that it is active on.</param>
/// <param name="Elsewhere">Its mean over the cities of all other states.</param>
public readonly record struct StateFeature(int Layer, int Feature, float Activation, double Share, double Elsewhere);

/// <summary>
/// Which features stand for which state: those that are active, at a city's position, on many of its cities and less on others. They are found by prompts that ask for the
/// state and never name a capital, and by their activations alone, not by what changing them does.
/// </summary>
public sealed class StateFeatures
{
    private const string Template = "The city of {0} is in the state of";

    private readonly SwapOptions _options;
    private readonly Dictionary<string, (State State, Dictionary<(int Layer, int Feature), float> Active)> _cities = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Layer, int Feature), double> _sums = [];

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
            if (prompts.FindToken(" " + city) is null) continue;
            Dictionary<(int, int), float> active = new CityPrompt(Template.Replace("{0}", city, StringComparison.Ordinal), city, prompts).Active(model, cancellation);
            found._cities[city] = (state, active);
            foreach (((int, int) feature, float activation) in active) found._sums[feature] = found._sums.GetValueOrDefault(feature) + activation;
        }
        return found;
    }

    /// <summary>A state's features, strongest first.</summary>
    /// <param name="without">A city of the state that is not looked at, so that what is found for it is found without it.</param>
    public IReadOnlyList<StateFeature> Of(State state, string? without = null)
    {
        Dictionary<(int Layer, int Feature), float>[] all = [.. _cities.Values.Where(city => city.State == state).Select(city => city.Active)];
        Dictionary<(int Layer, int Feature), float>[] own = without is null ? all : [.. _cities.Where(city => city.Value.State == state && city.Key != without).Select(city => city.Value.Active)];
        if (own.Length == 0) return [];
        List<StateFeature> found = [];
        foreach ((int Layer, int Feature) feature in own.SelectMany(active => active.Keys).Distinct())
        {
            int count = own.Count(active => active.ContainsKey(feature));
            double mean = own.Sum(active => (double)active.GetValueOrDefault(feature)) / own.Length, share = (double)count / own.Length;
            double elsewhere = (_sums[feature] - all.Sum(active => (double)active.GetValueOrDefault(feature))) / (_cities.Count - all.Length);
            if (share >= _options.LeastShare && count >= Math.Min(2, own.Length) && mean >= _options.Selectivity * elsewhere)
                found.Add(new StateFeature(feature.Layer, feature.Feature, (float)mean, share, elsewhere));
        }
        return [.. found.OrderByDescending(feature => feature.Activation).ThenBy(feature => feature.Layer).ThenBy(feature => feature.Feature)];
    }
}

/// <summary>A prompt that names a city of one token.</summary>
internal sealed class CityPrompt
{
    public CityPrompt(string text, string city, PromptEncoder prompts)
    {
        Tokens = prompts.EncodeForTracing(text);
        Position = Array.IndexOf(Tokens, prompts.Token(" " + city));
    }

    public int[] Tokens { get; }

    /// <summary>The city's.</summary>
    public int Position { get; }

    /// <summary>What is active at the city.</summary>
    public Dictionary<(int Layer, int Feature), float> Active(ReplacementModel model, CancellationToken cancellation) =>
        LocalReplacement.Build(model, Tokens, cancellation: cancellation).Features.Where(feature => feature.Position == Position).ToDictionary(feature => (feature.Layer, feature.Feature), feature => feature.Activation);
}
