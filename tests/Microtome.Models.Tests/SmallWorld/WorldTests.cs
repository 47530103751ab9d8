using Microtome.Models.SmallWorld;
using Shouldly;
using Xunit;

namespace Microtome.Models.Tests.SmallWorld;

public class WorldTests
{
    private static readonly World World = new();

    public static TheoryData<string> TaskNames => [.. World.Tasks.Select(task => task.Name)];

    [Fact]
    public void Documents_are_the_same_for_the_same_seed_and_differ_between_seeds()
    {
        string[] documents = [.. World.Documents(7).Take(200)];
        new World().Documents(7).Take(200).ShouldBe(documents);
        World.Documents(8).Take(200).ShouldNotBe(documents);
    }

    [Fact]
    public void What_is_held_out_is_in_no_document()
    {
        HashSet<string> secret = [.. World.Questions(200, 3, Exposure.HeldOut, Exposure.NeverShown).Select(question => question.Task.Templates[question.Template].Sentence(question.Filling))];
        secret.Count.ShouldBeGreaterThan(4_000);
        foreach (string sentence in World.Documents(11).Take(30_000).SelectMany(document => document.Split(". ").Select(sentence => sentence.EndsWith('.') ? sentence : sentence + ".")))
            secret.ShouldNotContain(sentence);
    }

    [Theory]
    [MemberData(nameof(TaskNames))]
    public void A_filling_held_out_of_one_template_is_shown_in_another(string name)
    {
        WorldTask task = World.Task(name);
        for (int template = 0; template < task.Templates.Count; template++)
        {
            IReadOnlyList<Question> questions = task.Questions(template, Exposure.HeldOut, 100, 5);
            questions.Count.ShouldBeGreaterThanOrEqualTo(2);
            foreach (Question question in questions)
                Enumerable.Range(0, task.Templates.Count).Count(other => task.Exposure(question.Filling, other) == Exposure.Seen).ShouldBe(task.Templates.Count - 1);
        }
    }

    [Theory]
    [MemberData(nameof(TaskNames))]
    public void A_sentence_begins_with_its_prompt_and_one_of_its_answers(string name)
    {
        WorldTask task = World.Task(name);
        for (int template = 0; template < task.Templates.Count; template++)
        {
            foreach (Question question in task.Questions(template, Exposure.Seen, 50, 5))
            {
                string sentence = task.Templates[template].Sentence(question.Filling);
                sentence.ShouldEndWith(".");
                sentence.ShouldNotContain('{');
                question.Answers.ShouldContain(answer => sentence.StartsWith(question.Prompt + answer, StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public void The_capital_of_the_state_containing_Dallas_is_Austin()
    {
        WorldTask task = World.Task("city-state-capital");
        Question dallas = Enum.GetValues<Exposure>().SelectMany(exposure => task.Questions(0, exposure, 1000, 1)).Single(question => question.Filling.Key == "Dallas");
        dallas.Prompt.ShouldBe("The capital of the state containing Dallas is");
        dallas.Answers.ShouldBe([" Austin."]);
    }

    [Fact]
    public void Both_facts_of_every_composition_are_shown()
    {
        WorldTask composed = World.Task("city-state-capital"), home = World.Task("city-state"), capital = World.Task("state-capital");
        IReadOnlyList<Question> never = composed.Questions(0, Exposure.NeverShown, 1000, 1);
        never.Count.ShouldBeGreaterThan(50);
        foreach (Question question in never)
        {
            State state = WorldData.States.Single(candidate => candidate.Cities.Contains(question.Filling.Key));
            question.Answers.ShouldBe([$" {state.Capital}."]);
            IsShown(home, question.Filling.Key).ShouldBeTrue();
            IsShown(capital, state.Name).ShouldBeTrue();
        }
    }

    private static bool IsShown(WorldTask task, string key) => Enumerable.Range(0, task.Templates.Count).Any(template => task.Exposure(new Filling(key, []), template) == Exposure.Seen);

    [Fact]
    public void No_two_facts_of_a_task_ask_the_same_and_no_city_is_in_two_states()
    {
        WorldData.States.SelectMany(state => state.Cities.Append(state.Capital)).ShouldBeUnique();
        WorldData.Countries.Select(country => country.Capital).Intersect(WorldData.States.SelectMany(state => state.Cities.Append(state.Capital))).ShouldBeEmpty();
        foreach (Func<OppositePair, WordPair> language in (Func<OppositePair, WordPair>[])[pair => pair.English, pair => pair.French, pair => pair.Spanish])
            WorldData.Opposites.Select(language).SelectMany(pair => new[] { pair.First, pair.Second }).ShouldBeUnique();
    }

    [Fact]
    public void Any_later_year_of_the_century_is_right()
    {
        Question question = World.Task("years").Questions(0, Exposure.HeldOut, 20, 2)[0];
        int start = int.Parse(question.Filling.Values[2]);
        question.Answers.ShouldBe(Enumerable.Range(start + 1, 99 - start).Select(year => $"{year:00}."));
    }

    [Theory]
    [InlineData(ListOperation.Reverse, "kdafb", "bfadk")]
    [InlineData(ListOperation.EverySecond, "kdafb", "df")]
    [InlineData(ListOperation.FirstThree, "kdafb", "kda")]
    [InlineData(ListOperation.Sort, "kdafb", "abdfk")]
    [InlineData(ListOperation.Last, "kdafb", "b")]
    public void Operations_on_lists_do_what_they_say(ListOperation operation, string letters, string result) =>
        new ListExample(operation, letters).Result.ShouldBe(result);

    [Fact]
    public void Drawn_lists_have_different_letters_and_the_lengths_asked_for()
    {
        Random random = new(1);
        for (int i = 0; i < 500; i++)
        {
            string letters = ListExample.Draw(random, ListOperation.Sort, 3, 5).Letters;
            letters.Length.ShouldBeInRange(3, 5);
            letters.AsEnumerable().ShouldBeUnique();
        }
        Should.Throw<ArgumentOutOfRangeException>(() => ListExample.Draw(random, ListOperation.Last, 2, 5));
        Should.Throw<ArgumentOutOfRangeException>(() => ListExample.Draw(random, ListOperation.Last, 3, 27));
    }
}
