namespace Microtome.Models.Tokenizers;

/// <summary>
/// Learns a byte-level vocabulary (Sennrich et al. 2016, arXiv 1508.07909, algorithm 1, on bytes): the pair of pieces that occurs most often becomes a
/// piece, again and again. Of pairs that occur equally often, the one whose bytes come first is taken, so the same texts give the same vocabulary.
/// </summary>
public static class BytePairTrainer
{
    /// <summary>The token that begins and ends a text.</summary>
    public const string EndOfText = "<|endoftext|>";

    private readonly record struct Pair(int Left, int Right);

    /// <param name="texts">What to learn from.</param>
    /// <param name="vocabularySize">The most tokens: 256 bytes, merges, and <see cref="EndOfText"/>. There are fewer when no pair occurs twice any more.</param>
    /// <exception cref="ArgumentException">The vocabulary is too small for the bytes, or there are no texts.</exception>
    public static TrainedTokenizer Train(IEnumerable<string> texts, int vocabularySize, CancellationToken cancellation = default)
    {
        const int Bytes = 256;
        ArgumentNullException.ThrowIfNull(texts);
        if (vocabularySize is < Bytes + 1 or > 1 << 20) throw new ArgumentException($"A vocabulary of {vocabularySize} is not possible: the bytes and {EndOfText} alone are {Bytes + 1}, and {1 << 20} are the most.", nameof(vocabularySize));
        (List<int[]> words, List<long> counts) = CountWords(texts, cancellation);
        if (words.Count == 0) throw new ArgumentException("There are no texts to learn a vocabulary from.", nameof(texts));

        List<string> pieces = [.. Enumerable.Range(0, Bytes).Select(value => ByteAlphabet.Character((byte)value)).Order().Select(character => character.ToString())];
        List<(string Left, string Right)> merges = [];
        Dictionary<Pair, long> pairCounts = [];
        Dictionary<Pair, HashSet<int>> wordsOf = [];
        PriorityQueue<Pair, (long Count, string Left, string Right)> queue = new(Comparer<(long Count, string Left, string Right)>.Create(Compare));
        HashSet<Pair> changed = [];
        for (int word = 0; word < words.Count; word++) AddPairs(word, +1);
        Enqueue();
        while (Bytes + merges.Count + 1 < vocabularySize && queue.TryDequeue(out Pair best, out (long Count, string Left, string Right) priority))
        {
            cancellation.ThrowIfCancellationRequested();
            long count = pairCounts.GetValueOrDefault(best);
            if (count != priority.Count) continue; // it was entered again with its new count
            if (count < 2) break;
            int merged = pieces.Count;
            pieces.Add(pieces[best.Left] + pieces[best.Right]);
            merges.Add((pieces[best.Left], pieces[best.Right]));
            foreach (int word in wordsOf[best].Order().ToArray())
            {
                AddPairs(word, -1);
                words[word] = Merge(words[word], best, merged);
                AddPairs(word, +1);
            }
            Enqueue();
        }
        return new TrainedTokenizer(pieces, merges, [EndOfText]);

        void AddPairs(int word, int sign)
        {
            int[] symbols = words[word];
            for (int i = 0; i + 1 < symbols.Length; i++)
            {
                Pair pair = new(symbols[i], symbols[i + 1]);
                pairCounts[pair] = pairCounts.GetValueOrDefault(pair) + sign * counts[word];
                changed.Add(pair);
                if (!wordsOf.TryGetValue(pair, out HashSet<int>? holders)) wordsOf.Add(pair, holders = []);
                if (sign > 0) holders.Add(word);
                else holders.Remove(word);
            }
        }

        void Enqueue()
        {
            foreach (Pair pair in changed)
            {
                long count = pairCounts[pair];
                if (count > 0) queue.Enqueue(pair, (count, pieces[pair.Left], pieces[pair.Right]));
                else
                {
                    pairCounts.Remove(pair);
                    wordsOf.Remove(pair);
                }
            }
            changed.Clear();
        }
    }

    /// <summary>Most frequent first; then by the pieces' bytes.</summary>
    private static int Compare((long Count, string Left, string Right) x, (long Count, string Left, string Right) y)
    {
        if (x.Count != y.Count) return y.Count.CompareTo(x.Count);
        int order = CompareBytes(x.Left, y.Left);
        return order != 0 ? order : CompareBytes(x.Right, y.Right);
    }

    private static int CompareBytes(string x, string y)
    {
        for (int i = 0; i < Math.Min(x.Length, y.Length); i++)
            if (x[i] != y[i]) return ByteAlphabet.Byte(x[i]).CompareTo(ByteAlphabet.Byte(y[i]));
        return x.Length.CompareTo(y.Length);
    }

    private static (List<int[]> Words, List<long> Counts) CountWords(IEnumerable<string> texts, CancellationToken cancellation)
    {
        Tokenizer bytes = new TrainedTokenizer([.. Enumerable.Range(0, 256).Select(value => ByteAlphabet.Character((byte)value)).Order().Select(character => character.ToString())], [], [EndOfText]).ToTokenizer();
        Dictionary<string, long> counts = new(StringComparer.Ordinal);
        foreach (string text in texts)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (string word in bytes.Words(text)) counts[word] = counts.GetValueOrDefault(word) + 1;
        }
        string[] words = [.. counts.Keys.Order(StringComparer.Ordinal)];
        return ([.. words.Select(word => word.Select(character => bytes.Find(character.ToString())!.Value).ToArray())], [.. words.Select(word => counts[word])]);
    }

    private static int[] Merge(int[] symbols, Pair pair, int merged)
    {
        List<int> result = new(symbols.Length);
        for (int i = 0; i < symbols.Length; i++)
        {
            bool both = i + 1 < symbols.Length && symbols[i] == pair.Left && symbols[i + 1] == pair.Right;
            result.Add(both ? merged : symbols[i]);
            if (both) i++;
        }
        return [.. result];
    }
}
