using System.Buffers.Binary;
using System.Text;
using Microtome.Numerics;

namespace Microtome.Models.Gguf;

/// <summary>Reads a GGUF header value by value and never beyond the file.</summary>
internal sealed class GgufCursor(MappedFile file)
{
    private const int LongestText = 1 << 24, DeepestArray = 4, MostElements = 1 << 22;
    private int _elements;

    /// <summary>The next byte to be read.</summary>
    public long Position { get; private set; }

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, "a number"));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, "a number"));

    public string Text()
    {
        ulong length = UInt64();
        if (length > LongestText) throw Damaged($"a text claims {length} bytes; the most is {LongestText}");
        return Encoding.UTF8.GetString(Take((int)length, "a text"));
    }

    /// <summary>A typed value: the type, then the value.</summary>
    public object Value() => Value(UInt32(), 0);

    /// <summary>Refuses a count of things that the rest of the file cannot hold.</summary>
    /// <param name="least">The fewest bytes that one takes.</param>
    public void CheckCount(ulong count, long least, string what)
    {
        long rest = file.Length - Position;
        if (count > (ulong)(rest / least)) throw Damaged($"the header claims {count} {what}, but only {rest} bytes follow; the file is truncated");
    }

    public InvalidDataException Damaged(string how) => new($"{file.Path} is damaged near byte {Position}: {how}.");

    private object Value(uint type, int depth) => type switch
    {
        0 => (ulong)Take(1, "a number")[0],
        1 => (long)(sbyte)Take(1, "a number")[0],
        2 => (ulong)BinaryPrimitives.ReadUInt16LittleEndian(Take(2, "a number")),
        3 => (long)BinaryPrimitives.ReadInt16LittleEndian(Take(2, "a number")),
        4 => (ulong)UInt32(),
        5 => (long)BinaryPrimitives.ReadInt32LittleEndian(Take(4, "a number")),
        6 => (double)BinaryPrimitives.ReadSingleLittleEndian(Take(4, "a number")),
        7 => Take(1, "a boolean")[0] != 0,
        8 => Text(),
        9 => List(depth),
        10 => UInt64(),
        11 => BinaryPrimitives.ReadInt64LittleEndian(Take(8, "a number")),
        12 => BinaryPrimitives.ReadDoubleLittleEndian(Take(8, "a number")),
        _ => throw Damaged($"a value has the unknown type {type}"),
    };

    private List<object> List(int depth)
    {
        if (depth == DeepestArray) throw Damaged($"arrays are nested more than {DeepestArray} deep");
        uint type = UInt32();
        ulong count = UInt64();
        CheckCount(count, SmallestSize(type), "elements");
        if (count > (ulong)(MostElements - _elements)) throw Damaged($"its arrays hold more than {MostElements} elements");
        _elements += (int)count;
        List<object> list = [];
        for (ulong i = 0; i < count; i++) list.Add(Value(type, depth + 1));
        return list;
    }

    private static long SmallestSize(uint type) => type switch { 0 or 1 or 7 => 1, 2 or 3 => 2, 4 or 5 or 6 => 4, 9 => 12, _ => 8 };

    private ReadOnlySpan<byte> Take(int length, string what)
    {
        if (length > file.Length - Position) throw Damaged($"{what} of {length} bytes goes beyond the end of the file at {file.Length}");
        ReadOnlySpan<byte> bytes = file.Span(Position, length);
        Position += length;
        return bytes;
    }
}
