using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>What precedes an array's elements in NumPy's <c>.npy</c> format, versions 1 to 3: a type, an order and a shape, as the text of a Python dictionary.</summary>
/// <param name="Length">The header's length in bytes; the elements follow.</param>
internal sealed record NpyHeader(ElementType Type, bool ColumnMajor, long[] Shape, int Length)
{
    /// <summary>No header is longer, so that many bytes of an entry are enough to read it.</summary>
    public const int Longest = 16_384;

    private static readonly byte[] Magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>The elements' size in bytes.</summary>
    /// <exception cref="OverflowException">It exceeds 2^63.</exception>
    public long Bytes
    {
        get
        {
            long bytes = Type.Size();
            foreach (long dimension in Shape) bytes = checked(bytes * dimension);
            return bytes;
        }
    }

    /// <param name="start">The array's first bytes; up to <see cref="Longest"/> of them.</param>
    /// <exception cref="FormatException">They are not a header that is supported.</exception>
    public static NpyHeader Parse(ReadOnlySpan<byte> start)
    {
        if (start.Length < 12 || !start.StartsWith(Magic)) throw new FormatException("it does not start as a .npy array does");
        int version = start[6];
        if (version is < 1 or > 3) throw new FormatException($"version {version} of the .npy format is not known; known are 1, 2 and 3");
        int prefix = version == 1 ? 10 : 12;
        uint length = version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        if (length > start.Length - prefix) throw new FormatException($"its header claims {length} bytes; {start.Length - prefix} are there, and at most {Longest} are read");
        ReadOnlySpan<byte> text = start.Slice(prefix, (int)length);
        return new Parser((version == 3 ? Encoding.UTF8 : Encoding.Latin1).GetString(text)).Header(prefix + (int)length);
    }

    /// <summary>Reads the three entries of the dictionary, in any order, and nothing else.</summary>
    private ref struct Parser(string text)
    {
        private int _at;

        public NpyHeader Header(int length)
        {
            ElementType? type = null;
            bool? columnMajor = null;
            long[]? shape = null;
            Expect('{');
            while (!Next('}'))
            {
                string key = Quoted();
                Expect(':');
                switch (key)
                {
                    case "descr" when type is null: type = ElementTypeOf(); break;
                    case "fortran_order" when columnMajor is null: columnMajor = Boolean(); break;
                    case "shape" when shape is null: shape = Tuple(); break;
                    default: throw new FormatException($"its header has an unknown or repeated key '{key}'");
                }
                if (Next(',')) continue;
                Expect('}');
                break;
            }
            if (text.AsSpan(_at).Trim().Length > 0) throw Unexpected("the end");
            if (type is null || columnMajor is null || shape is null) throw new FormatException("its header lacks one of descr, fortran_order and shape");
            return new NpyHeader(type.Value, columnMajor.Value, shape, length);
        }

        private ElementType ElementTypeOf()
        {
            if (Peek() == '[') throw new FormatException("it holds records (a structured type); only arrays of plain numbers can be read");
            string type = Quoted();
            return type switch
            {
                "<f8" => ElementType.F64,
                "<f4" => ElementType.F32,
                "<f2" => ElementType.F16,
                "<i8" => ElementType.I64,
                "<i4" => ElementType.I32,
                "<i2" => ElementType.I16,
                "|i1" or "<i1" => ElementType.I8,
                "|u1" or "<u1" => ElementType.U8,
                "|b1" or "<b1" => ElementType.Bool,
                "<V2" or "|V2" => throw new FormatException($"its type '{type}' may be bfloat16, which NumPy does not name; save it as float32 or float16"),
                ['>', ..] => throw new FormatException($"its type '{type}' is big-endian; save it little-endian"),
                [_, 'O', ..] => throw new FormatException($"its type '{type}' is of pickled Python objects, which are never read; save plain numbers"),
                _ => throw new FormatException($"its type '{type}' is not supported; known are <f8, <f4, <f2, <i8, <i4, <i2, |i1, |u1 and |b1"),
            };
        }

        private bool Boolean()
        {
            SkipSpace();
            foreach ((string word, bool value) in new[] { ("True", true), ("False", false) })
            {
                if (!text.AsSpan(_at).StartsWith(word, StringComparison.Ordinal)) continue;
                _at += word.Length;
                return value;
            }
            throw Unexpected("True or False");
        }

        private long[] Tuple()
        {
            const int MostDimensions = 64; // NumPy's own limit
            List<long> items = [];
            Expect('(');
            while (!Next(')'))
            {
                SkipSpace();
                int start = _at;
                while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
                if (!long.TryParse(text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out long item))
                    throw new FormatException($"its shape has a dimension that is not a number from 0 to {long.MaxValue}");
                items.Add(item);
                if (items.Count > MostDimensions) throw new FormatException($"its shape has more than {MostDimensions} dimensions");
                if (Next(',')) continue;
                if (items.Count == 1) throw Unexpected("','"); // (5) is a number in Python, (5,) a tuple
                Expect(')');
                break;
            }
            return [.. items];
        }

        private string Quoted()
        {
            char quote = Peek();
            if (quote is not ('\'' or '"')) throw Unexpected("a quoted word");
            int end = text.IndexOf(quote, _at + 1);
            if (end < 0) throw Unexpected("a closing quote");
            string word = text[(_at + 1)..end];
            if (word.Contains('\\', StringComparison.Ordinal) || word.Length > 64) throw new FormatException("its header has a word that is not plain");
            _at = end + 1;
            return word;
        }

        private void Expect(char symbol)
        {
            if (!Next(symbol)) throw Unexpected($"'{symbol}'");
        }

        private bool Next(char symbol)
        {
            if (Peek() != symbol) return false;
            _at++;
            return true;
        }

        private char Peek()
        {
            SkipSpace();
            return _at < text.Length ? text[_at] : '\0';
        }

        private void SkipSpace()
        {
            while (_at < text.Length && text[_at] is ' ' or '\t' or '\n' or '\r') _at++;
        }

        private readonly FormatException Unexpected(string expected) => new($"its header is not understood at character {_at}: {expected} is needed");
    }
}
