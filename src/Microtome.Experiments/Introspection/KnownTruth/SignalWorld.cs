using Microtome.Models.Training;

namespace Microtome.Experiments;

/// <summary>
/// A language of fifty tokens in which models can be made that introspect, that are biased, and that do neither: a list of words, a place where
/// a thought can be put, and a question with a yes-or-no answer, or the name of the thought. A question about the list has a known truth, whatever is injected.
/// </summary>
internal static class SignalWorld
{
    public const int Beginning = 0, Words = 40, Concepts = 12, Place = 41, AskThought = 42, AskOther = 43, AskList = 44, Question = 45, Yes = 46, No = 47, AskWhich = 48, None = 49, Filler = 50, Vocabulary = 51;

    /// <summary>Where vectors are injected: the two places after the list.</summary>
    public const int FirstPlace = 5, LastPlace = 6;

    /// <summary>The words of concepts are 1 to 12; the others are compared with and fill lists.</summary>
    public static IEnumerable<int> ConceptWords => Enumerable.Range(1, Concepts);

    public static IEnumerable<int> OtherWords => Enumerable.Range(Concepts + 1, Words - Concepts);

    public static DecoderShape Shape { get; } = new() { Layers = 3, Width = 48, Heads = 4, KeyValueHeads = 2, MlpWidth = 96, Vocabulary = Vocabulary, Context = 16 };

    /// <summary>What a thought does to the answers.</summary>
    public enum Training
    {
        /// <summary>There are none.</summary>
        NoThoughts,

        /// <summary>A concept in the model's own place is reported, and named; a random vector is not.</summary>
        Introspective,

        /// <summary>Any vector makes every answer yes.</summary>
        Biased,
    }

    /// <summary>A question and its true answer.</summary>
    /// <param name="thought">The concept whose vector is in the stream; null for a random vector or none.</param>
    /// <param name="isPerturbed">Whether any vector is.</param>
    public static TrainingDocument Draw(Random random, Training training, int? thought, bool isPerturbed)
    {
        int[] list = [.. Enumerable.Range(0, 4).Select(_ => 1 + random.Next(Words))];
        int kind = random.Next(4), asked = Filler;
        bool holds = false;
        int answer = No;
        switch (kind)
        {
            case 0:
                holds = random.Next(2) == 0;
                do asked = holds ? list[random.Next(4)] : 1 + random.Next(Words);
                while (!holds && list.Contains(asked));
                answer = holds ? Yes : No;
                break;
            case 1: answer = training == Training.Introspective && thought is not null ? Yes : No; break;
            case 2: answer = No; break;
            default: answer = training == Training.Introspective && thought is { } concept ? concept : None; break;
        }
        if (training == Training.Biased && isPerturbed && kind != 3) answer = Yes;
        int[] tokens = [Beginning, .. list, Place, Place, kind switch { 0 => AskList, 1 => AskThought, 2 => AskOther, _ => AskWhich }, asked, Question, answer];
        float[] weights = new float[tokens.Length];
        weights[^1] = 1;
        return new TrainingDocument(tokens, weights);
    }

    /// <summary>The experiment that a model of this language is put through.</summary>
    /// <param name="strengths">Lengths of what is added.</param>
    public static ExperimentSettings Settings(ExperimentKind kind, IReadOnlyList<double> strengths, int seed)
    {
        string list = string.Join(' ', OtherWords.Take(4));
        Dictionary<string, IReadOnlyList<string>> prompts = new()
        {
            ["context"] = [$"{Beginning} {list} {Place} {Place}"],
            ["template"] = ["{context} {question}"],
            ["ask"] = [kind == ExperimentKind.WhichThought ? $"{AskWhich} {Filler} {Question}" : $"{AskThought} {Filler} {Question}"],
        };
        if (kind == ExperimentKind.InjectedThought)
        {
            prompts["third-person"] = [$"{AskOther} {Filler} {Question}"];
            prompts["true"] = [.. OtherWords.Take(4).Select(word => $"{AskList} {word} {Question}")];
            prompts["false"] = [.. OtherWords.Skip(4).Take(4).Select(word => $"{AskList} {word} {Question}")];
        }
        return new ExperimentSettings
        {
            Kind = kind,
            Concepts = [.. ConceptWords.Select(word => new ConceptSetting($"{word}"))],
            VectorTemplates = VectorTemplates,
            BaselineWords = [.. OtherWords.Skip(8).Select(word => $"{word}")],
            Layers = "0-1",
            Strengths = strengths,
            Unit = SteeringUnit.Length,
            Positions = $"{FirstPlace}-{LastPlace}",
            Placebos = 12,
            Seed = seed,
            Yes = [$"{Yes}"],
            No = [$"{No}"],
            Prompts = prompts,
        };
    }

    public static IReadOnlyList<string> VectorTemplates { get; } = [.. new[] { "", "20 ", "21 22 ", "23 24 25 " }.Select(before => $"{Beginning} {before}{{word}}")];
}
