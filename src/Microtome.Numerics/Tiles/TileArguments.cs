using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microtome.Numerics;

/// <summary>What a tile routine is called with: one block of memory, whose first 64 bytes configure the tiles.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal unsafe struct TileArguments
{
    public const int ResultOffset = 64, StrideOffset = 72, LeftOffset = 80, RightOffset = 88, StepsOffset = 96, PanelsOffset = 104, AdvanceOffset = 112;

    [FieldOffset(0)]
    private TileConfiguration _configuration;

    /// <summary>[panels · rows of a panel, 32] sums</summary>
    [FieldOffset(ResultOffset)]
    public float* Result;

    /// <summary>Bytes from one row of the result to the next.</summary>
    [FieldOffset(StrideOffset)]
    public nint Stride;

    /// <summary>[panels, steps, left terms, rows of a panel, 32] bfloat16</summary>
    [FieldOffset(LeftOffset)]
    public ushort* Left;

    /// <summary>[steps, right terms, 16, 32, 2] bfloat16: pairs of consecutive k</summary>
    [FieldOffset(RightOffset)]
    public ushort* Right;

    /// <summary>Steps of 32 k; at least one.</summary>
    [FieldOffset(StepsOffset)]
    public nint Steps;

    /// <summary>Left panels that lie one after the other; at least one.</summary>
    [FieldOffset(PanelsOffset)]
    public nint Panels;

    /// <summary>Bytes from one row of the result to the 16th after it.</summary>
    [FieldOffset(AdvanceOffset)]
    public nint Advance;

    public TileArguments(float* result, nint stride, float* left, float* right, int steps, int panels)
    {
        this = default;
        _configuration = TileConfiguration.Full;
        Result = result;
        Stride = stride * sizeof(float);
        Left = (ushort*)left;
        Right = (ushort*)right;
        Steps = steps;
        Panels = panels;
        Advance = 16 * Stride;
    }
}

/// <summary>What ldtilecfg reads.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct TileConfiguration
{
    [FieldOffset(0)]
    private byte _palette;

    /// <summary>Bytes in a row of each tile.</summary>
    [FieldOffset(16)]
    private EightShorts _rowBytes;

    /// <summary>Rows of each tile.</summary>
    [FieldOffset(48)]
    private EightBytes _rows;

    /// <summary>All eight tiles at their full size: 16 rows of 64 bytes.</summary>
    public static TileConfiguration Full { get; } = MakeFull();

    private static TileConfiguration MakeFull()
    {
        TileConfiguration configuration = new() { _palette = 1 };
        ((Span<ushort>)configuration._rowBytes).Fill(64);
        ((Span<byte>)configuration._rows).Fill(16);
        return configuration;
    }

    [InlineArray(8)]
    private struct EightShorts
    {
        private ushort _first;
    }

    [InlineArray(8)]
    private struct EightBytes
    {
        private byte _first;
    }
}
