using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace Microtome.Models.Tokenizers;

/// <summary>
/// The pieces of a model's vocabulary and their ids: UTF-8 in one array, found through a hash table of indices. Pieces are added first;
/// <see cref="Complete"/> then makes the table, once and of the right size, since vocabularies are large and loading should be quick.
/// </summary>
internal sealed class Vocabulary
{
    // Drawn anew in each process, so that no file can be made whose pieces all collide.
    private static readonly ulong s_seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));

    private byte[] _text = new byte[1 << 12];
    private int _textLength;
    private Piece[] _pieces = new Piece[1 << 9];
    private int _count;
    private Slot[] _slots = [];
    // 1 more than the id of the piece that is this one character.
    private readonly int[] _idOfUnit = new int[0x10000];
    private readonly Dictionary<int, int> _idOfAstral = [];

    /// <summary>Where the piece with an id is in the text; length 0 for ids without one.</summary>
    private readonly record struct Piece(int Start, int Length);

    /// <summary>The key is the piece itself up to 8 bytes, else its hash; length 0 marks a free slot.</summary>
    private readonly record struct Slot(ulong Key, int Length, int Id);

    /// <summary>The largest id and 1.</summary>
    public int Size { get; private set; }

    /// <summary>Adds a piece that is not empty; false when its id is taken.</summary>
    public bool TryAdd(ReadOnlySpan<byte> piece, int id)
    {
        if (id >= _pieces.Length) Array.Resize(ref _pieces, Math.Max(id + 1, _pieces.Length * 2));
        if (_pieces[id].Length > 0) return false;
        while (_textLength + piece.Length > _text.Length) Array.Resize(ref _text, _text.Length * 2);
        piece.CopyTo(_text.AsSpan(_textLength));
        _pieces[id] = new Piece(_textLength, piece.Length);
        _textLength += piece.Length;
        _count++;
        Size = Math.Max(Size, id + 1);
        if (piece.Length <= 4) AddCodePoint(piece, id);
        return true;
    }

    /// <summary>Makes the pieces ready to be found, once all are added.</summary>
    /// <exception cref="InvalidDataException">A piece is there twice.</exception>
    public void Complete(string file)
    {
        _slots = new Slot[BitOperations.RoundUpToPowerOf2((uint)_count + (uint)_count / 2 + 2)];
        for (int id = 0; id < Size; id++)
        {
            ReadOnlySpan<byte> piece = this[id];
            if (piece.Length == 0) continue;
            ulong key = Key(piece);
            ref Slot slot = ref FindSlot(piece, key);
            if (slot.Length > 0) throw new InvalidDataException($"{file}: model.vocab has the piece '{Encoding.UTF8.GetString(piece)}' twice, with the ids {slot.Id} and {id}.");
            slot = new Slot(key, piece.Length, id);
        }
    }

    /// <summary>The id of a piece; -1 when there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(ReadOnlySpan<byte> piece)
    {
        if (piece.Length == 0) return -1;
        Slot slot = FindSlot(piece, Key(piece));
        return slot.Length == 0 ? -1 : slot.Id;
    }

    /// <summary>
    /// As <see cref="Find(ReadOnlySpan{byte})"/>, but looks first at the ids <paramref name="guess"/> and 1 more, which costs far less than the table.
    /// </summary>
    public int Find(ReadOnlySpan<byte> piece, int guess)
    {
        if (piece.Length > 0 && this[guess].SequenceEqual(piece)) return guess;
        return piece.Length > 0 && this[guess + 1].SequenceEqual(piece) ? guess + 1 : Find(piece);
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
        if ((uint)codePoint < 0x10000) return _idOfUnit[codePoint] - 1;
        return _idOfAstral.TryGetValue(codePoint, out int id) ? id : -1;
    }

    public bool Contains(int id) => this[id].Length > 0;

    /// <summary>The piece of an id as UTF-8; empty when there is none.</summary>
    public ReadOnlySpan<byte> this[int id]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((uint)id >= (uint)_pieces.Length) return default;
            Piece piece = _pieces[id];
            return _text.AsSpan(piece.Start, piece.Length);
        }
    }

    public string Text(int id) => Encoding.UTF8.GetString(this[id]);

    private void AddCodePoint(ReadOnlySpan<byte> piece, int id)
    {
        if (Rune.DecodeFromUtf8(piece, out Rune rune, out int length) != OperationStatus.Done || length != piece.Length) return;
        if (rune.IsBmp) _idOfUnit[rune.Value] = id + 1;
        else _idOfAstral[rune.Value] = id;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Slot FindSlot(ReadOnlySpan<byte> piece, ulong key)
    {
        int mask = _slots.Length - 1;
        for (int index = (int)(Mix(key ^ (ulong)piece.Length << 60) >> 32) & mask; ; index = index + 1 & mask)
        {
            ref Slot slot = ref _slots[index];
            if (slot.Length == 0) return ref slot;
            if (slot.Key == key && slot.Length == piece.Length && (piece.Length <= 8 || piece.SequenceEqual(this[slot.Id]))) return ref slot;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Key(ReadOnlySpan<byte> piece)
    {
        ulong hash = 0;
        while (piece.Length > 8)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(piece));
            piece = piece[8..];
        }
        if (piece.Length >= 4) return hash ^ (BinaryPrimitives.ReadUInt32LittleEndian(piece) | (ulong)BinaryPrimitives.ReadUInt32LittleEndian(piece[^4..]) << 32);
        ulong rest = 0;
        foreach (byte value in piece) rest = rest << 8 | value;
        return hash ^ rest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value ^ s_seed, 0x9E3779B97F4A7C15, out ulong low);
        return BitOperations.RotateLeft(high ^ low, 23);
    }
}
