using Microtome.Models.SmallWorld;

namespace Microtome.Experiments.SmallWorld;

/// <summary>What is asked of the state that a city is in.</summary>
/// <param name="Template">The prompt, with the city's place as <c>{0}</c>.</param>
/// <param name="Answer">What is right of a state.</param>
public sealed record SwapQuestion(string Name, string Template, Func<State, string> Answer)
{
    public static SwapQuestion Capital { get; } = new("capital", "The capital of the state containing {0} is", state => state.Capital);

    public static SwapQuestion Abbreviation { get; } = new("abbreviation", "The abbreviation of the state containing {0} is", state => state.Abbreviation);

    public static IReadOnlyList<SwapQuestion> All { get; } = [Capital, Abbreviation];

    public string Prompt(string city) => Template.Replace("{0}", city, StringComparison.Ordinal);
}
