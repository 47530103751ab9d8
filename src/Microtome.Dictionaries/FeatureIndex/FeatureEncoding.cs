using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>How an index's file keeps a feature's histogram and examples: as bytes, checked when they are read.</summary>
internal static class FeatureEncoding
{
    private const int LongestContext = 1 << 24;

    public static byte[] Histogram(BinCounts bins)
    {
        if (bins.ToHistogram() is not { } histogram) return [];
        using MemoryStream buffer = new();
        using BinaryWriter writer = new(buffer);
        writer.Write(bins.Exponent);
        writer.Write((int)Math.Round(histogram.From / histogram.BinWidth));
        foreach (long count in histogram.Counts) writer.Write7BitEncodedInt64(count);
        return buffer.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are damaged.</exception>
    public static BinCounts Histogram(byte[] bytes)
    {
        if (bytes.Length == 0) return new BinCounts();
        using BinaryReader reader = new(new MemoryStream(bytes));
        try
        {
            int exponent = reader.ReadInt32(), first = reader.ReadInt32();
            List<long> counts = [];
            while (reader.BaseStream.Position < bytes.Length && counts.Count <= 2 * BinCounts.Bins) counts.Add(reader.Read7BitEncodedInt64());
            return BinCounts.From(exponent, first, counts.ToArray());
        }
        catch (Exception exception) when (exception is EndOfStreamException or FormatException)
        {
            throw new InvalidDataException("a histogram is cut off", exception);
        }
    }

    public static byte[] Contexts(IEnumerable<ActivatingContext> contexts)
    {
        using MemoryStream buffer = new();
        using BinaryWriter writer = new(buffer);
        foreach (ActivatingContext context in contexts)
        {
            writer.Write7BitEncodedInt64(context.Context.Id);
            writer.Write7BitEncodedInt(context.Peak);
            writer.Write7BitEncodedInt(context.Firings.Length);
            int last = 0;
            foreach (Firing firing in context.Firings)
            {
                writer.Write7BitEncodedInt(firing.Position - last);
                writer.Write(firing.Value);
                last = firing.Position;
            }
        }
        return buffer.ToArray();
    }

    /// <param name="contextOf">The context with an id; null where there is none.</param>
    /// <exception cref="InvalidDataException">The bytes are damaged.</exception>
    public static List<ActivatingContext> Contexts(byte[] bytes, Func<long, TokenContext?> contextOf)
    {
        List<ActivatingContext> contexts = [];
        using MemoryStream buffer = new(bytes);
        using BinaryReader reader = new(buffer);
        try
        {
            while (buffer.Position < bytes.Length)
            {
                long id = reader.Read7BitEncodedInt64();
                int peak = reader.Read7BitEncodedInt(), count = reader.Read7BitEncodedInt();
                TokenContext context = contextOf(id) ?? throw new InvalidDataException($"an example names context {id}, which is not there");
                if (count < 1 || count > (bytes.Length - buffer.Position) / 5 || (uint)peak >= (uint)count) throw new InvalidDataException("an example has no peak");
                Firing[] firings = new Firing[count];
                int position = 0;
                for (int i = 0; i < count; i++)
                {
                    int step = reader.Read7BitEncodedInt();
                    if (step < 0 || (i > 0 && step == 0) || step > LongestContext || (position += step) >= context.Tokens.Length)
                        throw new InvalidDataException($"an example is active at position {position}, but its context has {context.Tokens.Length}");
                    float value = reader.ReadSingle();
                    if (!float.IsFinite(value)) throw new InvalidDataException("an activation is not a finite number");
                    firings[i] = new Firing(position, value);
                }
                contexts.Add(new ActivatingContext(context, ActivatingContext.KeyOf(context.Tokens, firings[peak].Position), firings, peak));
            }
            return contexts;
        }
        catch (Exception exception) when (exception is EndOfStreamException or FormatException)
        {
            throw new InvalidDataException("an example is cut off", exception);
        }
    }

    public static byte[] Tokens(ReadOnlySpan<int> tokens)
    {
        using MemoryStream buffer = new();
        using BinaryWriter writer = new(buffer);
        foreach (int token in tokens) writer.Write7BitEncodedInt(token);
        return buffer.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are damaged.</exception>
    public static int[] Tokens(byte[] bytes)
    {
        using MemoryStream buffer = new(bytes);
        using BinaryReader reader = new(buffer);
        try
        {
            List<int> tokens = [];
            while (buffer.Position < bytes.Length)
            {
                tokens.Add(reader.Read7BitEncodedInt());
                if (tokens[^1] < 0) throw new InvalidDataException("a token is negative");
            }
            return [.. tokens];
        }
        catch (Exception exception) when (exception is EndOfStreamException or FormatException)
        {
            throw new InvalidDataException("a context is cut off", exception);
        }
    }
}
