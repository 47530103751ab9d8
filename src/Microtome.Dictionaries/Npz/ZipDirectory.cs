using System.Buffers.Binary;
using System.Text;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

internal enum ZipCompression
{
    Stored = 0,
    Deflated = 8,
}

/// <param name="Data">Where in the file its bytes start.</param>
/// <param name="CompressedLength">How many bytes of the file it takes.</param>
/// <param name="Length">How many bytes it has when inflated.</param>
/// <param name="Checksum">CRC-32 of the inflated bytes.</param>
internal sealed record ZipEntry(string Name, ZipCompression Compression, long Data, long CompressedLength, long Length, uint Checksum);

/// <summary>
/// The entries of a zip archive, Zip64 included (PKWARE's APPNOTE 6.3, section 4). What the central directory says is believed only after it
/// was compared with each entry's own header and with the file's length; sizes in data descriptors are not needed.
/// </summary>
internal static class ZipDirectory
{
    private const uint EndSignature = 0x06054B50, End64Signature = 0x06064B50, Locator64Signature = 0x07064B50;
    private const uint EntrySignature = 0x02014B50, LocalSignature = 0x04034B50;
    private const int EndLength = 22, Locator64Length = 20, End64Length = 56, EntryLength = 46, LocalLength = 30, LongestComment = 65_535;
    private const ushort Zip64Extra = 1;
    private const int Encrypted = 1;

    /// <exception cref="InvalidDataException">The file is not a zip archive, or it is damaged; the message names the entry.</exception>
    public static IReadOnlyList<ZipEntry> Read(MappedFile file)
    {
        (long position, long end, long count) = FindDirectory(file);
        List<ZipEntry> entries = [];
        List<(long Begin, long End, string Name)> ranges = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        long directory = position;
        for (long i = 0; i < count; i++)
        {
            if (end - position < EntryLength) throw Damaged(file, $"the directory ends within entry {i + 1} of {count}");
            ReadOnlySpan<byte> header = file.Span(position, EntryLength);
            if (U32(header, 0) != EntrySignature) throw Damaged(file, $"entry {i + 1} of {count} has no directory header");
            int nameLength = U16(header, 28), extraLength = U16(header, 30), commentLength = U16(header, 32);
            long next = position + EntryLength + nameLength + extraLength + commentLength;
            if (next > end) throw Damaged(file, $"the directory ends within entry {i + 1} of {count}");
            ReadOnlySpan<byte> nameBytes = file.Span(position + EntryLength, nameLength);
            string name = Encoding.UTF8.GetString(nameBytes);
            if (!names.Add(name)) throw Wrong(file, name, "is listed twice");

            int method = U16(header, 10);
            if ((U16(header, 8) & Encrypted) != 0) throw Wrong(file, name, "is encrypted, which is not supported");
            if (method is not ((int)ZipCompression.Stored or (int)ZipCompression.Deflated))
                throw Wrong(file, name, $"is compressed by method {method}; known are 0 (stored) and 8 (deflate)");
            (long compressed, long length, long local) = Sizes(file, name, header, file.Span(position + EntryLength + nameLength, extraLength));
            if (method == (int)ZipCompression.Stored && compressed != length)
                throw Wrong(file, name, $"is stored, but has {compressed} bytes in the archive and claims {length}");

            long data = FindData(file, name, nameBytes, method, local, directory);
            if (compressed > directory - data)
                throw Wrong(file, name, $"claims bytes {data} to {(decimal)data + compressed}, but entries end at {directory}");
            ranges.Add((local, data + compressed, name));
            entries.Add(new ZipEntry(name, (ZipCompression)method, data, compressed, length, U32(header, 16)));
            position = next;
        }

        ranges.Sort();
        for (int i = 1; i < ranges.Count; i++)
            if (ranges[i].Begin < ranges[i - 1].End)
                throw Damaged(file, $"entries '{ranges[i - 1].Name}' and '{ranges[i].Name}' overlap");
        return entries;
    }

