using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Tiles;

/// <summary>The machine that the routines are tested on does notice mistakes.</summary>
public sealed unsafe class TileMachineTests
{
    [Fact]
    public void Tiles_must_be_configured() => Fault(code => code.ZeroTile(0), configure: false).ShouldBe("tile 0 is not configured");

    [Fact]
    public void Tiles_must_be_released() => Fault(code => code.Return()).ShouldBe("returned without tilerelease");

    [Fact]
    public void Reads_stay_within_the_buffers() =>
        Fault(code => code.LoadTile(0, Register.Rdi, Register.Rax, 1)).ShouldStartWith("reads 64 bytes at");

    [Fact]
    public void What_may_be_read_may_not_be_written() =>
        Fault(code => code.StoreTile(0, Register.Rdi, Register.Rax, 0)).ShouldStartWith("writes 64 bytes at");

    [Fact]
    public void Registers_of_the_caller_are_not_written() =>
        Fault(code => code.Move(Register.Rbx, 1)).ShouldBe("writes register 3, which belongs to the caller");

    [Fact]
    public void Registers_that_hold_nothing_are_not_read() =>
        Fault(code => code.Add(Register.Rsi, 1)).ShouldStartWith("reads register 6");

    [Fact]
    public void A_routine_returns() => Fault(code => code.ReleaseTiles()).ShouldStartWith("runs off its code");

    [Fact]
    public void Reserved_bytes_of_the_configuration_are_zero() => Fault(code => { }, configurationByte: 40).ShouldStartWith("reserved bytes");

    [Fact]
    public void Tiles_have_sixteen_rows_at_most() => Fault(code => { }, configurationByte: 50).ShouldBe("tile 2 of 17 rows of 64 bytes");

    /// <summary>rdi names a configuration and the 1 KB that begins with it; rax is 0x40.</summary>
    private static string Fault(Action<TileAssembler> write, bool configure = true, int? configurationByte = null)
    {
        byte* memory = stackalloc byte[1024];
        new Span<byte>(memory, 1024).Clear();
        *(TileConfiguration*)memory = TileConfiguration.Full;
        if (configurationByte is { } index) memory[index]++;
        TileAssembler code = new();
        code.Move(Register.Rax, 0x40);
        if (configure) code.LoadConfiguration(Register.Rdi);
        write(code);
        TileMachine machine = new();
        machine.Allow(memory, 1024, writable: false);
        return Should.Throw<MachineFault>(() => machine.Call(code.ToArray(), memory)).Message;
    }
}
