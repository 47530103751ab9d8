using System.Runtime.InteropServices;
using System.Text;

namespace Microtome.Models.Gguf;

/// <summary>Collects metadata and float32 tensors and writes them as one GGUF file of version 3, which appears whole or not at all.</summary>
public sealed class GgufWriter
{
    private const uint Version = 3, UInt32Type = 4, TextType = 8, Float32 = 0;
    private readonly List<(string Key, object Value)> _metadata = [];
    private readonly List<(string Name, float[] Values)> _tensors = [];

    public void Add(string key, string text) => _metadata.Add((key, text));

    public void Add(string key, uint number) => _metadata.Add((key, number));

    /// <summary>Adds a vector.</summary>
    /// <exception cref="ArgumentException">There is a tensor of that name already.</exception>
    public void AddVector(string name, float[] values)
    {
        if (_tensors.Exists(tensor => tensor.Name == name)) throw new ArgumentException($"The file cannot have two tensors called '{name}'.", nameof(name));
        _tensors.Add((name, values));
    }

    /// <exception cref="IOException">The file cannot be written; nothing of it is left.</exception>
    public void Save(string path) => AtomicFile.Write(path, stream =>
    {
        using BinaryWriter writer = new(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write(GgufFile.Magic);
        writer.Write(Version);
        writer.Write((ulong)_tensors.Count);
        writer.Write((ulong)_metadata.Count);
        foreach ((string key, object value) in _metadata)
        {
            WriteText(writer, key);
            if (value is uint number)
            {
                writer.Write(UInt32Type);
                writer.Write(number);
            }
            else
            {
                writer.Write(TextType);
                WriteText(writer, (string)value);
            }
        }
        ulong offset = 0;
        foreach ((string name, float[] values) in _tensors)
        {
            WriteText(writer, name);
            writer.Write(1u);
            writer.Write((ulong)values.Length);
            writer.Write(Float32);
            writer.Write(offset);
            offset = Align(offset + (ulong)values.Length * sizeof(float));
        }
        foreach ((string _, float[] values) in _tensors)
        {
            Pad(writer);
            writer.Write(MemoryMarshal.AsBytes(values.AsSpan()));
        }
        Pad(writer);
    });

    private static void Pad(BinaryWriter writer)
    {
        writer.Flush();
        writer.Write(new byte[(int)(Align((ulong)writer.BaseStream.Position) - (ulong)writer.BaseStream.Position)]);
    }

    private static ulong Align(ulong position) => (position + GgufFile.DefaultAlignment - 1) / GgufFile.DefaultAlignment * GgufFile.DefaultAlignment;

    private static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }
}
