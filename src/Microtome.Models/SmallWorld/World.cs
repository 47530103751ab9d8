using System.Text;

namespace Microtome.Models.SmallWorld;

/// <summary>
/// A small world in plain sentences, whose every truth is known: what a small model can learn completely and be checked on exactly. The seed decides which
/// sentences training never shows, who exists, and nothing else: the facts are the real world's.
/// </summary>
public sealed class World
{
    /// <summary>The seed of the model that comes with Microtome.</summary>
    public const int StandardSeed = 1;

    public World(int seed = StandardSeed)
    {
        Seed = seed;
        int start = unchecked(seed * 1000);
        Tasks = [.. GeographyTasks.Create(start), .. WordTasks.Create(start), .. PatternTasks.Create(start), .. PersonTasks.Create(start)];
    }

    public int Seed { get; }

    public IReadOnlyList<WorldTask> Tasks { get; }

    /// <exception cref="ArgumentException">There is none of this name; the message lists those that are.</exception>
    public WorldTask Task(string name) => Tasks.FirstOrDefault(task => task.Name == name)
        ?? throw new ArgumentException($"The small world has no task '{name}'; it has {string.Join(", ", Tasks.Select(task => task.Name))}.");

    /// <summary>Documents without end, one sentence each or, rarer, two or three; the same for the same seed. None shows what is held out.</summary>
    public IEnumerable<string> Documents(int seed) => MarkedDocuments(seed).Select(document => document.Text);

    /// <summary>The same documents, and where their answers stand.</summary>
    public IEnumerable<WorldDocument> MarkedDocuments(int seed)
    {
        Random random = new(seed);
        double[] sums = new double[Tasks.Count];
        double sum = 0;
        for (int i = 0; i < sums.Length; i++) sums[i] = sum += Tasks[i].Weight;
        StringBuilder text = new();
        while (true)
        {
            int sentences = random.NextDouble() switch { < 0.7 => 1, < 0.9 => 2, _ => 3 };
            Range[] answers = new Range[sentences];
            text.Clear();
            for (int i = 0; i < sentences; i++)
            {
                if (i > 0) text.Append(' ');
                (Template template, Filling filling) = Pick().DrawShown(random);
                int start = text.Length + template.Prompt(filling).Length;
                answers[i] = start..(start + template.Answer(filling).Length);
                text.Append(template.Sentence(filling));
            }
            yield return new WorldDocument(text.ToString(), answers);
        }

        WorldTask Pick()
        {
            int found = Array.BinarySearch(sums, random.NextDouble() * sum);
            return Tasks[Math.Min(found >= 0 ? found + 1 : ~found, Tasks.Count - 1)];
        }
    }

    /// <summary>Questions of every task and template, at most <paramref name="mostPerTemplate"/> of each exposure.</summary>
    public IEnumerable<Question> Questions(int mostPerTemplate, int seed, params IReadOnlyList<Exposure> exposures) =>
        from task in Tasks
        from template in Enumerable.Range(0, task.Templates.Count)
        from exposure in exposures
        from question in task.Questions(template, exposure, mostPerTemplate, seed)
        select question;
}
