namespace Microtome.Models.SmallWorld;

/// <summary>What takes no knowledge: sums, agreement, who receives, later years, repetition, lists.</summary>
internal static class PatternTasks
{
    public static IEnumerable<WorldTask> Create(int seed)
    {
        yield return new DrawnTask("addition", 16, Sum, 0.05, seed + 41,
            "{0} + {1} =| {2}.", "The sum of {0} and {1} is| {2}.");
        yield return new DrawnTask("agreement", 4, Agreement, 0.05, seed + 42,
            "The {0} near the {1}| {3} {4}.", "The {0} behind the {1} and the {2}| {3} {4}.", "The {0} that the {1} hid from the {2}| {3} {4}.");
        yield return new DrawnTask("indirect-object", 4, Receiver, 0.05, seed + 43,
            "When {0} and {1} went to the {4}, {2} gave the {5} to| {3}.", "{0} and {1} went to the {4}, {2} gave the {5} to| {3}.", "{0} and {1} met at the {4}. Then {2} gave the {5} to| {3}.");
        yield return new DrawnTask("years", 3, Years, 0.05, seed + 44,
            "The {0} lasted from {1}{2} to {1}|{3}.", "The {0} began in {1}{2} and ended in {1}|{3}.");
        yield return new DrawnTask("repetition", 5, Repetition, 0.05, seed + 45,
            "Over and over: {0}| {1}{2}.", "Say it twice: {0}| {1}{2}.");
        yield return Lists(ListOperation.Reverse, "reverse", 6, seed + 46, "Reverse the list {0}:| {1}.", "The list {0} in reverse is| {1}.");
        yield return Lists(ListOperation.EverySecond, "every-second", 4, seed + 47, "Every second of the list {0}:| {1}.", "Taking every second of {0} leaves| {1}.");
        yield return Lists(ListOperation.FirstThree, "first-three", 3, seed + 48, "The first three of the list {0}:| {1}.", "Taking the first three of {0} leaves| {1}.");
        yield return Lists(ListOperation.Sort, "sort", 12, seed + 49, "Sort the list {0}:| {1}.", "The list {0} in order is| {1}.");
        yield return Lists(ListOperation.Last, "last", 2, seed + 50, "The last of the list {0}:| {1}.", "Taking the last of {0} leaves| {1}.");
    }

    private static DrawnTask Lists(ListOperation operation, string name, double weight, int seed, params IReadOnlyList<string> templates) => new($"list-{name}", weight, random =>
    {
        ListExample example = ListExample.Draw(random, operation);
        return new Filling(example.Letters, [ListExample.Spaced(example.Letters), ListExample.Spaced(example.Result)]);
    }, 0.05, seed, templates);

    private static Filling Sum(Random random)
    {
        int first = random.Next(10, 100), second = random.Next(10, 100);
        return new Filling($"{first}+{second}", [$"{first}", $"{second}", $"{first + second}"]);
    }

    private static Filling Agreement(Random random)
    {
        IReadOnlyList<WordPair> nouns = WorldData.Nouns;
        WordPair[] chosen = [.. random.GetItems(nouns.ToArray(), 3)];
        bool[] plural = [random.Next(2) == 1, random.Next(2) == 1, random.Next(2) == 1];
        string[] words = [.. chosen.Zip(plural, (noun, many) => many ? noun.Second : noun.First)];
        return new Filling($"{words[0]} {words[1]}", [.. words, plural[0] ? "are" : "is", Any(random, WorldData.Adjectives)]);
    }

    private static Filling Receiver(Random random)
    {
        string first = Any(random, WorldData.FirstNames), second;
        do second = Any(random, WorldData.FirstNames); while (second == first);
        (string giver, string receiver) = random.Next(2) == 0 ? (first, second) : (second, first);
        string place = Any(random, WorldData.Places), thing = Any(random, WorldData.Objects);
        return new Filling($"{first} {second} {giver} {place} {thing}", [first, second, giver, receiver, place, thing]);
    }

    private static Filling Years(Random random)
    {
        string occasion = Any(random, WorldData.Events);
        int century = random.Next(11, 21), start = random.Next(1, 99), end = random.Next(start + 1, 100);
        return new Filling($"{occasion} {century}{start:00}", [occasion, $"{century}", $"{start:00}", $"{end:00}"])
        {
            AlsoRight = [.. Enumerable.Range(start + 1, 99 - start).Select(year => $"{year:00}")],
        };
    }

    private static readonly string[] Items = [.. WorldData.Nouns.Select(noun => noun.First), .. WorldData.Objects, .. WorldData.Adjectives];
    private static readonly string[] Letters = [.. "abcdefghijklmnopqrstuvwxyz".Select(letter => letter.ToString())];

    /// <summary>Words or letters in random order, twice; the question is one of the second round's, from its second on.</summary>
    private static Filling Repetition(Random random)
    {
        string[] pool = [.. random.Next(2) == 0 ? Items : Letters];
        random.Shuffle(pool);
        string[] once = pool[..random.Next(4, 10)];
        int asked = random.Next(1, once.Length);
        string rest = string.Concat(once[(asked + 1)..].Select(word => " " + word));
        return new Filling(string.Join(' ', once), [string.Join(' ', once.Concat(once[..asked])), once[asked], rest]);
    }

    private static string Any(Random random, IReadOnlyList<string> words) => words[random.Next(words.Count)];
}
