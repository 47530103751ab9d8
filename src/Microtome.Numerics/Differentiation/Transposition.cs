namespace Microtome.Numerics.Differentiation;

/// <summary>Turns rows into columns.</summary>
internal static unsafe class Transposition
{
    private const int Block = 32; // rows and columns of a square that stays in the first-level cache

    /// <param name="source">[rows, columns]</param>
    /// <param name="target">[columns, rows]</param>
    public static void Copy(Matrix source, Matrix target)
    {
        int blocks = (source.Rows + Block - 1) / Block;
        Rows.For(blocks, Block * source.Columns, block =>
        {
            int firstRow = block * Block, endRow = Math.Min(source.Rows, firstRow + Block);
            for (int firstColumn = 0; firstColumn < source.Columns; firstColumn += Block)
            {
                int endColumn = Math.Min(source.Columns, firstColumn + Block);
                for (int column = firstColumn; column < endColumn; column++)
                {
                    float* from = source.Data + firstRow * source.Stride + column, to = target.Data + column * target.Stride;
                    for (int row = firstRow; row < endRow; row++, from += source.Stride) to[row] = *from;
                }
            }
        });
        GC.KeepAlive(source.Owner);
        GC.KeepAlive(target.Owner);
    }
}