    /// <summary>Where the central directory starts and ends, and how many entries it has.</summary>
    private static (long Start, long End, long Count) FindDirectory(MappedFile file)
    {
        if (file.Length < EndLength) throw new InvalidDataException($"{file.Path}: {file.Length} bytes are too few for an npz archive; it may be truncated.");
        int tailLength = (int)Math.Min(file.Length, EndLength + LongestComment);
        ReadOnlySpan<byte> tail = file.Span(file.Length - tailLength, tailLength);
        int at = tailLength - EndLength;
        while (at >= 0 && !(U32(tail, at) == EndSignature && U16(tail, at + 20) == tailLength - at - EndLength)) at--;
        if (at < 0) throw new InvalidDataException($"{file.Path} does not end in a zip directory; the file is truncated or not an npz archive.");

        ReadOnlySpan<byte> record = tail[at..];
        long end = file.Length - tailLength + at;
        if (U16(record, 4) is not (0 or ushort.MaxValue) || U16(record, 6) is not (0 or ushort.MaxValue)) throw Damaged(file, "it is one of several volumes");
        ulong count = U16(record, 10), length = U32(record, 12), start = U32(record, 16);
        if (count == ushort.MaxValue || length == uint.MaxValue || start == uint.MaxValue)
        {
            if (end < Locator64Length || U32(file.Span(end - Locator64Length, 4), 0) != Locator64Signature) throw Damaged(file, "its Zip64 directory is missing");
            ulong at64 = U64(file.Span(end - Locator64Length, Locator64Length), 8);
            if (at64 > (ulong)Math.Max(0, end - Locator64Length - End64Length)) throw Damaged(file, "its Zip64 directory lies outside the file");
            record = file.Span((long)at64, End64Length);
            if (U32(record, 0) != End64Signature) throw Damaged(file, "its Zip64 directory is missing");
            (count, length, start, end) = (U64(record, 32), U64(record, 40), U64(record, 48), (long)at64);
        }
        if (start > (ulong)end || length > (ulong)end - start) throw Damaged(file, $"its directory claims {length} bytes from {start}, but must end before {end}");
        if (count > length / EntryLength) throw Damaged(file, $"its directory of {length} bytes claims {count} entries");
        return ((long)start, (long)(start + length), (long)count);
    }

    /// <summary>The entry's sizes and its header's position; those that exceed 32 bits are in the Zip64 field, in this order.</summary>
    private static (long Compressed, long Length, long Local) Sizes(MappedFile file, string name, ReadOnlySpan<byte> header, ReadOnlySpan<byte> extra)
    {
        ulong compressed = U32(header, 20), length = U32(header, 24), local = U32(header, 42);
        if (compressed == uint.MaxValue || length == uint.MaxValue || local == uint.MaxValue)
        {
            ReadOnlySpan<byte> wide = Extra(extra, Zip64Extra);
            if (length == uint.MaxValue) length = Take(ref wide);
            if (compressed == uint.MaxValue) compressed = Take(ref wide);
            if (local == uint.MaxValue) local = Take(ref wide);
        }
        if (compressed > long.MaxValue || length > long.MaxValue || local > (ulong)file.Length) throw Wrong(file, name, "lies outside the file");
        return ((long)compressed, (long)length, (long)local);

        ulong Take(ref ReadOnlySpan<byte> wide)
        {
            if (wide.Length < 8) throw Wrong(file, name, "has no Zip64 sizes");
            ulong value = U64(wide, 0);
            wide = wide[8..];
            return value;
        }
    }

    private static ReadOnlySpan<byte> Extra(ReadOnlySpan<byte> fields, ushort kind)
    {
        while (fields.Length >= 4)
        {
            int length = U16(fields, 2);
            if (length > fields.Length - 4) break;
            if (U16(fields, 0) == kind) return fields.Slice(4, length);
            fields = fields[(4 + length)..];
        }
        return [];
    }

    /// <summary>Where the entry's bytes start: behind its own header, which must be that of the same entry.</summary>
    private static long FindData(MappedFile file, string name, ReadOnlySpan<byte> nameBytes, int method, long local, long directory)
    {
        if (local > directory - LocalLength) throw Wrong(file, name, "lies outside the file");
        ReadOnlySpan<byte> header = file.Span(local, LocalLength);
        if (U32(header, 0) != LocalSignature) throw Wrong(file, name, $"has no header at byte {local}");
        int nameLength = U16(header, 26);
        long data = local + LocalLength + nameLength + U16(header, 28);
        if (data > directory) throw Wrong(file, name, "lies outside the file");
        if (!file.Span(local + LocalLength, nameLength).SequenceEqual(nameBytes)) throw Wrong(file, name, "has another name in its own header");
        if (U16(header, 8) != method) throw Wrong(file, name, "has another compression method in its own header");
        return data;
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);

    private static InvalidDataException Damaged(MappedFile file, string what) => new($"{file.Path} is not a readable npz archive: {what}.");

    private static InvalidDataException Wrong(MappedFile file, string name, string what) => new($"{file.Path}: entry '{name}' {what}.");
}
