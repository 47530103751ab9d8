using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Tiles;

/// <summary>The expected bytes are those that GNU as writes and objdump reads for the instruction beside them.</summary>
public sealed class TileAssemblerTests
{
    [Fact]
    public void Ldtilecfg()
    {
        Encode(code => code.LoadConfiguration(Register.Rdi)).ShouldBe("c4 e2 78 49 07");          // ldtilecfg [rdi]
        Encode(code => code.LoadConfiguration(Register.R9)).ShouldBe("c4 c2 78 49 01");           // ldtilecfg [r9]
    }

    [Fact]
    public void Tileloadd()
    {
        Encode(code => code.LoadTile(4, Register.Rsi, Register.Rax, 0)).ShouldBe("c4 e2 7b 4b a4 06 00 00 00 00");        // tmm4, [rsi+rax]
        Encode(code => code.LoadTile(5, Register.Rsi, Register.Rax, 0x400)).ShouldBe("c4 e2 7b 4b ac 06 00 04 00 00");    // tmm5, [rsi+rax+0x400]
        Encode(code => code.LoadTile(7, Register.Rdx, Register.R11, 0x40)).ShouldBe("c4 a2 7b 4b bc 1a 40 00 00 00");     // tmm7, [rdx+r11+0x40]
    }

    [Fact]
    public void Tilestored()
    {
        Encode(code => code.StoreTile(0, Register.R8, Register.R9, 0)).ShouldBe("c4 82 7a 4b 84 08 00 00 00 00");         // [r8+r9], tmm0
        Encode(code => code.StoreTile(3, Register.R8, Register.R9, 0x40)).ShouldBe("c4 82 7a 4b 9c 08 40 00 00 00");      // [r8+r9+0x40], tmm3
    }

    [Fact]
    public void Tilezero()
    {
        Encode(code => code.ZeroTile(2)).ShouldBe("c4 e2 7b 49 d0");
        Encode(code => code.ZeroTile(7)).ShouldBe("c4 e2 7b 49 f8");
    }

    [Fact]
    public void Tdpbf16ps()
    {
        Encode(code => code.MultiplyBFloat16(0, 4, 6)).ShouldBe("c4 e2 4a 5c c4");                // tdpbf16ps tmm0, tmm4, tmm6
        Encode(code => code.MultiplyBFloat16(3, 5, 7)).ShouldBe("c4 e2 42 5c dd");                // tdpbf16ps tmm3, tmm5, tmm7
    }

    [Fact]
    public void Tilerelease() => Encode(code => code.ReleaseTiles()).ShouldBe("c4 e2 78 49 c0");

    [Fact]
    public void Mov()
    {
        Encode(code => code.Move(Register.Rcx, 64)).ShouldBe("b9 40 00 00 00");                   // mov ecx, 64
        Encode(code => code.Move(Register.R11, 128)).ShouldBe("41 bb 80 00 00 00");               // mov r11d, 128
        Encode(code => code.Load(Register.R8, Register.Rdi, 64)).ShouldBe("4c 8b 47 40");         // mov r8, [rdi+64]
        Encode(code => code.Load(Register.Rsi, Register.Rdi, 80)).ShouldBe("48 8b 77 50");        // mov rsi, [rdi+80]
        Encode(code => code.Load(Register.R10, Register.R9, -8)).ShouldBe("4d 8b 51 f8");         // mov r10, [r9-8]
    }

    [Fact]
    public void Add()
    {
        Encode(code => code.Add(Register.Rsi, 0x1000)).ShouldBe("48 81 c6 00 10 00 00");
        Encode(code => code.Add(Register.R8, 0x12345678)).ShouldBe("49 81 c0 78 56 34 12");
        Encode(code => code.Add(Register.R8, Register.Rdx)).ShouldBe("49 01 d0");
        Encode(code => code.Add(Register.Rdx, Register.R9)).ShouldBe("4c 01 ca");
    }

    [Fact]
    public void Dec()
    {
        Encode(code => code.Decrement(Register.Rcx)).ShouldBe("48 ff c9");
        Encode(code => code.Decrement(Register.R10)).ShouldBe("49 ff ca");
    }

    [Fact]
    public void Jnz() => Encode(code => code.JumpIfNotZero(0)).ShouldBe("0f 85 fa ff ff ff");     // to itself

