using System.Numerics.Tensors;

namespace Microtome.Numerics.Differentiation;

/// <summary>Work on the rows of a matrix, shared among threads.</summary>
internal static class Rows
{
    private const int ElementsWorthThreads = 1 << 15, BlockRows = 128;

    /// <summary>Calls <paramref name="body"/> for each row, in any order.</summary>
    /// <param name="width">Elements of a row.</param>
    public static void For(int rows, int width, Action<int> body)
    {
        if ((long)rows * width < ElementsWorthThreads)
        {
            for (int row = 0; row < rows; row++) body(row);
            return;
        }
        int block = Math.Clamp(ElementsWorthThreads / 2 / Math.Max(1, width), 1, rows);
        WorkerPool.For((rows + block - 1) / block, item =>
        {
            for (int row = item * block; row < Math.Min(rows, (item + 1) * block); row++) body(row);
        });
    }

    /// <summary>
    /// Adds up one vector a row: sums of blocks of rows, and then the blocks' sums, in order. The bits do not depend on the number of threads.
    /// </summary>
    /// <param name="add">Adds a row's vector to a sum.</param>
    /// <param name="sum">Where all of it is written or added.</param>
    public static void Sum(TensorPool pool, int rows, int width, Action<int, Matrix> add, Span<float> sum, bool accumulate)
    {
        int blocks = (rows + BlockRows - 1) / BlockRows;
        Matrix partial = pool.Rent(Math.Max(1, blocks), width);
        For(blocks, BlockRows * width, block =>
        {
            Matrix own = partial.RowRange(block, 1);
            own.Clear();
            for (int row = block * BlockRows; row < Math.Min(rows, (block + 1) * BlockRows); row++) add(row, own);
        });
        if (!accumulate) sum.Clear();
        for (int block = 0; block < blocks; block++) TensorPrimitives.Add(sum, partial.Row(block), sum);
        pool.Return(partial);
    }
}
