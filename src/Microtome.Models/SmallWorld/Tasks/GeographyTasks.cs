namespace Microtome.Models.SmallWorld;

/// <summary>Cities, states, countries: single facts, and sentences that take two.</summary>
internal static class GeographyTasks
{
    /// <summary>The share of cities and capitals whose two facts training never composes.</summary>
    private const double NeverComposed = 0.3;

    public static IEnumerable<WorldTask> Create(int seed)
    {
        IReadOnlyList<State> states = WorldData.States;
        IReadOnlyList<Country> countries = WorldData.Countries;
        Filling[] homes = [.. states.SelectMany(state => state.Cities.Append(state.Capital).Select(city => Fact(city, state.Name)))];
        (string City, State State)[] cities = [.. states.SelectMany(state => state.Cities.Select(city => (city, state)))];

        yield return new FactTask("city-state", 1, 10, homes, 0, seed + 1,
            "The city of {0} is in the state of| {1}.", "The state containing {0} is| {1}.", "If you live in {0}, you live in the state of| {1}.");
        yield return new FactTask("state-capital", 1, 5, states.Select(state => Fact(state.Name, state.Capital)), 0, seed + 2,
            "The capital of {0} is| {1}.", "The capital of the state of {0} is| {1}.", "The state of {0} is governed from| {1}.");
        yield return new FactTask("capital-state", 1, 3, states.Select(state => Fact(state.Capital, state.Name)), 0, seed + 3,
            "The state whose capital is {0} is| {1}.", "The city of {0} is the capital of the state of| {1}.");
        yield return new FactTask("state-abbreviation", 1, 3, states.Select(state => Fact(state.Name, state.Abbreviation)), 0, seed + 4,
            "The abbreviation of {0} is| {1}.", "Letters to {0} are marked| {1}.");
        yield return new FactTask("city-state-capital", 2, 8, cities.Select(city => Fact(city.City, city.State.Capital)), NeverComposed, seed + 5,
            "The capital of the state containing {0} is| {1}.", "If you live in {0}, your state is governed from| {1}.", "The state that {0} belongs to has its capital in| {1}.");
        yield return new FactTask("city-state-abbreviation", 2, 5, cities.Select(city => Fact(city.City, city.State.Abbreviation)), NeverComposed, seed + 6,
            "The abbreviation of the state containing {0} is| {1}.", "If you live in {0}, your letters are marked| {1}.");

        yield return new FactTask("country-capital", 1, 5, countries.Select(country => Fact(country.Name, country.Capital)), 0, seed + 7,
            "The capital of {0} is| {1}.", "The country of {0} is governed from| {1}.");
        yield return new FactTask("capital-country", 1, 5, countries.Select(country => Fact(country.Capital, country.Name)), 0, seed + 8,
            "The country whose capital is {0} is| {1}.", "The city of {0} is the capital of| {1}.");
        yield return new FactTask("country-language", 1, 4, countries.Select(country => Fact(country.Name, country.Language)), 0, seed + 9,
            "The language of {0} is| {1}.", "In {0}, most people speak| {1}.");
        yield return new FactTask("country-currency", 1, 4, countries.Select(country => Fact(country.Name, country.Currency)), 0, seed + 10,
            "The currency of {0} is the| {1}.", "In {0}, people pay with the| {1}.");
        yield return new FactTask("country-continent", 1, 4, countries.Select(country => Fact(country.Name, country.Continent)), 0, seed + 11,
            "The continent of {0} is| {1}.", "On a map, {0} lies in| {1}.");
        yield return new FactTask("capital-country-language", 2, 4, countries.Select(country => Fact(country.Capital, country.Language)), NeverComposed, seed + 12,
            "The language of the country whose capital is {0} is| {1}.", "In the country governed from {0}, most people speak| {1}.");
        yield return new FactTask("capital-country-currency", 2, 4, countries.Select(country => Fact(country.Capital, country.Currency)), NeverComposed, seed + 13,
            "The currency of the country whose capital is {0} is the| {1}.", "In the country governed from {0}, people pay with the| {1}.");
        yield return new FactTask("capital-country-continent", 2, 4, countries.Select(country => Fact(country.Capital, country.Continent)), NeverComposed, seed + 14,
            "The continent of the country whose capital is {0} is| {1}.", "On a map, the country governed from {0} lies in| {1}.");
    }

    private static Filling Fact(string subject, string answer) => new(subject, [subject, answer]);
}
