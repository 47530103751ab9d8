namespace Microtome.Experiments;

/// <summary>What a question is for.</summary>
internal enum QuestionRole
{
    /// <summary>Whether a thought is being injected.</summary>
    Introspective,

    /// <summary>The same about someone else.</summary>
    ThirdPerson,

    /// <summary>A control whose answer is yes.</summary>
    True,

    /// <summary>A control whose answer is no.</summary>
    False,
}

internal sealed record YesNoQuestion(QuestionRole Role, TrialPrompt Prompt, PositionRange Positions);

/// <summary>The yes-or-no questions of an experiment.</summary>
internal static class QuestionSet
{
    /// <summary>The options of every question, in this order.</summary>
    public static readonly IReadOnlyList<string> Options = ["yes", "no"];

    /// <param name="positions">Where vectors are added unless the settings say otherwise.</param>
    /// <exception cref="ArgumentException">A question cannot be asked; the message says which and why.</exception>
    public static IReadOnlyList<YesNoQuestion> Build(ExperimentContext context, string askKey = "ask", string positions = "question-", Func<string, ComposedPrompt>? compose = null)
    {
        ExperimentSettings settings = context.Settings;
        compose ??= question => PromptTexts.Compose(context, settings.Text("template"), "", ("context", settings.Text("context")), ("question", question));
        List<YesNoQuestion> questions = [];
        foreach ((QuestionRole role, string key) in new[] { (QuestionRole.Introspective, askKey), (QuestionRole.ThirdPerson, "third-person"), (QuestionRole.True, "true"), (QuestionRole.False, "false") })
            foreach (string question in settings.Texts(key))
            {
                ComposedPrompt composed = compose(question);
                TrialPrompt prompt = TrialPrompt.Create(context.Model.Prompts, question, composed.Text, composed.Parts, [new AnswerOption("yes", settings.Yes), new AnswerOption("no", settings.No)], composed.IsRendered);
                questions.Add(new YesNoQuestion(role, prompt, prompt.Positions(settings.Positions ?? positions)));
            }
        if (questions.GroupBy(question => (question.Role, question.Prompt.Name)).FirstOrDefault(group => group.Count() > 1) is { } twice) throw new ArgumentException($"The question '{twice.Key.Name}' is there twice; ask each once.");
        return questions;
    }

    public static string Name(this QuestionRole role) => role switch
    {
        QuestionRole.Introspective => "introspective",
        QuestionRole.ThirdPerson => "third person",
        QuestionRole.True => "control, true",
        _ => "control, false",
    };
}
