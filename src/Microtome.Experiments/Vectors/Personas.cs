namespace Microtome.Experiments;

/// <summary>Contrast pairs of two personas: the same sentences and beginnings of answers, with one persona or the other in them, as repeng's examples make them.</summary>
public static class Personas
{
    private const string Place = "{persona}";

    /// <summary>One pair for each sentence and beginning.</summary>
    /// <param name="templates">Texts with <c>{persona}</c> in them; those that come with the program where null.</param>
    /// <param name="endings">What follows the sentence; those that come with the program where null.</param>
    /// <exception cref="ArgumentException">A template has no place for the persona, or there is nothing to pair.</exception>
    public static IReadOnlyList<ContrastPair> Pairs(string positive, string negative, string? templates = null, string? endings = null)
    {
        IReadOnlyList<string> sentences = templates is null ? ConceptTemplates.Embedded("persona-templates.txt") : ConceptTemplates.Read(templates);
        IReadOnlyList<string> beginnings = endings is null ? ConceptTemplates.Embedded("persona-endings.txt") : ConceptTemplates.Read(endings);
        if (sentences.FirstOrDefault(sentence => !sentence.Contains(Place, StringComparison.Ordinal)) is { } without) throw new ArgumentException($"The template \"{without}\" has no {Place}, where the persona goes.");
        if (positive == negative) throw new ArgumentException($"Both personas are \"{positive}\".");
        ContrastPair[] pairs = [.. from sentence in sentences from beginning in beginnings select new ContrastPair(Fill(sentence, positive, beginning), Fill(sentence, negative, beginning))];
        return pairs.Length > 0 ? pairs : throw new ArgumentException("There are no templates or no endings, so there are no pairs.");
    }

    private static string Fill(string sentence, string persona, string beginning) => $"{sentence.Replace(Place, persona, StringComparison.Ordinal)} {beginning}";
}
