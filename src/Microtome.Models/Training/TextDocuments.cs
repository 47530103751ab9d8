using Microtome.Models.Tokenizers;

namespace Microtome.Models.Training;

/// <summary>An endless stream of texts: the same for the same seed, whenever it is enumerated anew.</summary>
public delegate IEnumerable<string> TextSource(int seed);

/// <summary>Turns texts into documents to train on.</summary>
public static class TextDocuments
{
    /// <summary>Each text between two <c>&lt;|endoftext|&gt;</c>; one that is longer than the context is cut into pieces, each after one more of them.</summary>
    /// <param name="endOfText">The id of the token that begins and ends a text.</param>
    /// <param name="context">The most tokens that are read at once.</param>
    public static IEnumerable<TrainingDocument> Encode(IEnumerable<string> texts, Tokenizer tokenizer, int endOfText, int context)
    {
        foreach (string text in texts)
        {
            int[] tokens = [.. tokenizer.Encode(text), endOfText];
            for (int start = 0; start < tokens.Length; start += context)
                yield return new TrainingDocument([endOfText, .. tokens.AsSpan(start, Math.Min(context, tokens.Length - start))]);
        }
    }
}
