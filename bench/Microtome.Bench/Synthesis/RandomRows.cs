using System.Buffers;
using System.Runtime.InteropServices;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>
/// A matrix of independent uniform numbers of mean zero that is never held as a whole: a row depends on the seed, the matrix's name
/// and its own index only, so rows can be made again, in any order and on any thread.
/// </summary>
internal sealed class RandomRows(int seed, string name, long rows, int columns, double deviation)
{
    private const int RowsAtOnce = 1024;
    private readonly ulong _key = Key(seed, name);
    private readonly float _scale = (float)(deviation * Math.Sqrt(12) / (1 << 24));

    public long Rows => rows;

    public void Fill(long row, Span<float> values)
    {
        ulong state = _key + (ulong)row * 0x9E3779B97F4A7C15;
        state = Mix(ref state);
        for (int i = 0; i < values.Length; i += 2)
        {
            ulong bits = Mix(ref state);
            values[i] = ((int)(bits >> 40) - (1 << 23)) * _scale;
            if (i + 1 < values.Length) values[i + 1] = ((int)((bits >> 8) & 0xFFFFFF) - (1 << 23)) * _scale;
        }
    }

    /// <summary>Writes all rows, some at a time.</summary>
    /// <param name="each">Called with each group of rows, as float32, and the index of the first.</param>
    public void Write(Stream stream, ElementType type, Action<Matrix, long>? each = null)
    {
        Tensor values = Tensor.Uninitialized((int)Math.Min(rows, RowsAtOnce), columns);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(values.Length * type.Size());
        for (long first = 0; first < rows; first += values.Rows)
        {
            int count = (int)Math.Min(values.Rows, rows - first);
            long start = first;
            WorkerPool.For(count, row =>
            {
                Span<float> source = values.Row(row);
                Fill(start + row, source);
                Span<byte> target = bytes.AsSpan(row * columns * type.Size(), columns * type.Size());
                if (type == ElementType.F32) MemoryMarshal.AsBytes(source).CopyTo(target);
                else
                    for (int i = 0; i < columns; i++) MemoryMarshal.Cast<byte, ushort>(target)[i] = Elements.ToBFloat16(source[i]);
            });
            each?.Invoke(values.AsMatrix().RowRange(0, count), first);
            stream.Write(bytes, 0, count * columns * type.Size());
        }
        ArrayPool<byte>.Shared.Return(bytes);
    }

    /// <summary>SplitMix64 (Steele et al. 2014).</summary>
    private static ulong Mix(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static ulong Key(int seed, string name)
    {
        ulong key = (ulong)seed;
        foreach (char letter in name)
        {
            key ^= letter;
            Mix(ref key);
            key = Mix(ref key);
        }
        return key;
    }
}
