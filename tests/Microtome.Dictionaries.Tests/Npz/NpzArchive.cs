using System.IO.Compression;
using System.Text;

namespace Microtome.Dictionaries.Tests;

/// <summary>Writes zip archives byte by byte, so that tests can make each field lie.</summary>
internal sealed class NpzArchive
{
    private readonly List<Entry> _entries = [];

    public sealed record Entry(string Name, byte[] Content)
    {
        public bool Deflated { get; init; }

        public bool DataDescriptor { get; init; }

        public bool Zip64 { get; init; }

        public int Flags { get; init; }

        public int? Method { get; init; }

        public string? LocalName { get; init; }

        public long? ClaimedLength { get; init; }

        public long? ClaimedCompressedLength { get; init; }

        public uint? ClaimedChecksum { get; init; }

        public long? ClaimedOffset { get; init; }
    }

    public int? ClaimedEntries { get; init; }

    public uint? ClaimedDirectoryStart { get; init; }

    public bool Zip64Directory { get; init; }

    public byte[] Comment { get; init; } = [];

    public static byte[] Npy(string header, byte[] data, int version = 1)
    {
        byte[] text = Encoding.Latin1.GetBytes(header);
        byte[] length = version == 1 ? BitConverter.GetBytes((ushort)text.Length) : BitConverter.GetBytes(text.Length);
        return [0x93, .. "NUMPY"u8, (byte)version, 0, .. length, .. text, .. data];
    }

    public static byte[] Npy(params float[] values) =>
        Npy($"{{'descr': '<f4', 'fortran_order': False, 'shape': ({values.Length},), }}\n", [.. values.SelectMany(BitConverter.GetBytes)]);

    public NpzArchive Add(Entry entry)
    {
        _entries.Add(entry);
        return this;
    }

    public byte[] ToArray()
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        using MemoryStream directory = new();
        using BinaryWriter central = new(directory);
        foreach (Entry entry in _entries) Write(entry, writer, central);

        long start = stream.Position;
        writer.Write(directory.ToArray());
        int count = ClaimedEntries ?? _entries.Count;
        if (Zip64Directory)
        {
            long at = stream.Position;
            writer.Write(0x06064B50);
            writer.Write(44L);
            writer.Write((short)45);
            writer.Write((short)45);
            writer.Write(0L); // volumes
            writer.Write((long)count);
            writer.Write((long)count);
            writer.Write(directory.Length);
            writer.Write(start);
            writer.Write(0x07064B50);
            writer.Write(0);
            writer.Write(at);
            writer.Write(1);
        }
        writer.Write(0x06054B50);
        writer.Write(0); // volumes
        writer.Write(Zip64Directory ? ushort.MaxValue : (ushort)count);
        writer.Write(Zip64Directory ? ushort.MaxValue : (ushort)count);
        writer.Write(Zip64Directory ? uint.MaxValue : (uint)directory.Length);
        writer.Write(Zip64Directory ? uint.MaxValue : ClaimedDirectoryStart ?? (uint)start);
        writer.Write((ushort)Comment.Length);
        writer.Write(Comment);
        return stream.ToArray();
    }

    private static void Write(Entry entry, BinaryWriter writer, BinaryWriter central)
    {
        byte[] stored = entry.Deflated ? Deflate(entry.Content) : entry.Content;
        uint checksum = entry.ClaimedChecksum ?? Checksum(entry.Content);
        long offset = entry.ClaimedOffset ?? writer.BaseStream.Position;
        long length = entry.ClaimedLength ?? entry.Content.Length, compressed = entry.ClaimedCompressedLength ?? stored.Length;
        int flags = entry.Flags | (entry.DataDescriptor ? 8 : 0), method = entry.Method ?? (entry.Deflated ? 8 : 0);
        byte[] name = Encoding.UTF8.GetBytes(entry.Name), localName = Encoding.UTF8.GetBytes(entry.LocalName ?? entry.Name);

        writer.Write(0x04034B50);
        writer.Write((short)45);
        writer.Write((ushort)flags);
        writer.Write((ushort)method);
        writer.Write(0); // time
        writer.Write(entry.DataDescriptor ? 0 : checksum);
        writer.Write(entry.DataDescriptor ? 0 : entry.Zip64 ? uint.MaxValue : (uint)compressed);
        writer.Write(entry.DataDescriptor ? 0 : entry.Zip64 ? uint.MaxValue : (uint)length);
        writer.Write((ushort)localName.Length);
        writer.Write((ushort)(entry.Zip64 ? 20 : 0));
        writer.Write(localName);
        if (entry.Zip64)
        {
            writer.Write((short)1);
            writer.Write((short)16);
            writer.Write(length);
            writer.Write(compressed);
        }
        writer.Write(stored);
        if (entry.DataDescriptor)
        {
            writer.Write(0x08074B50);
            writer.Write(checksum);
            writer.Write((uint)compressed);
            writer.Write((uint)length);
        }

        central.Write(0x02014B50);
        central.Write((short)45);
        central.Write((short)45);
        central.Write((ushort)flags);
        central.Write((ushort)method);
        central.Write(0); // time
        central.Write(checksum);
        central.Write(entry.Zip64 ? uint.MaxValue : (uint)compressed);
        central.Write(entry.Zip64 ? uint.MaxValue : (uint)length);
        central.Write((ushort)name.Length);
        central.Write((ushort)(entry.Zip64 ? 28 : 0));
        central.Write((short)0); // comment
        central.Write(new byte[8]); // volume and attributes
        central.Write(entry.Zip64 ? uint.MaxValue : (uint)offset);
        central.Write(name);
        if (entry.Zip64)
        {
            central.Write((short)1);
            central.Write((short)24);
            central.Write(length);
            central.Write(compressed);
            central.Write(offset);
        }
    }

    private static byte[] Deflate(byte[] content)
    {
        using MemoryStream result = new();
        using (DeflateStream deflate = new(result, CompressionLevel.Optimal)) deflate.Write(content);
        return result.ToArray();
    }

    private static uint Checksum(byte[] content)
    {
        // The framework keeps its CRC-32 to itself; a zip archive made by it shows the value.
        using MemoryStream result = new();
        using (ZipArchive archive = new(result, ZipArchiveMode.Create, leaveOpen: true))
        using (Stream stream = archive.CreateEntry("content").Open()) stream.Write(content);
        using ZipArchive written = new(result, ZipArchiveMode.Read);
        return written.Entries[0].Crc32;
    }
}
