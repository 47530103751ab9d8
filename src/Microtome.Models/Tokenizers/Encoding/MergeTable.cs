using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Microtome.Models.Tokenizers;

/// <summary>
/// Which pairs of neighbouring pieces merge, in what order (rank, lowest first) and into which piece. Merges are added first;
/// <see cref="Complete"/> then makes an open-addressed hash table of them.
/// </summary>
internal sealed class MergeTable
{
    private static readonly ulong s_multiplier = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8)) | 1;

    private Entry[] _slots = new Entry[1];
    private (int Left, int Right, int Merged)[] _merges = new (int, int, int)[1 << 8];

    // Rank is 1 more than the merge's, so that a slot of zeros is an empty one.
    private record struct Entry(int Left, int Right, int Rank);

    /// <summary>The number of merges, and the rank of the next.</summary>
    public int Count { get; private set; }

    /// <summary>Makes <paramref name="left"/> and <paramref name="right"/> merge into <paramref name="merged"/>, after all merges so far.</summary>
    public void Add(int left, int right, int merged)
    {
        if (Count == _merges.Length) Array.Resize(ref _merges, Count * 2);
        _merges[Count++] = (left, right, merged);
    }

    /// <summary>Makes the merges ready to be found, once all are added.</summary>
    public void Complete()
    {
        _slots = new Entry[BitOperations.RoundUpToPowerOf2((uint)Count * 2 + 1)];
        for (int i = 0; i < Count; i++)
        {
            (int left, int right, _) = _merges[i];
            // The last of equal pairs counts.
            _slots[FindSlot(left, right)] = new Entry(left, right, i + 1);
        }
    }

    /// <summary>The rank of the merge of two pieces; <see cref="int.MaxValue"/> when they do not merge.</summary>
    public int Rank(int left, int right)
    {
        int rank = _slots[FindSlot(left, right)].Rank;
        return rank == 0 ? int.MaxValue : rank - 1;
    }

    /// <summary>The piece that the merge of this rank makes.</summary>
    public int Merged(int rank) => _merges[rank].Merged;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int FindSlot(int left, int right)
    {
        int mask = _slots.Length - 1;
        ulong hash = (((ulong)(uint)left << 32 | (uint)right) * s_multiplier) ^ (uint)left * 0x9E3779B97F4A7C15;
        int slot = (int)(hash * 0xD6E8FEB86659FD93 >> 32) & mask;
        while (true)
        {
            ref Entry entry = ref _slots[slot];
            if (entry.Rank == 0 || (entry.Left == left && entry.Right == right)) return slot;
            slot = slot + 1 & mask;
        }
    }
}
