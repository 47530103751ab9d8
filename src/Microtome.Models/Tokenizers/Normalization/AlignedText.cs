using System.Runtime.InteropServices;

namespace Microtome.Models.Tokenizers;

/// <summary>UTF-16 text on its way through normalization, and for each unit the range of the original text that it stands for.</summary>
internal sealed class AlignedText
{
    private readonly char[] _units;
    private readonly int[]? _starts;
    private readonly int[]? _ends;
    private readonly int _shift;

    private AlignedText(char[] units, int[]? starts, int[]? ends, int shift)
    {
        _units = units;
        _starts = starts;
        _ends = ends;
        _shift = shift;
    }

    /// <summary>A part of the original text that begins at <paramref name="shift"/> there.</summary>
    public AlignedText(ReadOnlySpan<char> original, int shift) : this(original.ToArray(), null, null, shift) { }

    public int Length => _units.Length;

    public ReadOnlySpan<char> Units => _units;

    /// <summary>Where the unit's origin starts in the original text.</summary>
    public int StartOf(int unit) => _starts is null ? _shift + unit : _starts[unit];

    /// <summary>Where the unit's origin ends in the original text.</summary>
    public int EndOf(int unit) => _ends is null ? _shift + unit + 1 : _ends[unit];

    /// <summary>The range of the original text that units from <paramref name="start"/> to before <paramref name="end"/> stand for.</summary>
    public (int Start, int End) Origin(int start, int end)
    {
        if (start < end) return (StartOf(start), EndOf(end - 1));
        int at = start < Length ? StartOf(start) : Length == 0 ? _shift : EndOf(Length - 1);
        return (at, at);
    }

    /// <summary>Other units with the same origins, one for one.</summary>
    public AlignedText With(char[] units) => new(units, _starts, _ends, _shift);

    /// <summary>Collects a new text whose units have origins in an older one.</summary>
    internal sealed class Builder(int capacity)
    {
        private const int MostUnits = 1 << 27;

        private readonly List<char> _units = new(capacity);
        private readonly List<int> _starts = new(capacity);
        private readonly List<int> _ends = new(capacity);

        public int Length => _units.Count;

        /// <exception cref="InvalidDataException">The text has become too long, which a normalizer of a hostile file can do to any text.</exception>
        public void Append(char unit, int start, int end)
        {
            if (_units.Count == MostUnits) throw new InvalidDataException($"The text, normalized, has more than {MostUnits} characters; encode it in parts.");
            _units.Add(unit);
            _starts.Add(start);
            _ends.Add(end);
        }

        public void AppendCodePoint(int codePoint, int start, int end)
        {
            if (codePoint < 0x10000)
            {
                Append((char)codePoint, start, end);
                return;
            }
            Append((char)(0xD7C0 + (codePoint >> 10)), start, end);
            Append((char)(0xDC00 | codePoint & 0x3FF), start, end);
        }

        public void Append(ReadOnlySpan<char> units, int start, int end)
        {
            foreach (char unit in units) Append(unit, start, end);
        }

        /// <summary>Copies units of <paramref name="text"/> with their origins.</summary>
        public void Append(AlignedText text, int start, int end)
        {
            for (int i = start; i < end; i++) Append(text._units[i], text.StartOf(i), text.EndOf(i));
        }

        public AlignedText Build() => new([.. CollectionsMarshal.AsSpan(_units)], [.. _starts], [.. _ends], 0);
    }
}
