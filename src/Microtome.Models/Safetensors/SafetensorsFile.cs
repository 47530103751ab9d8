using System.Buffers.Binary;
using System.Text.Json;
using Microtome.Numerics;

namespace Microtome.Models.Safetensors;

/// <summary>
/// A memory-mapped safetensors file: an 8-byte little-endian header length, a JSON header that gives each tensor's type, shape and
/// byte range, and the tensors' bytes. Opening reads the header only and checks that every range lies within the file and has the
/// size that its shape asks for, and that every byte belongs to exactly one tensor.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private const long LargestHeader = 100_000_000; // as the reference implementation limits it
    private readonly MappedFile _file;
    private readonly Dictionary<string, StoredTensor> _tensors;

    private SafetensorsFile(MappedFile file, Dictionary<string, StoredTensor> tensors, Dictionary<string, string> metadata)
    {
        _file = file;
        _tensors = tensors;
        Metadata = metadata;
    }

    public string Path => _file.Path;

    /// <summary>The file's size in bytes.</summary>
    public long Length => _file.Length;

    public IReadOnlyDictionary<string, StoredTensor> Tensors => _tensors;

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <exception cref="InvalidDataException">The file is not a well-formed safetensors file; the message says where and how.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        MappedFile file = new(path);
        try
        {
            return Read(file);
        }
        catch (Exception exception)
        {
            file.Dispose();
            if (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
                throw new InvalidDataException($"{path}: the header is not a safetensors header: {exception.Message}", exception);
            throw;
        }
    }

    /// <summary>The tensor called <paramref name="name"/>.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public StoredTensor Get(string name) =>
        _tensors.TryGetValue(name, out StoredTensor? tensor) ? tensor : throw new InvalidDataException($"{Path} has no tensor '{name}'.");

    public StoredTensor? Find(string name) => _tensors.GetValueOrDefault(name);

    public void Dispose() => _file.Dispose();

    private static SafetensorsFile Read(MappedFile file)
    {
        string path = file.Path;
        if (file.Length < 8) throw new InvalidDataException($"{path}: {file.Length} bytes are too few for a safetensors file; it may be truncated.");
        if (file.Span(0, 1)[0] == (byte)'{' && file.Span(0, (int)Math.Min(file.Length, 64)).IndexOf((byte)0) < 0)
            throw new InvalidDataException($"{path} is JSON, not a safetensors file.");
        ulong declared = BinaryPrimitives.ReadUInt64LittleEndian(file.Span(0, 8));
        if (declared > (ulong)Math.Min(file.Length - 8, LargestHeader))
            throw new InvalidDataException($"{path}: the header claims {declared} bytes, but the file has {file.Length} and a header may have {LargestHeader}; the file is truncated or not safetensors.");

        long start = 8 + (long)declared;
        long available = file.Length - start;
        Dictionary<string, StoredTensor> tensors = [];
        Dictionary<string, string> metadata = [];
        List<(long Begin, long End, string Name)> ranges = [];
        using JsonDocument header = JsonDocument.Parse(file.Span(8, (int)declared).ToArray(), new JsonDocumentOptions { MaxDepth = 8 });
        foreach (JsonProperty entry in header.RootElement.EnumerateObject())
        {
            if (entry.NameEquals("__metadata__"))
            {
                foreach (JsonProperty pair in entry.Value.EnumerateObject()) metadata[pair.Name] = pair.Value.GetString() ?? "";
                continue;
            }
            string name = entry.Name;
            string typeName = Member(path, entry, "dtype").GetString() ?? "";
            ElementType type = TypeOf(typeName)
                ?? throw new InvalidDataException($"{path}: tensor '{name}' has type {typeName}, which is not supported; known are F64, F32, F16, BF16, I64, I32, I16, I8, U8 and BOOL.");

            JsonElement shapeElement = Member(path, entry, "shape");
            long[] shape = new long[shapeElement.GetArrayLength()];
            long length = 1;
            for (int i = 0; i < shape.Length; i++)
            {
                shape[i] = shapeElement[i].GetInt64();
                if (shape[i] < 0) throw new InvalidDataException($"{path}: tensor '{name}' has a negative dimension, {shape[i]}.");
                length = checked(length * shape[i]);
            }

            JsonElement offsets = Member(path, entry, "data_offsets");
            if (offsets.GetArrayLength() != 2) throw new InvalidDataException($"{path}: tensor '{name}' has {offsets.GetArrayLength()} data offsets, not 2.");
            long begin = offsets[0].GetInt64(), end = offsets[1].GetInt64();
            if (begin < 0 || end < begin || end > available)
                throw new InvalidDataException($"{path}: tensor '{name}' lies at bytes {begin} to {end} of {available}; the file is truncated or damaged.");
            if (end - begin != checked(length * type.Size()))
                throw new InvalidDataException($"{path}: tensor '{name}' of {typeName} [{string.Join(", ", shape)}] needs {length * type.Size()} bytes, but its range has {end - begin}.");
            if (!tensors.TryAdd(name, new StoredTensor(name, type, file.Data + start + begin, file, shape)))
                throw new InvalidDataException($"{path}: tensor '{name}' is listed twice.");
            if (end > begin) ranges.Add((begin, end, name));
        }

        ranges.Sort();
        for (int i = 1; i < ranges.Count; i++)
            if (ranges[i].Begin < ranges[i - 1].End)
                throw new InvalidDataException($"{path}: tensors '{ranges[i - 1].Name}' and '{ranges[i].Name}' overlap.");
        long covered = 0;
        foreach ((long begin, long end, string name) in ranges)
        {
            if (begin > covered) throw new InvalidDataException($"{path}: bytes {covered} to {begin}, before tensor '{name}', belong to no tensor; the file is damaged.");
            covered = end;
        }
        if (covered < available) throw new InvalidDataException($"{path}: {available - covered} bytes follow the last tensor; the file is damaged.");
        return new SafetensorsFile(file, tensors, metadata);
    }

    private static JsonElement Member(string path, JsonProperty entry, string key) =>
        entry.Value.ValueKind == JsonValueKind.Object && entry.Value.TryGetProperty(key, out JsonElement value)
            ? value
            : throw new InvalidDataException($"{path}: the header's entry '{entry.Name}' has no '{key}'.");

    private static ElementType? TypeOf(string name) => name switch
    {
        "F64" => ElementType.F64,
        "F32" => ElementType.F32,
        "F16" => ElementType.F16,
        "BF16" => ElementType.BF16,
        "I64" => ElementType.I64,
        "I32" => ElementType.I32,
        "I16" => ElementType.I16,
        "I8" => ElementType.I8,
        "U8" => ElementType.U8,
        "BOOL" => ElementType.Bool,
        _ => null,
    };
}
