using System.IO.Compression;

namespace Microtome.Dictionaries;

/// <summary>Reads files that may be compressed by gzip, never more of them than is allowed.</summary>
internal static class GzipFile
{
    /// <summary>A file's bytes, unpacked where its name ends in <c>.gz</c>.</summary>
    /// <param name="largest">The most bytes, packed and unpacked.</param>
    /// <exception cref="InvalidDataException">It is larger, or damaged; the message names it.</exception>
    public static byte[] ReadAll(string file, long largest)
    {
        if (new FileInfo(file).Length > largest) throw TooLarge(file, largest);
        if (!file.EndsWith(".gz", StringComparison.Ordinal)) return File.ReadAllBytes(file);
        using FileStream stream = File.OpenRead(file);
        using GZipStream unpacked = new(stream, CompressionMode.Decompress);
        return ReadAll(unpacked, file, largest);
    }

    /// <summary>All that a stream of unpacked bytes gives.</summary>
    public static byte[] ReadAll(Stream unpacked, string name, long largest)
    {
        using MemoryStream bytes = new();
        byte[] buffer = new byte[1 << 16];
        try
        {
            for (int count; (count = unpacked.Read(buffer)) > 0 && bytes.Length <= largest;) bytes.Write(buffer, 0, count);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{name} is not compressed by gzip or is damaged: {exception.Message}", exception);
        }
        return bytes.Length <= largest ? bytes.ToArray() : throw TooLarge(name, largest);
    }

    /// <summary>The lines of a text file that are not blank, one at a time.</summary>
    /// <param name="longest">The most bytes of a line.</param>
    /// <exception cref="InvalidDataException">A line is longer, or the file is damaged; the message names it.</exception>
    public static IEnumerable<ReadOnlyMemory<byte>> ReadLines(string file, int longest)
    {
        using FileStream stream = File.OpenRead(file);
        using Stream unpacked = file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(stream, CompressionMode.Decompress) : stream;
        byte[] buffer = new byte[1 << 16];
        int start = 0, end = 0;
        for (bool isOver = false; !isOver || start < end;)
        {
            int length = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (length < 0 && !isOver)
            {
                if (start > 0) buffer.AsSpan(start, end - start).CopyTo(buffer);
                (start, end) = (0, end - start);
                if (end > longest) throw new InvalidDataException($"{file} has a line of more than {longest:N0} bytes; it is not an export of features.");
                if (end == buffer.Length) Array.Resize(ref buffer, 2 * buffer.Length);
                int count = Read(unpacked, buffer.AsSpan(end), file);
                isOver = count == 0;
                end += count;
                continue;
            }
            ReadOnlyMemory<byte> line = buffer.AsMemory(start, length < 0 ? end - start : length);
            start = length < 0 ? end : start + length + 1;
            if (!line.Span.Trim("\r\t "u8).IsEmpty) yield return line;
        }
    }

    private static int Read(Stream stream, Span<byte> buffer, string file)
    {
        try
        {
            return stream.Read(buffer);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{file} is not compressed by gzip or is damaged: {exception.Message}", exception);
        }
    }

    private static InvalidDataException TooLarge(string file, long largest) => new($"{file} has more than {largest >> 20} MB, which is allowed for feature data.");
}
