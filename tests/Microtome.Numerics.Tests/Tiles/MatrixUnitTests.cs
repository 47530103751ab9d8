using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Tiles;

[Collection(nameof(WorkerPool))]
public sealed class MatrixUnitTests
{
    [Fact]
    public void The_unit_can_be_switched_off()
    {
        MatrixUnitProbe probe = MatrixUnitProbe.Run("off");
        probe.Kernels.ShouldBeNull();
        probe.Reason.ShouldBe("MICROTOME_MATRIX_UNIT=off");
    }

    [Fact]
    public void The_status_says_whether_the_unit_is_used()
    {
        MatrixUnit.Status.Available.ShouldBe(MatrixUnit.Kernels is not null);
        MatrixUnit.Status.Reason.ShouldNotBeEmpty();
        MatrixUnit.Status.Path.ShouldContain(MatrixKernel.Best.ToString()!);
    }

    [Fact]
    public void A_unit_that_is_used_matches_the_reference()
    {
        if (MatrixUnit.Kernels is { } kernels)
            Products.ProductCases.CompareWithReference((left, right) => kernels.Get(TileTerms.Exact(left), TileTerms.Exact(right)), rounds: 400);
    }

    [Fact]
    public void Mapped_code_can_be_read_and_not_written()
    {
        if (!OperatingSystem.IsLinux() || System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture != System.Runtime.InteropServices.Architecture.X64) return;
        byte[] code = [0xB8, 0x2A, 0, 0, 0, 0xC3]; // mov eax, 42; ret
        unsafe
        {
            byte* address = ExecutableCode.TryMap(code);
            (address != null).ShouldBeTrue();
            ((delegate* unmanaged<int>)address)().ShouldBe(42);
            string line = File.ReadLines("/proc/self/maps").Single(line => line.StartsWith($"{(nint)address:x}-", StringComparison.Ordinal));
            line.ShouldContain(" r-xp ");
        }
    }
}
