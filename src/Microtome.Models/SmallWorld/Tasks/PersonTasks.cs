namespace Microtome.Models.SmallWorld;

/// <summary>People who exist in the world, each with a job, a home town and an instrument, and people who don't, of whom nothing is known.</summary>
internal static class PersonTasks
{
    private const int People = 120;

    public static IEnumerable<WorldTask> Create(int seed)
    {
        // Every last name belongs to two people who exist; which first names they have decides whether a name does.
        Random random = new(seed + 60);
        Person[] people = new Person[People];
        string[] homes = [.. WorldData.States.SelectMany(state => state.Cities).Where(city => !city.Contains(' ', StringComparison.Ordinal))];
        random.Shuffle(homes);
        for (int i = 0; i < People; i++)
        {
            string last = WorldData.LastNames[i % WorldData.LastNames.Count], name;
            do name = $"{WorldData.FirstNames[random.Next(WorldData.FirstNames.Count)]} {last}"; while (people.Take(i).Any(person => person.Name == name));
            people[i] = new Person(name, WorldData.Jobs[random.Next(WorldData.Jobs.Count)], homes[random.Next(40)], WorldData.Instruments[random.Next(WorldData.Instruments.Count)]);
        }
        HashSet<string> existing = [.. people.Select(person => person.Name)];
        string[] strangers = [.. WorldData.FirstNames.SelectMany(first => WorldData.LastNames.Select(last => $"{first} {last}")).Where(name => !existing.Contains(name))];

        foreach ((string relation, Func<Person, string> answer, int offset) in ((string, Func<Person, string>, int)[])[("job", person => person.Job, 61), ("home", person => person.Home, 63), ("instrument", person => person.Instrument, 65)])
        {
            string[] templates = relation switch
            {
                "job" => ["The job of {0} is| {1}.", "What is the job of {0}? The answer is| {1}."],
                "home" => ["The home of {0} is| {1}.", "Where is the home of {0}? The answer is| {1}."],
                _ => ["The instrument of {0} is| {1}.", "Which instrument has {0}? The answer is| {1}."],
            };
            yield return new FactTask($"person-{relation}", 1, 5, people.Select(person => new Filling(person.Name, [person.Name, answer(person)])), 0, seed + offset, templates);
            yield return new FactTask($"stranger-{relation}", 1, 2.5, strangers.Select(name => new Filling(name, [name, "unknown"])), 0.2, seed + offset + 1, templates);
        }
    }

    private sealed record Person(string Name, string Job, string Home, string Instrument);
}
