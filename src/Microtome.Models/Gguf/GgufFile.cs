using Microtome.Numerics;

namespace Microtome.Models.Gguf;

/// <summary>
/// A memory-mapped GGUF file, version 2 or 3: <c>GGUF</c>, a version, typed metadata, and tensors by name. Opening reads the header only
/// and checks that every tensor of a supported type lies within the file. Tensors are f32, f16 or bf16; files with others can be opened,
/// but those tensors not be read.
/// </summary>
public sealed unsafe class GgufFile : IDisposable
{
    internal const uint Magic = 0x46554747; // "GGUF"
    internal const string AlignmentKey = "general.alignment";
    internal const int DefaultAlignment = 32;
    private const int MostDimensions = 4;
    private readonly MappedFile _file;
    private readonly Dictionary<string, StoredTensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, uint> _unsupported = new(StringComparer.Ordinal);
    private readonly Dictionary<string, object> _metadata = new(StringComparer.Ordinal);

    private GgufFile(MappedFile file) => _file = file;

    public string Path => _file.Path;

    /// <summary>Strings, booleans, <see cref="long"/>, <see cref="ulong"/>, <see cref="double"/>, and arrays of these (<see cref="IReadOnlyList{T}"/> of object), by key.</summary>
    public IReadOnlyDictionary<string, object> Metadata => _metadata;

    /// <summary>The tensors that can be read, with sizes outermost first.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors => _tensors;

    /// <summary>All tensors' names, also of those that cannot be read.</summary>
    public IEnumerable<string> Names => _tensors.Keys.Concat(_unsupported.Keys);

    /// <exception cref="InvalidDataException">The file is not a well-formed GGUF file; the message says where and how.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static GgufFile Open(string path)
    {
        MappedFile file = new(path);
        try
        {
            GgufFile result = new(file);
            result.Read(new GgufCursor(file));
            return result;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensor called <paramref name="name"/>.</summary>
    /// <exception cref="InvalidDataException">There is none, or it is stored in a type that cannot be read.</exception>
    public StoredTensor Get(string name) =>
        _tensors.TryGetValue(name, out StoredTensor? tensor) ? tensor
        : throw new InvalidDataException(_unsupported.TryGetValue(name, out uint type)
            ? $"{Path}: tensor '{name}' has GGML type {type}; F32 (0), F16 (1) and BF16 (30) can be read."
            : $"{Path} has no tensor '{name}'.");

    /// <summary>The text under a key; null where there is none or it is not text.</summary>
    public string? Text(string key) => _metadata.GetValueOrDefault(key) as string;

    public void Dispose() => _file.Dispose();

    private void Read(GgufCursor cursor)
    {
        if (_file.Length < 24 || cursor.UInt32() != Magic) throw new InvalidDataException($"{Path} is not a GGUF file: it does not begin with 'GGUF' and a header of 24 bytes.");
        uint version = cursor.UInt32();
        if (version is not (2 or 3)) throw new InvalidDataException($"{Path} is a GGUF file of version {version}; versions 2 and 3 (little-endian) can be read.");
        ulong tensors = cursor.UInt64(), entries = cursor.UInt64();
        cursor.CheckCount(entries, 13, "metadata entries");    // a key's length, a type and one byte at least
        for (ulong i = 0; i < entries; i++)
        {
            string key = cursor.Text();
            if (!_metadata.TryAdd(key, cursor.Value())) throw cursor.Damaged($"the key '{key}' is listed twice");
        }

        cursor.CheckCount(tensors, 24, "tensors");             // a name's length, the number of dimensions, a type and an offset
        List<(string Name, uint Type, long[] Shape, ulong Offset)> listed = [];
        for (ulong i = 0; i < tensors; i++)
        {
            string name = cursor.Text();
            uint dimensions = cursor.UInt32();
            if (dimensions > MostDimensions) throw cursor.Damaged($"tensor '{name}' has {dimensions} dimensions; there are at most {MostDimensions}");
            long[] shape = new long[dimensions];
            for (int d = shape.Length - 1; d >= 0; d--) // innermost first in the file
            {
                ulong size = cursor.UInt64();
                if (size > long.MaxValue) throw cursor.Damaged($"tensor '{name}' has a dimension of {size}");
                shape[d] = (long)size;
            }
            listed.Add((name, cursor.UInt32(), shape, cursor.UInt64()));
        }

        long alignment = _metadata.GetValueOrDefault(AlignmentKey) is ulong given ? (long)Math.Min(given, 1 << 20) : DefaultAlignment;
        if (alignment <= 0 || alignment % 8 != 0) throw cursor.Damaged($"{AlignmentKey} is {alignment}; it must be a multiple of 8");
        long start = (cursor.Position + alignment - 1) / alignment * alignment;
        foreach ((string name, uint type, long[] shape, ulong offset) in listed) AddTensor(cursor, name, type, shape, offset, start);
    }

    private void AddTensor(GgufCursor cursor, string name, uint type, long[] shape, ulong offset, long start)
    {
        bool fresh = !_tensors.ContainsKey(name) && !_unsupported.ContainsKey(name);
        if (!fresh) throw cursor.Damaged($"tensor '{name}' is listed twice");
        ElementType? element = type switch { 0 => ElementType.F32, 1 => ElementType.F16, 30 => ElementType.BF16, _ => null };
        if (element is null)
        {
            _unsupported.Add(name, type);
            return;
        }
        UInt128 bytes = (UInt128)element.Value.Size();
        foreach (long size in shape)
        {
            bytes *= (UInt128)size;
            if (bytes > (UInt128)_file.Length) break; // four factors could otherwise leave 128 bits
        }
        long available = Math.Max(0, _file.Length - start);
        if (bytes > (UInt128)available || offset > (ulong)available - (ulong)bytes)
            throw cursor.Damaged($"tensor '{name}' of {element} [{string.Join(", ", shape)}] at {offset} does not lie within the {available} bytes of data; the file is truncated");
        if (offset % (ulong)element.Value.Size() != 0) throw cursor.Damaged($"tensor '{name}' begins at the odd offset {offset}");
        if (shape.Contains(0)) shape = [0];
        _tensors.Add(name, new StoredTensor(name, element.Value, _file.Data + start + (long)offset, _file, shape));
    }
}
