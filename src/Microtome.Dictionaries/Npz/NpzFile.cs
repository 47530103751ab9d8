using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>
/// NumPy's archive of arrays: a zip of <c>.npy</c> files. Arrays that were saved uncompressed (<c>numpy.savez</c>) stay in the mapped
/// file, and are not aligned there; compressed ones (<c>numpy.savez_compressed</c>) are inflated into memory when the file is opened.
/// </summary>
public sealed unsafe class NpzFile : IDisposable
{
    private const string Suffix = ".npy";
    private const long MostExpansion = 1032; // deflate's shortest code gives 258 bytes for 2 bits
    private readonly MappedFile _file;

    private NpzFile(MappedFile file, Dictionary<string, StoredTensor> arrays)
    {
        _file = file;
        Arrays = arrays;
    }

    /// <summary>The arrays under the names that they were saved under.</summary>
    /// <summary>The file's size in bytes.</summary>
    public long Length => _file.Length;

    public IReadOnlyDictionary<string, StoredTensor> Arrays { get; }

    /// <summary>Reads the archive's directory and each array's header. Entries that are not arrays are left out.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, or an array is of a kind that is not supported; the message names the entry and says how.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static NpzFile Open(string path)
    {
        MappedFile file = new(path);
        try
        {
            Dictionary<string, StoredTensor> arrays = [];
            foreach (ZipEntry entry in ZipDirectory.Read(file))
                if (entry.Name.EndsWith(Suffix, StringComparison.Ordinal)) arrays.Add(entry.Name[..^Suffix.Length], Read(file, entry));
            return new NpzFile(file, arrays);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Unmaps the file. No array of it may be used afterwards.</summary>
    public void Dispose() => _file.Dispose();

    private static StoredTensor Read(MappedFile file, ZipEntry entry)
    {
        try
        {
            string name = entry.Name[..^Suffix.Length];
            if (entry.Compression == ZipCompression.Deflated) return Inflate(file, entry, name);
            NpyHeader header = NpyHeader.Parse(file.Span(entry.Data, (int)Math.Min(entry.Length, NpyHeader.Longest)));
            CheckLength(header, entry);
            byte* data = file.Data + entry.Data + header.Length;
            return header.ColumnMajor ? RowMajor(name, header, data, file) : new StoredTensor(name, header.Type, data, file, header.Shape);
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or InvalidDataException)
        {
            throw new InvalidDataException($"{file.Path}: entry '{entry.Name}' cannot be read: {exception.Message}.", exception);
        }
    }

    private static StoredTensor Inflate(MappedFile file, ZipEntry entry, string name)
    {
        if (entry.Length / MostExpansion > entry.CompressedLength)
            throw new FormatException($"it claims to hold {entry.Length} bytes, which {entry.CompressedLength} compressed ones cannot");
        if (entry.Length > Array.MaxLength)
            throw new FormatException($"it holds {entry.Length} bytes; compressed arrays may have {Array.MaxLength}, so save it uncompressed (numpy.savez)");

        using UnmanagedMemoryStream compressed = new(file.Data + entry.Data, entry.CompressedLength);
        using DeflateStream inflated = new(compressed, CompressionMode.Decompress);
        byte[] start = new byte[Math.Min(entry.Length, NpyHeader.Longest)];
        int read = inflated.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        NpyHeader header = NpyHeader.Parse(start.AsSpan(0, read));
        CheckLength(header, entry);

        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)entry.Length, pinned: true);
        start.AsSpan(0, read).CopyTo(bytes);
        read += inflated.ReadAtLeast(bytes.AsSpan(read), bytes.Length - read, throwOnEndOfStream: false);
        if (read != bytes.Length || inflated.ReadByte() >= 0)
            throw new FormatException($"the directory says that it holds {entry.Length} bytes, but it inflates to {(read < bytes.Length ? "fewer" : "more")}");
        if (Crc32.Compute(bytes) != entry.Checksum) throw new FormatException("its checksum is wrong; the file is damaged");
        byte* data = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(bytes)) + header.Length;
        return header.ColumnMajor ? RowMajor(name, header, data, bytes) : new StoredTensor(name, header.Type, data, bytes, header.Shape);
    }

    private static void CheckLength(NpyHeader header, ZipEntry entry)
    {
        if (header.Bytes != entry.Length - header.Length)
            throw new FormatException($"an array of {header.Type} [{string.Join(", ", header.Shape)}] has {header.Bytes} bytes, but {entry.Length - header.Length} follow its header");
    }

    /// <summary>A copy of a matrix that was saved column by column (<c>fortran_order</c>).</summary>
    private static StoredTensor RowMajor(string name, NpyHeader header, byte* source, object owner)
    {
        if (header.Shape.Length < 2) return new StoredTensor(name, header.Type, source, owner, header.Shape);
        if (header.Shape.Length > 2) throw new FormatException("it is in Fortran order and has more than two dimensions; save it with numpy.ascontiguousarray");
        int size = header.Type.Size();
        long rows = header.Shape[0], columns = header.Shape[1];
        if (header.Bytes > Array.MaxLength) throw new FormatException($"it is in Fortran order and has {header.Bytes} bytes; more than {Array.MaxLength} must be saved with numpy.ascontiguousarray");
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)header.Bytes, pinned: true);
        byte* target = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(bytes));
        for (long row = 0; row < rows; row++)
            for (long column = 0; column < columns; column++)
                Unsafe.CopyBlockUnaligned(target + (row * columns + column) * size, source + (column * rows + row) * size, (uint)size);
        GC.KeepAlive(owner);
        return new StoredTensor(name, header.Type, target, bytes, header.Shape);
    }
}
