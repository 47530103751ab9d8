using Microtome.Models;
using Microtome.Models.SmallWorld;

namespace Microtome.Dictionaries;

/// <summary>What there is to know in the small world, as facts that latents can be looked for.</summary>
public static class WorldFacts
{
    private static readonly Exposure[] Exposures = Enum.GetValues<Exposure>();

    /// <summary>
    /// For each task about facts that has two wordings or more, and each of its answers: the prompts that are to be answered so, wording by wording. How often
    /// training states it follows from the tasks' weights and from what training leaves out.
    /// </summary>
    public static IReadOnlyList<KnownFact> Of(World world, PromptEncoder prompts)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(prompts);
        double weights = world.Tasks.Sum(task => task.Weight);
        List<KnownFact> facts = [];
        foreach (FactTask task in world.Tasks.OfType<FactTask>().Where(task => task.Templates.Count > 1))
        {
            Question[] questions =
            [
                .. from template in Enumerable.Range(0, task.Templates.Count)
                   from exposure in Exposures
                   from question in task.Questions(template, exposure, int.MaxValue, world.Seed)
                   select question,
            ];
            double shown = questions.Count(question => question.Exposure == Exposure.Seen);
            foreach (IGrouping<string, Question> answer in questions.GroupBy(question => question.Filling.Values[^1]).OrderBy(group => group.Key, StringComparer.Ordinal))
            {
                // By wording, so that what is searched and what is tested are other wordings.
                int[][] tokens = [.. answer.OrderBy(question => question.Template).ThenBy(question => question.Filling.Key, StringComparer.Ordinal).Select(question => prompts.EncodeForTracing(question.Prompt))];
                facts.Add(new KnownFact(task.Name, answer.Key, task.Weight / weights * answer.Count(question => question.Exposure == Exposure.Seen) / Math.Max(1, shown), tokens));
            }
        }
        return facts;
    }
}
