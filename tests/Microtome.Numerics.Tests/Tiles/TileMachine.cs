using System.Buffers.Binary;

namespace Microtome.Numerics.Tests.Tiles;

/// <summary>What the processor, or the care that users deserve, would not allow.</summary>
internal sealed class MachineFault(string message) : Exception(message);

/// <summary>
/// Executes the instructions that tile routines are made of, as Intel's manual defines them, on memory that it was given. It is
/// stricter than a processor: registers that hold nothing may not be read, and a routine must return with tiles released and with the registers that
/// belong to its caller as it found them.
/// </summary>
internal sealed unsafe class TileMachine
{
    private const int Rbx = 3, Rsp = 4, Rbp = 5, Rdi = 7;
    private const long CallerValue = 0x5EED_0000;

    private readonly List<(nint Start, nint Length, bool Writable)> _memory = [];
    private readonly long[] _registers = new long[16];
    private readonly bool[] _defined = new bool[16];
    private readonly TileRegisters _tiles = new();
    private byte[] _code = [];
    private int _next;
    private bool? _zeroFlag;

    /// <summary>Instructions executed, by name.</summary>
    public Dictionary<string, int> Counts { get; } = [];

    public void Allow(void* start, nint length, bool writable) => _memory.Add(((nint)start, length, writable));

    /// <summary>Calls a function of one argument.</summary>
    public void Call(byte[] code, void* argument)
    {
        (_code, _next, _zeroFlag) = (code, 0, null);
        for (int i = 0; i < 16; i++)
        {
            _registers[i] = CallerValue + i;
            _defined[i] = BelongsToCaller(i);
        }
        (_registers[Rdi], _defined[Rdi]) = ((nint)argument, true);
        while (Step())
        {
        }
        if (_tiles.IsConfigured) throw new MachineFault("returned without tilerelease");
        for (int i = 0; i < 16; i++)
            if (BelongsToCaller(i) && _registers[i] != CallerValue + i) throw new MachineFault($"register {i} was not preserved");
    }

    private static bool BelongsToCaller(int register) => register is Rbx or Rsp or Rbp or >= 12;

    /// <summary>Executes one instruction; false when it returned.</summary>
    private bool Step()
    {
        byte first = Fetch();
        if (first == 0xC3)
        {
            Count("ret");
            return false;
        }
        if (first == 0xC4) Vex();
        else if (first == 0x0F) Jump();
        else Scalar(first);
        return true;
    }

    private void Jump()
    {
        if (Fetch() != 0x85) throw Unknown();
        int distance = Fetch32();
        if (_zeroFlag is not { } zero) throw new MachineFault("jnz without flags");
        Count("jnz");
        if (!zero) _next += distance;
    }

    private void Scalar(byte first)
    {
        int rex = 0;
        byte opcode = first;
        if ((first & 0xF0) == 0x40) (rex, opcode) = (first & 15, Fetch());
        bool wide = (rex & 8) != 0;
        int extendReg = (rex & 4) << 1, extendRm = (rex & 1) << 3;
        if ((rex & 2) != 0) throw Unknown();
        if ((opcode & 0xF8) == 0xB8 && !wide)
        {
            if (extendReg != 0) throw Unknown();
            Write((opcode & 7) | extendRm, (uint)Fetch32());
            Count("mov");
            return;
        }
        if (!wide) throw Unknown();
        byte modRm = Fetch();
        int mod = modRm >> 6, reg = ((modRm >> 3) & 7) | extendReg, rm = (modRm & 7) | extendRm;
        switch (opcode, mod)
        {
            case (0x8B, 1):
                if ((rm & 7) == Rsp) throw Unknown();
                nint address = (nint)Read(rm) + (sbyte)Fetch();
                Check(address, 8, write: false);
                Write(reg, *(long*)address);
                Count("mov");
                break;
            case (0x01, 3):
                Write(rm, Read(rm) + Read(reg), flags: true);
                Count("add");
                break;
            case (0x81, 3) when (reg & 7) == 0:
                Write(rm, Read(rm) + Fetch32(), flags: true);
                Count("add");
                break;
            case (0xFF, 3) when (reg & 7) == 1:
                Write(rm, Read(rm) - 1, flags: true);
                Count("dec");
                break;
            default:
                throw Unknown();
        }
    }

