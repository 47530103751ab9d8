namespace Microtome.Numerics;

/// <summary>Memory for packing tiles that each thread keeps: 68 KB.</summary>
internal static unsafe class TileScratch
{
    /// <summary>Left panels of 32 rows that a routine is called with at most: configuring the tiles is slow.</summary>
    public const int PanelsAtOnce = 4;

    private const int RightLength = TileTerms.Most * TileUnit.PanelColumns * PanelKernel.BlockDepth / 2;
    private const int SumsLength = PanelsAtOnce * 2 * TileUnit.Side * TileUnit.PanelColumns;
    private const int RowsLength = 2 * TileUnit.Side * TileUnit.Depth;

    [ThreadStatic]
    private static Tensor? t_memory;

    /// <summary>One right panel.</summary>
    public static float* Right => (t_memory ??= Tensor.Uninitialized(RightLength + SumsLength + RowsLength)).Pointer;

    /// <summary>Results that do not go directly to C: 128 rows of 32.</summary>
    public static float* Sums => Right + RightLength;

    /// <summary>One step of a left panel as float32: up to 32 rows of 32 k.</summary>
    public static float* Rows => Sums + SumsLength;
}
