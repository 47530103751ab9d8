using System.Buffers.Binary;

namespace Microtome.Numerics;

/// <summary>The general registers of x64, numbered as instructions number them.</summary>
internal enum Register
{
    Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi, R8, R9, R10, R11, R12, R13, R14, R15,
}

/// <summary>
/// Writes the machine code of tile routines: Intel's tile instructions and the few scalar ones around them. Encodings are those of
/// Intel's Software Developer's Manual, volume 2.
/// </summary>
internal sealed class TileAssembler
{
    private const int NoPrefix = 0, PrefixF3 = 2, PrefixF2 = 3; // the pp field of a VEX prefix
    private const int IndirectDisplaced = 0b10_000_000, Direct = 0b11_000_000; // the mod field of a ModRM byte

    private readonly List<byte> _code = [];

    public byte[] ToArray() => [.. _code];

    /// <summary>Where the next instruction will stand: a target for <see cref="JumpIfNotZero"/>.</summary>
    public int Here => _code.Count;

    /// <summary>ldtilecfg [address]: configures the tiles from 64 bytes.</summary>
    public void LoadConfiguration(Register address)
    {
        CheckBase(address);
        Vex(NoPrefix, 0x49, reg: 0, index: 0, (int)address, vvvv: 0);
        Emit((byte)((int)address & 7));
    }

    /// <summary>tileloadd tile, [address + displacement + row · stride]</summary>
    public void LoadTile(int tile, Register address, Register stride, int displacement) =>
        TileMemory(PrefixF2, tile, address, stride, displacement);

    /// <summary>tilestored [address + displacement + row · stride], tile</summary>
    public void StoreTile(int tile, Register address, Register stride, int displacement) =>
        TileMemory(PrefixF3, tile, address, stride, displacement);

    /// <summary>tilezero tile</summary>
    public void ZeroTile(int tile)
    {
        CheckTile(tile);
        Vex(PrefixF2, 0x49, tile, index: 0, rm: 0, vvvv: 0);
        Emit((byte)(Direct | tile << 3));
    }

    /// <summary>tdpbf16ps sums, left, right: sums += left · right, where left holds rows of bfloat16 and right pairs of rows.</summary>
    public void MultiplyBFloat16(int sums, int left, int right)
    {
        CheckTile(sums);
        CheckTile(left);
        CheckTile(right);
        if (sums == left || sums == right || left == right) throw new ArgumentException("The three tiles of a product must differ.");
        Vex(PrefixF3, 0x5C, sums, index: 0, left, right);
        Emit((byte)(Direct | sums << 3 | left));
    }

    /// <summary>tilerelease: forgets the tiles and their configuration.</summary>
    public void ReleaseTiles()
    {
        Vex(NoPrefix, 0x49, reg: 0, index: 0, rm: 0, vvvv: 0);
        Emit(Direct);
    }

    /// <summary>mov register, value; the upper half becomes zero.</summary>
    public void Move(Register destination, int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        if ((int)destination >= 8) Emit(0x41);
        Emit((byte)(0xB8 | (int)destination & 7));
        Emit32(value);
    }

    /// <summary>mov register, [address + displacement]</summary>
    public void Load(Register destination, Register address, sbyte displacement)
    {
        CheckBase(address);
        Emit(Rex(reg: (int)destination, rm: (int)address), 0x8B, (byte)(0b01_000_000 | ((int)destination & 7) << 3 | (int)address & 7), (byte)displacement);
    }

    /// <summary>add destination, source</summary>
    public void Add(Register destination, Register source) =>
        Emit(Rex(reg: (int)source, rm: (int)destination), 0x01, (byte)(Direct | ((int)source & 7) << 3 | (int)destination & 7));

    /// <summary>add destination, value</summary>
    public void Add(Register destination, int value)
    {
        Emit(Rex(reg: 0, rm: (int)destination), 0x81, (byte)(Direct | (int)destination & 7));
        Emit32(value);
    }

    /// <summary>dec register</summary>
    public void Decrement(Register register) => Emit(Rex(reg: 0, rm: (int)register), 0xFF, (byte)(Direct | 1 << 3 | (int)register & 7));

    /// <summary>jnz target</summary>
    public void JumpIfNotZero(int target)
    {
        Emit(0x0F, 0x85);
        Emit32(target - (_code.Count + 4));
    }

    /// <summary>ret</summary>
    public void Return() => Emit(0xC3);

    private void TileMemory(int prefix, int tile, Register address, Register stride, int displacement)
    {
        CheckTile(tile);
        CheckBase(address);
        if (stride == Register.Rsp) throw new ArgumentException("rsp cannot be an index.", nameof(stride));
        Vex(prefix, 0x4B, tile, (int)stride, (int)address, vvvv: 0);
        // A ModRM byte that announces an index byte, which names stride (times one) and address.
        Emit((byte)(IndirectDisplaced | tile << 3 | 0b100), (byte)(((int)stride & 7) << 3 | (int)address & 7));
        Emit32(displacement);
    }

    /// <summary>The three-byte prefix of the 0F38 map, 128 bits, W = 0; register numbers enter it inverted.</summary>
    private void Vex(int prefix, byte opcode, int reg, int index, int rm, int vvvv) => Emit(
        0xC4,
        (byte)((~reg & 8) << 4 | (~index & 8) << 3 | (~rm & 8) << 2 | 0b00010),
        (byte)((~vvvv & 15) << 3 | prefix),
        opcode);

    private static byte Rex(int reg, int rm) => (byte)(0x48 | (reg & 8) >> 1 | (rm & 8) >> 3);

    private static void CheckTile(int tile) => ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)tile, 7u, nameof(tile));

    /// <summary>As a base without an index, the encodings of these mean something else.</summary>
    private static void CheckBase(Register address)
    {
        if (((int)address & 7) is (int)Register.Rsp or (int)Register.Rbp)
            throw new ArgumentException($"{address} cannot be an address here.", nameof(address));
    }

    private void Emit(params ReadOnlySpan<byte> bytes) => _code.AddRange(bytes);

    private void Emit32(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        Emit(bytes);
    }
}
