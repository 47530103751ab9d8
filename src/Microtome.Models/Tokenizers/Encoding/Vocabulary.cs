using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Microtome.Models.Tokenizers;

/// <summary>The pieces of a model's vocabulary and their ids: UTF-8 in one array, found through a hash table of indices.</summary>
internal sealed class Vocabulary
{
    // Drawn anew in each process, so that no file can be made whose pieces all collide.
    private static readonly ulong s_seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));

    private byte[] _text = new byte[1 << 16];
    private int _textLength;
    private Piece[] _pieces = new Piece[1 << 12];
    private ulong[] _slots = new ulong[1 << 13];
    private int[] _pieceOfId = [];
    private readonly int[] _idOfUnit = new int[0x10000];
    private readonly Dictionary<int, int> _idOfAstral = [];

    private readonly record struct Piece(int Start, int Length, int Id);

    public Vocabulary() => Array.Fill(_idOfUnit, -1);

    public int Count { get; private set; }

    /// <summary>The largest id and 1.</summary>
    public int Size => _pieceOfId.Length;

    /// <summary>Adds a piece; false when it is there already.</summary>
    public bool TryAdd(ReadOnlySpan<byte> piece, int id)
    {
        if (Count * 2 >= _slots.Length) Grow();
        ulong hash = Hash(piece);
        int slot = FindSlot(piece, hash);
        if (_slots[slot] != 0) return false;
        if (Count == _pieces.Length) Array.Resize(ref _pieces, Count * 2);
        while (_textLength + piece.Length > _text.Length) Array.Resize(ref _text, _text.Length * 2);
        piece.CopyTo(_text.AsSpan(_textLength));
        _pieces[Count] = new Piece(_textLength, piece.Length, id);
        _slots[slot] = hash << 32 | (uint)++Count;
        _textLength += piece.Length;

        if (piece.Length is > 0 and <= 4 && Rune.DecodeFromUtf8(piece, out Rune rune, out int length) == System.Buffers.OperationStatus.Done && length == piece.Length)
        {
            if (rune.IsBmp) _idOfUnit[rune.Value] = id;
            else _idOfAstral[rune.Value] = id;
        }
        return true;
    }

    /// <summary>Indexes the pieces by id once all are added; the id of two of them, or null when ids are distinct.</summary>
    public int? Complete(int largestId)
    {
        _pieceOfId = new int[largestId + 1];
        for (int i = 0; i < Count; i++)
        {
            ref int piece = ref _pieceOfId[_pieces[i].Id];
            if (piece != 0) return _pieces[i].Id;
            piece = i + 1;
        }
        return null;
    }

    /// <summary>The id of a piece; -1 when there is none.</summary>
    public int Find(ReadOnlySpan<byte> piece)
    {
        ulong slot = _slots[FindSlot(piece, Hash(piece))];
        return slot == 0 ? -1 : _pieces[(int)(uint)slot - 1].Id;
    }

    public int Find(ReadOnlySpan<char> piece)
    {
        int most = Encoding.UTF8.GetMaxByteCount(piece.Length);
        Span<byte> utf8 = most <= 512 ? stackalloc byte[512] : new byte[most];
        return Find(utf8[..Encoding.UTF8.GetBytes(piece, utf8)]);
    }

    /// <summary>The id of the piece that is one code point; -1 when there is none.</summary>
    public int FindCodePoint(int codePoint)
    {
        if ((uint)codePoint < 0x10000) return _idOfUnit[codePoint];
        return _idOfAstral.TryGetValue(codePoint, out int id) ? id : -1;
    }

    public bool Contains(int id) => (uint)id < (uint)_pieceOfId.Length && _pieceOfId[id] != 0;

    /// <summary>The piece of an id as UTF-8; empty when there is none.</summary>
    public ReadOnlySpan<byte> this[int id]
    {
        get
        {
            if (!Contains(id)) return default;
            Piece piece = _pieces[_pieceOfId[id] - 1];
            return _text.AsSpan(piece.Start, piece.Length);
        }
    }

    public string Text(int id) => Encoding.UTF8.GetString(this[id]);

    private int FindSlot(ReadOnlySpan<byte> piece, ulong hash)
    {
        int mask = _slots.Length - 1;
        for (int slot = (int)(hash >> 32) & mask; ; slot = slot + 1 & mask)
        {
            ulong entry = _slots[slot];
            if (entry == 0) return slot;
            if (entry >> 32 != (uint)hash) continue;
            Piece candidate = _pieces[(int)(uint)entry - 1];
            if (piece.SequenceEqual(_text.AsSpan(candidate.Start, candidate.Length))) return slot;
        }
    }

    private void Grow()
    {
        ulong[] old = _slots;
        _slots = new ulong[old.Length * 2];
        int mask = _slots.Length - 1;
        for (int i = 0; i < Count; i++)
        {
            ulong hash = Hash(_text.AsSpan(_pieces[i].Start, _pieces[i].Length));
            int slot = (int)(hash >> 32) & mask;
            while (_slots[slot] != 0) slot = slot + 1 & mask;
            _slots[slot] = hash << 32 | (uint)(i + 1);
        }
    }

    private static ulong Hash(ReadOnlySpan<byte> piece)
    {
        ulong hash = s_seed ^ (ulong)piece.Length;
        while (piece.Length >= 8)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(piece));
            piece = piece[8..];
        }
        ulong rest = 0;
        if (piece.Length >= 4)
            rest = BinaryPrimitives.ReadUInt32LittleEndian(piece) | (ulong)BinaryPrimitives.ReadUInt32LittleEndian(piece[^4..]) << 32;
        else
            foreach (byte value in piece) rest = rest << 8 | value;
        return Mix(hash ^ rest);
    }

    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value ^ s_seed, 0x9E3779B97F4A7C15, out ulong low);
        return BitOperations.RotateLeft(high ^ low, 23);
    }
}
