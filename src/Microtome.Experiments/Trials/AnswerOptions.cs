using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>An answer that a model can give, with all its spellings; their probabilities are summed.</summary>
public sealed record AnswerOption(string Name, IReadOnlyList<string> Spellings);

/// <summary>The answers that are read after one prompt. A spelling of several tokens has the product of their probabilities, each after those before it.</summary>
public sealed class AnswerOptions
{
    private readonly (int Option, int[] Tokens)[] _spellings;

    private AnswerOptions(IReadOnlyList<string> names, (int Option, int[] Tokens)[] spellings)
    {
        Names = names;
        _spellings = spellings;
        // Each spelling is read after the prompt and after every token of it but the last.
        int[][] tails = [.. spellings.Select(spelling => spelling.Tokens[..^1])];
        Tails = [.. tails.Where((tail, i) => !tails.Where((other, j) => other.Length > tail.Length || (other.Length == tail.Length && j < i)).Any(other => other.AsSpan().StartsWith(tail)))];
    }

    public IReadOnlyList<string> Names { get; }

    /// <summary>What has to be run after the prompt to read all options: one entry, and that empty, where every spelling is one token.</summary>
    internal IReadOnlyList<int[]> Tails { get; }

    /// <summary>The tokens that begin an answer.</summary>
    internal IEnumerable<int> FirstTokens => _spellings.Select(spelling => spelling.Tokens[0]);

    /// <summary>The tokens that begin an option's spellings.</summary>
    internal int[] FirstTokensOf(int option) => [.. _spellings.Where(spelling => spelling.Option == option).Select(spelling => spelling.Tokens[0]).Distinct()];

    /// <summary>The options as they continue a prompt. Spellings that the tokenizer would merge with the prompt's end are left out.</summary>
    /// <param name="prompt">The text that the answer follows.</param>
    /// <param name="where">What messages call the prompt.</param>
    /// <exception cref="ArgumentException">An option has no spelling that can follow the prompt, or two options tokenise alike.</exception>
    public static AnswerOptions After(PromptEncoder encoder, string prompt, int[] promptTokens, IReadOnlyList<AnswerOption> options, string where, bool isRendered = false)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Count < 2) throw new ArgumentException($"{where}: an answer needs at least two options.");
        List<(int Option, string Text, int[] Tokens)> found = [];
        for (int i = 0; i < options.Count; i++)
        {
            int before = found.Count;
            foreach (string spelling in options[i].Spellings)
            {
                int[] tokens = Continuation(encoder, prompt, promptTokens, spelling, isRendered);
                if (tokens.Length > 0 && !found.Any(other => other.Option == i && tokens.AsSpan().StartsWith(other.Tokens)))
                {
                    found.RemoveAll(other => other.Option == i && other.Tokens.AsSpan().StartsWith(tokens));
                    found.Add((i, spelling, tokens));
                }
            }
            if (found.Count == before)
                throw new ArgumentException($"{where}: no spelling of the option \"{options[i].Name}\" ({string.Join(", ", options[i].Spellings.Select(text => $"\"{text}\""))}) is tokens of its own after the prompt.");
        }
        for (int i = 0; i < found.Count; i++)
            for (int j = 0; j < found.Count; j++)
                if (found[i].Option != found[j].Option && (j > i || found[i].Tokens.Length != found[j].Tokens.Length) && found[j].Tokens.AsSpan().StartsWith(found[i].Tokens))
                    throw new ArgumentException($"{where}: the options \"{options[found[i].Option].Name}\" and \"{options[found[j].Option].Name}\" tokenise alike: " +
                        $"\"{found[i].Text}\" is {Pieces(encoder, found[i].Tokens)} and \"{found[j].Text}\" is {Pieces(encoder, found[j].Tokens)}. Give options of which none begins another.");
        return new AnswerOptions([.. options.Select(option => option.Name)], [.. found.Select(one => (one.Option, one.Tokens))]);
    }

    /// <summary>Each option's log-probability.</summary>
    /// <param name="logProbability">Of a token after the prompt and some tokens more.</param>
    internal double[] Read(Func<ReadOnlyMemory<int>, int, double> logProbability)
    {
        List<double>[] spellings = [.. Names.Select(_ => new List<double>())];
        foreach ((int option, int[] tokens) in _spellings)
        {
            double sum = 0;
            for (int i = 0; i < tokens.Length; i++) sum += logProbability(tokens.AsMemory(0, i), tokens[i]);
            spellings[option].Add(sum);
        }
        return [.. spellings.Select(values => Descriptive.LogSumExp(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(values)))];
    }

    private static int[] Continuation(PromptEncoder encoder, string prompt, int[] promptTokens, string spelling, bool isRendered)
    {
        if (!encoder.HasTokenizer) return encoder.Encode(spelling);
        int[] all = isRendered ? encoder.EncodeRendered(prompt + spelling) : encoder.Encode(prompt + spelling);
        return all.AsSpan().StartsWith(promptTokens) ? all[promptTokens.Length..] : [];
    }

    private static string Pieces(PromptEncoder encoder, int[] tokens) => string.Join(' ', tokens.Select(token => $"\"{encoder.TextOf(token)}\""));
}
