using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microtome.Numerics;

namespace Microtome.Models.Safetensors;

/// <summary>
/// Collects tensors and writes them as one safetensors file. The file appears under its name only when it is whole: it is written
/// beside it and then moved, so a full disk or a cancelled run leaves nothing half-written behind.
/// </summary>
public sealed class SafetensorsWriter
{
    private const string MetadataName = "__metadata__";
    private readonly List<(string Name, ElementType Type, long[] Shape, Action<Stream> Write, long Bytes)> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>Free text stored in the header.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>Adds a tensor; its elements are read when the file is written.</summary>
    /// <exception cref="ArgumentException">There is a tensor of that name already.</exception>
    public void Add(string name, Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        long[] shape = new long[tensor.Rank];
        for (int i = 0; i < shape.Length; i++) shape[i] = tensor.Shape[i];
        Add(name, ElementType.F32, shape, stream => WriteLarge(stream, tensor.Span), (long)tensor.Length * sizeof(float));
    }

    /// <summary>A matrix, whose rows need not follow each other in memory.</summary>
    public void Add(string name, Matrix matrix) => _tensors.Add((name, ElementType.F32, [matrix.Rows, matrix.Columns], stream =>
    {
        for (int row = 0; row < matrix.Rows; row++) WriteLarge(stream, matrix.Row(row));
    }, (long)matrix.Rows * matrix.Columns * sizeof(float)));

    public void Add(string name, float[] values, params long[] shape) =>
        Add(name, ElementType.F32, MemoryMarshal.AsBytes(values.AsSpan()).ToArray(), shape);

    public void Add(string name, int[] values, params long[] shape) =>
        Add(name, ElementType.I32, MemoryMarshal.AsBytes(values.AsSpan()).ToArray(), shape);

    /// <param name="bytes">The elements in row-major order, little-endian.</param>
    /// <exception cref="ArgumentException">The number of bytes is not what the shape asks for, or there is a tensor of that name already.</exception>
    public void Add(string name, ElementType type, byte[] bytes, params long[] shape)
    {
        long length = 1;
        foreach (long dimension in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dimension, nameof(shape));
            length = checked(length * dimension);
        }
        if (bytes.LongLength != length * type.Size())
            throw new ArgumentException($"'{name}': {bytes.LongLength} bytes do not fill {type} [{string.Join(", ", shape)}].", nameof(bytes));
        Add(name, type, shape, stream => stream.Write(bytes), bytes.LongLength);
    }

    /// <summary>A tensor too large to hold: it is written while the file is.</summary>
    /// <param name="write">Writes the elements in row-major order, little-endian. Tensors are written in the order in which they were added.</param>
    public void Add(string name, ElementType type, ReadOnlySpan<long> shape, Action<Stream> write)
    {
        long bytes = type.Size();
        foreach (long dimension in shape) bytes = checked(bytes * dimension);
        _tensors.Add((name, type, shape.ToArray(), write, bytes));
    }

    /// <exception cref="IOException">The file cannot be written; nothing of it is left.</exception>
    /// <exception cref="InvalidOperationException">A tensor was given another number of bytes than its shape asks for; nothing of the file is left.</exception>
    public void Save(string path, CancellationToken cancellation = default) => AtomicFile.Write(path, stream =>
    {
        byte[] header = Header();
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (var tensor in _tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            long start = stream.Position;
            tensor.Write(new CancellableStream(stream, cancellation));
            if (stream.Position - start != tensor.Bytes)
                throw new InvalidOperationException($"'{tensor.Name}' was written with {stream.Position - start} bytes; its shape asks for {tensor.Bytes}.");
        }
    });

    private void Add(string name, ElementType type, long[] shape, Action<Stream> write, long bytes)
    {
        if (name == MetadataName || !_names.Add(name)) throw new ArgumentException($"The file cannot have two entries called '{name}'.", nameof(name));
        _tensors.Add((name, type, shape, write, bytes));
    }

    private byte[] Header()
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            if (Metadata.Count > 0)
            {
                json.WriteStartObject(MetadataName);
                foreach ((string key, string value) in Metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (var tensor in _tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type == ElementType.Bool ? "BOOL" : tensor.Type.ToString());
                json.WriteStartArray("shape");
                foreach (long dimension in tensor.Shape) json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' '); // tensors start aligned
        return buffer.ToArray();
    }

    private static void WriteLarge(Stream stream, ReadOnlySpan<float> values)
    {
        const int Chunk = 1 << 24; // a span of bytes holds fewer than 2^31
        for (int start = 0; start < values.Length; start += Chunk)
            stream.Write(MemoryMarshal.AsBytes(values.Slice(start, Math.Min(Chunk, values.Length - start))));
    }
}
