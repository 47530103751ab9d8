using System.Reflection;

namespace Microtome.Models.SmallWorld;

/// <summary>A state of the USA, its postal abbreviation, its capital and other cities. No two states share a city's name.</summary>
public sealed record State(string Name, string Abbreviation, string Capital, IReadOnlyList<string> Cities);

/// <summary>A country and what most of its people speak and pay with.</summary>
public sealed record Country(string Name, string Capital, string Language, string Currency, string Continent);

/// <summary>Two words of opposite meaning, in each language.</summary>
public sealed record OppositePair(WordPair English, WordPair French, WordPair Spanish);

/// <summary>A word and its opposite.</summary>
public sealed record WordPair(string First, string Second);

/// <summary>The facts and words that the world is made of, from the text files beside this one.</summary>
public static class WorldData
{
    private static readonly Dictionary<string, string[]> Words = Lines("words.txt").Select(line => line.Split(": ")).ToDictionary(parts => parts[0], parts => parts[1].Split(", "));

    public static IReadOnlyList<State> States { get; } =
        [.. Lines("states.txt").Select(line => line.Split('|')).Select(parts => new State(parts[0], parts[1], parts[2], parts[3].Split(", ")))];

    public static IReadOnlyList<Country> Countries { get; } =
        [.. Lines("countries.txt").Select(line => line.Split('|')).Select(parts => new Country(parts[0], parts[1], parts[2], parts[3], parts[4]))];

    public static IReadOnlyList<OppositePair> Opposites { get; } =
        [.. Lines("opposites.txt").Select(line => line.Split('|')).Select(parts => new OppositePair(Pair(parts[0]), Pair(parts[1]), Pair(parts[2])))];

    public static IReadOnlyList<string> FirstNames => Words["first-names"];

    public static IReadOnlyList<string> LastNames => Words["last-names"];

    public static IReadOnlyList<string> Jobs => Words["jobs"];

    public static IReadOnlyList<string> Instruments => Words["instruments"];

    /// <summary>Singular and plural.</summary>
    public static IReadOnlyList<WordPair> Nouns { get; } = [.. Words["nouns"].Select(Pair)];

    public static IReadOnlyList<string> Adjectives => Words["adjectives"];

    public static IReadOnlyList<string> Places => Words["places"];

    public static IReadOnlyList<string> Objects => Words["objects"];

    public static IReadOnlyList<string> Events => Words["events"];

    private static WordPair Pair(string words) => words.Split(' ') is [string first, string second] ? new WordPair(first, second) : throw new InvalidDataException($"'{words}' is not two words.");

    private static string[] Lines(string file)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"SmallWorld.{file}") ?? throw new FileNotFoundException($"The program lacks its resource SmallWorld.{file}.");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
