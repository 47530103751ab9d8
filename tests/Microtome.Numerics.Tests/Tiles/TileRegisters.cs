using System.Buffers.Binary;

namespace Microtome.Numerics.Tests.Tiles;

/// <summary>The eight tiles and their configuration (Intel's Software Developer's Manual, volume 1, chapter 18, and volume 2).</summary>
internal sealed class TileRegisters
{
    private readonly byte[,][] _rows = new byte[8, 16][];
    private readonly int[] _rowCounts = new int[8], _rowBytes = new int[8];

    public bool IsConfigured { get; private set; }

    public void Configure(ReadOnlySpan<byte> memory)
    {
        if (memory[0] != 1) throw new MachineFault($"palette {memory[0]}");
        if (memory[1] != 0) throw new MachineFault("a start row");
        if (memory[2..16].ContainsAnyExcept((byte)0) || memory[32..48].ContainsAnyExcept((byte)0) || memory[56..64].ContainsAnyExcept((byte)0))
            throw new MachineFault("reserved bytes of the configuration are not zero");
        for (int tile = 0; tile < 8; tile++)
        {
            int bytes = BinaryPrimitives.ReadUInt16LittleEndian(memory[(16 + 2 * tile)..]), rows = memory[48 + tile];
            if (bytes > 64 || rows > 16 || bytes == 0 != (rows == 0)) throw new MachineFault($"tile {tile} of {rows} rows of {bytes} bytes");
            (_rowBytes[tile], _rowCounts[tile]) = (bytes, rows);
            for (int row = 0; row < 16; row++) _rows[tile, row] = new byte[64];
        }
        IsConfigured = true;
    }

    public void Release() => IsConfigured = false;

    public int Rows(int tile) => Configured(tile, _rowCounts);

    public int RowBytes(int tile) => Configured(tile, _rowBytes);

    public Span<byte> Row(int tile, int row) => _rows[tile, row];

    public void Zero(int tile)
    {
        Configured(tile, _rowCounts);
        for (int row = 0; row < 16; row++) _rows[tile, row].AsSpan().Clear();
    }

    public void MultiplyBFloat16(int sums, int left, int right)
    {
        if (sums == left || sums == right || left == right) throw new MachineFault("tdpbf16ps with the same tile twice");
        if (Rows(sums) != Rows(left) || RowBytes(sums) != RowBytes(right) || RowBytes(left) / 4 != Rows(right))
            throw new MachineFault("tdpbf16ps with tiles that do not fit");
        int pairs = RowBytes(left) / 4, columns = RowBytes(sums) / 4;
        for (int row = 0; row < Rows(sums); row++)
            for (int column = 0; column < columns; column++)
            {
                float even = 0, odd = 0;
                for (int pair = 0; pair < pairs; pair++)
                {
                    even = MultiplyAdd(BFloat16(left, row, 2 * pair), BFloat16(right, pair, 2 * column), even);
                    odd = MultiplyAdd(BFloat16(left, row, 2 * pair + 1), BFloat16(right, pair, 2 * column + 1), odd);
                }
                Span<byte> sum = Row(sums, row)[(4 * column)..];
                float old = Flush(BinaryPrimitives.ReadSingleLittleEndian(sum));
                BinaryPrimitives.WriteSingleLittleEndian(sum, Flush(old + Flush(even + odd)));
            }
    }

    private float BFloat16(int tile, int row, int index) =>
        Flush(BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(Row(tile, row)[(2 * index)..]) << 16));

    private static float MultiplyAdd(float x, float y, float sum) => Flush(MathF.FusedMultiplyAdd(x, y, sum));

    private static float Flush(float value) => float.IsSubnormal(value) ? MathF.CopySign(0, value) : value;

    private int Configured(int tile, int[] values)
    {
        if (!IsConfigured || _rowCounts[tile] == 0) throw new MachineFault($"tile {tile} is not configured");
        return values[tile];
    }
}
