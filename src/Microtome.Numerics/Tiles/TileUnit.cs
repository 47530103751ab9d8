namespace Microtome.Numerics;

/// <summary>Something that multiplies packed tiles: the processor's matrix unit, or arithmetic that does the same.</summary>
internal abstract unsafe class TileUnit
{
    /// <summary>Rows of the left operand in a tile, and columns of the right one.</summary>
    public const int Side = 16;

    /// <summary>k in a tile.</summary>
    public const int Depth = 32;

    /// <summary>Columns of a right panel: two tiles.</summary>
    public const int PanelColumns = 2 * Side;

    /// <summary>bfloat16 in a tile.</summary>
    public const int TileLength = Side * Depth;

    /// <summary>
    /// Result = left · right. For each step of 32 k, in order, and each of <see cref="TileTerms.Pairs"/>, in order, every sum gains the dot product of
    /// 32 terms; see <see cref="PlainTileUnit"/>.
    /// </summary>
    /// <param name="height">Tiles that stand on top of each other in a left panel: 1 or 2.</param>
    public abstract void Multiply(int leftTerms, int rightTerms, int height, TileArguments* arguments);
}
