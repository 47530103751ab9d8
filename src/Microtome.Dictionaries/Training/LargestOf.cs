using System.Runtime.InteropServices;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>Finds the largest of very many numbers without sorting them.</summary>
internal static class LargestOf
{
    private const int Shift = 16, Buckets = 1 << (31 - Shift), RowsAtOnce = 64;

    /// <summary>The least of the <paramref name="count"/> largest positive elements, and how many elements equal to it are among them; 0 when there are not so many positive ones.</summary>
    public static (float Least, long Ties) Threshold(Matrix values, long count)
    {
        // The bits of positive numbers are in their order: count by the upper ones, then look closer within one bucket.
        int blocks = (values.Rows + RowsAtOnce - 1) / RowsAtOnce;
        int[][] counts = new int[blocks][];
        WorkerPool.For(blocks, block =>
        {
            int[] own = new int[Buckets];
            ForRows(values, block, row =>
            {
                foreach (int bits in MemoryMarshal.Cast<float, int>(values.Row(row)))
                    if (bits > 0) own[bits >> Shift]++;
            });
            counts[block] = own;
        });
        long above = 0;
        int bucket = Buckets - 1;
        for (; bucket >= 0; bucket--)
        {
            long here = 0;
            foreach (int[] own in counts) here += own[bucket];
            if (above + here >= count) break;
            above += here;
        }
        if (bucket < 0) return (0, 0);
        List<int>[] found = new List<int>[blocks];
        WorkerPool.For(blocks, block =>
        {
            List<int> own = [];
            ForRows(values, block, row =>
            {
                foreach (int bits in MemoryMarshal.Cast<float, int>(values.Row(row)))
                    if (bits > 0 && bits >> Shift == bucket) own.Add(bits);
            });
            found[block] = own;
        });
        int[] within = [.. found.SelectMany(own => own)];
        Array.Sort(within);
        int least = within[within.Length - (int)(count - above)];
        long greater = within.LongCount(bits => bits > least);
        return (BitConverter.Int32BitsToSingle(least), count - above - greater);
    }

    private static void ForRows(Matrix values, int block, Action<int> body)
    {
        for (int row = block * RowsAtOnce; row < Math.Min(values.Rows, (block + 1) * RowsAtOnce); row++) body(row);
    }
}
