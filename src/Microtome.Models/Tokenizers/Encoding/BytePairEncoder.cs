using System.Collections.Concurrent;
using System.Text;

namespace Microtome.Models.Tokenizers;

/// <summary>A piece of the vocabulary and the units of its word that it covers.</summary>
internal record struct Symbol(int Id, int Start, int End);

/// <summary>
/// Byte pair encoding: a word is split into code points, and neighbours merge, lowest rank first, left to right, until no pair is
/// among the merges.
/// </summary>
internal sealed class BytePairEncoder(Vocabulary vocabulary, MergeTable merges, BytePairOptions options)
{
    private const int LongestCachedWord = 64;
    private const int MostCachedWords = 1 << 16;

    private readonly int[] _byteIds = options.ByteFallback ? FindBytes(vocabulary) : [];
    private readonly ConcurrentDictionary<string, Symbol[]> _cache = new(StringComparer.Ordinal);
    private int _cached;

    public Vocabulary Vocabulary => vocabulary;

    /// <summary>Appends the pieces of <paramref name="word"/> to <paramref name="output"/>.</summary>
    public void Encode(ReadOnlySpan<char> word, List<Symbol> output)
    {
        if (word.Length > LongestCachedWord)
        {
            EncodeAnew(word, output);
            return;
        }
        if (_cache.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(word, out Symbol[]? known))
        {
            output.AddRange(known);
            return;
        }
        int before = output.Count;
        EncodeAnew(word, output);
        if (_cached >= MostCachedWords) return;
        Interlocked.Increment(ref _cached);
        _cache[word.ToString()] = [.. output[before..]];
    }

    private void EncodeAnew(ReadOnlySpan<char> word, List<Symbol> output)
    {
        if (options.IgnoreMerges && vocabulary.Find(word) is >= 0 and int whole)
        {
            output.Add(new Symbol(whole, 0, word.Length));
            return;
        }
        // Every UTF-16 unit becomes at most three symbols: its bytes.
        Span<Symbol> symbols = word.Length <= LongestCachedWord ? stackalloc Symbol[3 * LongestCachedWord] : new Symbol[MostSymbols(word)];
        int count = Split(word, symbols);
        symbols = symbols[..count];
        count = count <= 32 ? MergeShort(symbols) : MergeLong(symbols);
        foreach (Symbol symbol in symbols[..count]) output.Add(symbol);
    }

    private static int[] FindBytes(Vocabulary vocabulary)
    {
        int[] ids = new int[256];
        for (int value = 0; value < ids.Length; value++) ids[value] = vocabulary.Find($"<0x{value:X2}>");
        return ids;
    }

    private int MostSymbols(ReadOnlySpan<char> word) => options.ByteFallback ? Encoding.UTF8.GetByteCount(word) : word.Length;

    private int Split(ReadOnlySpan<char> word, Span<Symbol> symbols)
    {
        int count = 0;
        Span<byte> utf8 = stackalloc byte[4];
        for (int at = 0; at < word.Length;)
        {
            int start = at;
            int codePoint = CharacterSet.Next(word, ref at);
            int id = vocabulary.FindCodePoint(codePoint);
            if (id < 0 && options.ByteFallback)
            {
                ReadOnlySpan<byte> bytes = utf8[..new Rune(codePoint).EncodeToUtf8(utf8)];
                if (HaveIds(bytes))
                {
                    foreach (byte value in bytes) symbols[count++] = new Symbol(_byteIds[value], start, at);
                    continue;
                }
            }
            if (id < 0)
            {
                if (options.UnknownId is not int unknown) continue;
                if (options.FuseUnknown && count > 0 && symbols[count - 1].Id == unknown && symbols[count - 1].End == start)
                {
                    symbols[count - 1].End = at;
                    continue;
                }
                id = unknown;
            }
            symbols[count++] = new Symbol(id, start, at);
        }
        return count;
    }

    private bool HaveIds(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
            if (_byteIds[value] < 0) return false;
        return true;
    }

    /// <summary>Merges by looking for the lowest rank again and again, which is quickest for a few symbols; their number afterwards.</summary>
    private int MergeShort(Span<Symbol> symbols)
    {
        int count = symbols.Length;
        Span<int> ranks = stackalloc int[32];
        for (int i = 0; i + 1 < count; i++) ranks[i] = merges.Rank(symbols[i].Id, symbols[i + 1].Id);
        while (count > 1)
        {
            int best = 0;
            for (int i = 1; i < count - 1; i++)
                if (ranks[i] < ranks[best]) best = i;
            if (ranks[best] == int.MaxValue) break;

            symbols[best] = new Symbol(merges.Merged(ranks[best]), symbols[best].Start, symbols[best + 1].End);
            symbols[(best + 2)..count].CopyTo(symbols[(best + 1)..]);
            ranks[(best + 1)..(count - 1)].CopyTo(ranks[best..]);
            count--;
            if (best > 0) ranks[best - 1] = merges.Rank(symbols[best - 1].Id, symbols[best].Id);
            if (best + 1 < count) ranks[best] = merges.Rank(symbols[best].Id, symbols[best + 1].Id);
        }
        return count;
    }

    /// <summary>Merges with a queue of the pairs that can merge, in O(n log n); the number of symbols afterwards.</summary>
    private int MergeLong(Span<Symbol> symbols)
    {
        int count = symbols.Length;
        int[] previous = new int[count];
        int[] next = new int[count];
        List<(int Position, ulong Order)> initial = new(count);
        for (int i = 0; i < count; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1;
            int rank = i + 1 < count ? merges.Rank(symbols[i].Id, symbols[i + 1].Id) : int.MaxValue;
            if (rank < int.MaxValue) initial.Add((i, Order(rank, i)));
        }
        PriorityQueue<int, ulong> queue = new(initial);
        while (queue.TryDequeue(out int position, out ulong order))
        {
            int rank = (int)(order >> 32);
            int right = next[position];
            // The entry is out of date when a side of the pair has merged with something else since.
            if (right >= count || symbols[position].Id < 0 || merges.Rank(symbols[position].Id, symbols[right].Id) != rank) continue;

            symbols[position] = new Symbol(merges.Merged(rank), symbols[position].Start, symbols[right].End);
            symbols[right].Id = -1;
            int after = next[right];
            next[position] = after;
            if (after < count)
            {
                previous[after] = position;
                Enqueue(position, merges.Rank(symbols[position].Id, symbols[after].Id));
            }
            int before = previous[position];
            if (before >= 0) Enqueue(before, merges.Rank(symbols[before].Id, symbols[position].Id));
        }

        int kept = 0;
        for (int i = 0; i < count; i = next[i]) symbols[kept++] = symbols[i];
        return kept;

        void Enqueue(int position, int rank)
        {
            if (rank < int.MaxValue) queue.Enqueue(position, Order(rank, position));
        }

        static ulong Order(int rank, int position) => (ulong)(uint)rank << 32 | (uint)position;
    }
}