    private void Vex()
    {
        byte second = Fetch(), third = Fetch(), opcode = Fetch(), modRm = Fetch();
        if ((second & 31) != 2) throw Unknown();                                     // the 0F38 map
        if ((third & 0x84) != 0) throw Unknown();                                    // W = 0, 128 bits
        int extendReg = (~second >> 7 & 1) << 3, extendIndex = (~second >> 6 & 1) << 3, extendRm = (~second >> 5 & 1) << 3;
        int vvvv = ~(third >> 3) & 15, prefix = third & 3;
        int mod = modRm >> 6, reg = ((modRm >> 3) & 7) | extendReg, rm = (modRm & 7) | extendRm;
        if (reg > 7) throw Unknown();
        switch (opcode, prefix)
        {
            case (0x49, 0) when mod == 0 && reg == 0 && vvvv == 0:
                if ((rm & 7) is Rsp or Rbp) throw Unknown();
                nint configuration = (nint)Read(rm);
                Check(configuration, 64, write: false);
                _tiles.Configure(new ReadOnlySpan<byte>((void*)configuration, 64));
                Count("ldtilecfg");
                break;
            case (0x49, 0) when modRm == 0xC0 && extendRm == 0 && vvvv == 0:
                _tiles.Release();
                Count("tilerelease");
                break;
            case (0x49, 3) when mod == 3 && rm == 0 && vvvv == 0:
                _tiles.Zero(reg);
                Count("tilezero");
                break;
            case (0x4B, 2 or 3) when mod == 2 && (modRm & 7) == 4 && vvvv == 0:
                MoveTile(reg, load: prefix == 3, extendIndex, extendRm);
                break;
            case (0x5C, 2) when mod == 3 && rm < 8 && vvvv < 8:
                _tiles.MultiplyBFloat16(reg, rm, vvvv);
                Count("tdpbf16ps");
                break;
            default:
                throw Unknown();
        }
    }

    private void MoveTile(int tile, bool load, int extendIndex, int extendBase)
    {
        byte sib = Fetch();
        int displacement = Fetch32(), index = ((sib >> 3) & 7) | extendIndex, address = (sib & 7) | extendBase;
        if (index == Rsp) throw Unknown();
        nint stride = (nint)(Read(index) << (sib >> 6)), start = (nint)Read(address) + displacement;
        int rows = _tiles.Rows(tile), bytes = _tiles.RowBytes(tile);
        for (int row = 0; row < rows; row++)
        {
            nint line = start + row * stride;
            Check(line, bytes, write: !load);
            Span<byte> memory = new((void*)line, bytes);
            if (load) memory.CopyTo(_tiles.Row(tile, row));
            else _tiles.Row(tile, row)[..bytes].CopyTo(memory);
        }
        Count(load ? "tileloadd" : "tilestored");
    }

    private void Check(nint address, nint length, bool write)
    {
        foreach ((nint start, nint size, bool writable) in _memory)
            if (address >= start && address + length <= start + size && (writable || !write)) return;
        throw new MachineFault($"{(write ? "writes" : "reads")} {length} bytes at 0x{address:x}, outside its buffers");
    }

    private long Read(int register) => _defined[register] && !(BelongsToCaller(register))
        ? _registers[register]
        : throw new MachineFault($"reads register {register}, which holds nothing of the routine's");

    private void Write(int register, long value, bool flags = false)
    {
        if (BelongsToCaller(register)) throw new MachineFault($"writes register {register}, which belongs to the caller");
        (_registers[register], _defined[register]) = (value, true);
        if (flags) _zeroFlag = value == 0;
    }

    private byte Fetch() => (uint)_next < (uint)_code.Length ? _code[_next++] : throw new MachineFault($"runs off its code at {_next}");

    private int Fetch32()
    {
        if (_next + 4 > _code.Length) throw new MachineFault($"runs off its code at {_next}");
        int value = BinaryPrimitives.ReadInt32LittleEndian(_code.AsSpan(_next));
        _next += 4;
        return value;
    }

    private MachineFault Unknown() => new($"unknown instruction before {_next}");

    private void Count(string name) => Counts[name] = Counts.GetValueOrDefault(name) + 1;
}