    [Fact]
    public void Ret() => Encode(code => code.Return()).ShouldBe("c3");

    /// <summary>One pair of terms, two tiles high: as objdump lists it.</summary>
    [Fact]
    public void The_simplest_routine_is_this() => Hex(TileRoutine.Emit(1, 1, 2)).ShouldBe(string.Join(' ',
        "4c 8b 47 40",                      // 00: mov    r8,[rdi+0x40]
        "4c 8b 4f 48",                      // 04: mov    r9,[rdi+0x48]
        "48 8b 77 50",                      // 08: mov    rsi,[rdi+0x50]
        "4c 8b 57 68",                      // 0c: mov    r10,[rdi+0x68]
        "b8 40 00 00 00",                   // 10: mov    eax,0x40
        "41 bb 80 00 00 00",                // 15: mov    r11d,0x80
        "c4 e2 78 49 07",                   // 1b: ldtilecfg [rdi]
        "48 8b 57 58",                      // 20: mov    rdx,[rdi+0x58]
        "48 8b 4f 60",                      // 24: mov    rcx,[rdi+0x60]
        "c4 e2 7b 49 c0",                   // 28: tilezero tmm0
        "c4 e2 7b 49 c8",                   // 2d: tilezero tmm1
        "c4 e2 7b 49 d0",                   // 32: tilezero tmm2
        "c4 e2 7b 49 d8",                   // 37: tilezero tmm3
        "c4 e2 7b 4b a4 06 00 00 00 00",    // 3c: tileloadd tmm4,[rsi+rax]
        "c4 a2 7b 4b b4 1a 00 00 00 00",    // 46: tileloadd tmm6,[rdx+r11]
        "c4 e2 4a 5c c4",                   // 50: tdpbf16ps tmm0,tmm4,tmm6
        "c4 a2 7b 4b bc 1a 40 00 00 00",    // 55: tileloadd tmm7,[rdx+r11+0x40]
        "c4 e2 42 5c cc",                   // 5f: tdpbf16ps tmm1,tmm4,tmm7
        "c4 e2 7b 4b ac 06 00 04 00 00",    // 64: tileloadd tmm5,[rsi+rax+0x400]
        "c4 e2 4a 5c d5",                   // 6e: tdpbf16ps tmm2,tmm5,tmm6
        "c4 e2 42 5c dd",                   // 73: tdpbf16ps tmm3,tmm5,tmm7
        "48 81 c6 00 08 00 00",             // 78: add    rsi,0x800
        "48 81 c2 00 08 00 00",             // 7f: add    rdx,0x800
        "48 ff c9",                         // 86: dec    rcx
        "0f 85 ad ff ff ff",                // 89: jne    3c
        "48 8b 4f 70",                      // 8f: mov    rcx,[rdi+0x70]
        "c4 82 7a 4b 84 08 00 00 00 00",    // 93: tilestored [r8+r9],tmm0
        "c4 82 7a 4b 8c 08 40 00 00 00",    // 9d: tilestored [r8+r9+0x40],tmm1
        "49 01 c8",                         // a7: add    r8,rcx
        "c4 82 7a 4b 94 08 00 00 00 00",    // aa: tilestored [r8+r9],tmm2
        "c4 82 7a 4b 9c 08 40 00 00 00",    // b4: tilestored [r8+r9+0x40],tmm3
        "49 01 c8",                         // be: add    r8,rcx
        "49 ff ca",                         // c1: dec    r10
        "0f 85 56 ff ff ff",                // c4: jne    20
        "c4 e2 78 49 c0",                   // ca: tilerelease
        "c3"));                             // cf: ret

    [Fact]
    public void A_ninth_tile_is_refused() => Should.Throw<ArgumentOutOfRangeException>(() => new TileAssembler().ZeroTile(8));

    [Fact]
    public void A_product_of_a_tile_with_itself_is_refused() => Should.Throw<ArgumentException>(() => new TileAssembler().MultiplyBFloat16(0, 4, 4));

    private static string Encode(Action<TileAssembler> write)
    {
        TileAssembler code = new();
        write(code);
        return Hex(code.ToArray());
    }

    private static string Hex(byte[] code) => string.Join(' ', code.Select(value => value.ToString("x2")));
}
