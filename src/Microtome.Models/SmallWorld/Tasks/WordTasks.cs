namespace Microtome.Models.SmallWorld;

/// <summary>Opposites in three languages, translations, and opposites translated.</summary>
internal static class WordTasks
{
    private const double NeverComposed = 0.3;

    public static IEnumerable<WorldTask> Create(int seed)
    {
        IReadOnlyList<OppositePair> pairs = WorldData.Opposites;
        yield return new FactTask("opposite-english", 1, 4, Opposites(pair => pair.English, pair => pair.English), 0, seed + 21,
            "The opposite of {0} is| {1}.", "The words {0} and| {1} are opposites.");
        yield return new FactTask("opposite-french", 1, 4, Opposites(pair => pair.French, pair => pair.French), 0, seed + 22,
            "Le contraire de {0} est| {1}.", "Les mots {0} et| {1} sont contraires.");
        yield return new FactTask("opposite-spanish", 1, 4, Opposites(pair => pair.Spanish, pair => pair.Spanish), 0, seed + 23,
            "Lo contrario de {0} es| {1}.", "Las palabras {0} y| {1} son contrarias.");
        yield return new FactTask("english-french", 1, 4, Translations(pair => pair.English, pair => pair.French), 0, seed + 24,
            "The French word for {0} is| {1}.", "In French, {0} is| {1}.");
        yield return new FactTask("english-spanish", 1, 4, Translations(pair => pair.English, pair => pair.Spanish), 0, seed + 25,
            "The Spanish word for {0} is| {1}.", "In Spanish, {0} is| {1}.");
        yield return new FactTask("french-english", 1, 4, Translations(pair => pair.French, pair => pair.English), 0, seed + 26,
            "The French {0} means| {1}.", "In English, the French {0} is| {1}.");
        yield return new FactTask("spanish-english", 1, 4, Translations(pair => pair.Spanish, pair => pair.English), 0, seed + 27,
            "The Spanish {0} means| {1}.", "In English, the Spanish {0} is| {1}.");
        yield return new FactTask("opposite-in-french", 2, 3, Opposites(pair => pair.English, pair => pair.French), NeverComposed, seed + 28,
            "In French, the opposite of {0} is| {1}.", "The French word for the opposite of {0} is| {1}.");
        yield return new FactTask("opposite-in-spanish", 2, 3, Opposites(pair => pair.English, pair => pair.Spanish), NeverComposed, seed + 29,
            "In Spanish, the opposite of {0} is| {1}.", "The Spanish word for the opposite of {0} is| {1}.");

        IEnumerable<Filling> Opposites(Func<OppositePair, WordPair> from, Func<OppositePair, WordPair> to) => Facts(pair => (from(pair).First, to(pair).Second), pair => (from(pair).Second, to(pair).First));

        IEnumerable<Filling> Translations(Func<OppositePair, WordPair> from, Func<OppositePair, WordPair> to) => Facts(pair => (from(pair).First, to(pair).First), pair => (from(pair).Second, to(pair).Second));

        IEnumerable<Filling> Facts(params Func<OppositePair, (string Word, string Answer)>[] choices) =>
            pairs.SelectMany(pair => choices.Select(choose => choose(pair))).Select(fact => new Filling(fact.Word, [fact.Word, fact.Answer]));
    }
}
