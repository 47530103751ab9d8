using Microtome.Models;
using Microtome.Models.Tokenizers;

namespace Microtome.Experiments;

/// <summary>Contrast pairs of two personas: the same sentences and beginnings of answers, with one persona or the other in them, as repeng's examples make them.</summary>
public static class Personas
{
    private const string Place = "{persona}";

    /// <summary>One pair for each sentence and beginning.</summary>
    /// <param name="templates">Texts with <c>{persona}</c> in them; those that come with the program where null.</param>
    /// <param name="endings">What follows the sentence; those that come with the program where null.</param>
    /// <param name="truncations">Where given, the endings are cut at every length as <see cref="Truncations"/> does, each of which makes a pair.</param>
    /// <exception cref="ArgumentException">A template has no place for the persona, or there is nothing to pair.</exception>
    public static IReadOnlyList<ContrastPair> Pairs(string positive, string negative, string? templates = null, string? endings = null, (PromptEncoder Encoder, int Without)? truncations = null)
    {
        IReadOnlyList<string> sentences = templates is null ? ConceptTemplates.Embedded("persona-templates.txt") : ConceptTemplates.Read(templates);
        IReadOnlyList<string> beginnings = endings is null ? ConceptTemplates.Embedded("persona-endings.txt") : ConceptTemplates.Read(endings);
        if (truncations is { } cut)
        {
            beginnings = [.. beginnings.SelectMany(ending => Truncations(cut.Encoder, ending, cut.Without))];
            if (beginnings.Count == 0) throw new ArgumentException($"No ending has more than {cut.Without} tokens, so that nothing is left of any when {cut.Without} are cut off; give longer ones, or cut off fewer.");
        }
        if (sentences.FirstOrDefault(sentence => !sentence.Contains(Place, StringComparison.Ordinal)) is { } without) throw new ArgumentException($"The template \"{without}\" has no {Place}, where the persona goes.");
        if (positive == negative) throw new ArgumentException($"Both personas are \"{positive}\".");
        ContrastPair[] pairs = [.. from sentence in sentences from beginning in beginnings select new ContrastPair(Fill(sentence, positive, beginning), Fill(sentence, negative, beginning))];
        return pairs.Length > 0 ? pairs : throw new ArgumentException("There are no templates or no endings, so there are no pairs.");
    }

    /// <summary>A text cut after its first token, its second and so on, so that many short texts come of few, as repeng's notebooks do with what models said.</summary>
    /// <param name="without">How many tokens the longest lacks: 1 or more.</param>
    public static IReadOnlyList<string> Truncations(PromptEncoder encoder, string text, int without)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(without);
        // Of a character in several tokens only the last of these ends it.
        IReadOnlyList<Token> tokens = encoder.EncodeWithOffsets(text, isRendered: true);
        int[] ends = [.. tokens.SkipLast(without).Select(token => token.End).Where(end => end > 0 && !(end < text.Length && char.IsLowSurrogate(text[end]))).Distinct()];
        return [.. ends.Select(end => text[..end])];
    }

    private static string Fill(string sentence, string persona, string beginning) => $"{sentence.Replace(Place, persona, StringComparison.Ordinal)} {beginning}";
}
