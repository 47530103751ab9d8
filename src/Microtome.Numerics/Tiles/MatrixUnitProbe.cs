using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace Microtome.Numerics;

/// <summary>What looking for a matrix unit found: kernels that use it, or none, and the reason.</summary>
internal sealed record MatrixUnitProbe(TileKernels? Kernels, string Reason)
{
    private const int TileLeaf = 0x1D; // of CPUID: the sizes of tiles

    /// <param name="setting">What the environment variable says.</param>
    public static MatrixUnitProbe Run(string? setting)
    {
        if (string.Equals(setting, "off", StringComparison.OrdinalIgnoreCase)) return new(null, $"{MatrixUnit.Variable}=off");
        if ((FindObstacle() ?? RequestPermission()) is { } obstacle) return new(null, obstacle);
        if (AmxTileUnit.TryCreate() is not { } unit) return new(null, "the system allows no executable memory");
        return Check(unit)
            ? new(new TileKernels(unit), "the processor has AMX with bfloat16, and its products are right")
            : new(null, "the products of the processor's AMX differ from plain arithmetic");
    }

    private static string? FindObstacle()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return $"a matrix unit is used on Linux on x64 only, and this is {RuntimeInformation.RuntimeIdentifier}";
        if (!X86Base.IsSupported) return "the processor cannot be asked what it has";
        (int leaves, int vendor0, int vendor2, int vendor1) = X86Base.CpuId(0, 0);
        if (leaves < TileLeaf || !HasTiles())
            return $"the processor has no AMX with bfloat16 ({VendorName(vendor0, vendor1, vendor2)})";
        return HasFullTiles() ? null : "the processor's tiles are smaller than 16 rows of 64 bytes, or fewer than 8";
    }

    private static bool HasTiles()
    {
        const int BFloat16 = 1 << 22, Tiles = 1 << 24;
        int features = X86Base.CpuId(7, 0).Edx;
        return (features & BFloat16) != 0 && (features & Tiles) != 0;
    }

    private static bool HasFullTiles()
    {
        if (X86Base.CpuId(TileLeaf, 0).Eax < 1) return false; // palettes
        (int bytes, int rowBytesAndTiles, int rows, _) = X86Base.CpuId(TileLeaf, 1);
        return (bytes & 0xFFFF) >= 8192 && (rowBytesAndTiles & 0xFFFF) >= 64 && rowBytesAndTiles >>> 16 >= 8 && (rows & 0xFFFF) >= 16;
    }

    private static string VendorName(params ReadOnlySpan<int> parts) => Encoding.ASCII.GetString(MemoryMarshal.AsBytes(parts)).TrimEnd('\0');

    /// <summary>Asks the kernel, for all threads of the process; it also knows whether it saves tiles when it switches threads.</summary>
    private static unsafe string? RequestPermission()
    {
        ulong supported = 0;
        if (LinuxCalls.SystemCall(LinuxCalls.ArchPrctl, LinuxCalls.GetSupportedState, (nint)(&supported)) != 0)
            return "the kernel knows nothing of tiles; Linux 5.16 or later does";
        if ((supported >> LinuxCalls.TileData & 1) == 0) return "the kernel keeps no tiles";
        return LinuxCalls.SystemCall(LinuxCalls.ArchPrctl, LinuxCalls.RequestState, LinuxCalls.TileData) == 0
            ? null
            : $"the kernel refused the use of tiles: {Marshal.GetLastPInvokeErrorMessage()}";
    }

    /// <summary>Whether every routine gives what plain arithmetic gives, up to rounding.</summary>
    internal static bool Check(TileUnit unit)
    {
        const int M = 48, K = 80, N = 40; // a panel of two tiles and one of one, two and a half steps, a panel and a quarter
        Random random = new(1);
        Tensor a = Tensor.Uninitialized(M, K), b = Tensor.Uninitialized(K, N), actual = Tensor.Uninitialized(M, N), expected = Tensor.Uninitialized(M, N);
        foreach (ref float value in a.Span) value = 2 * random.NextSingle() - 1;
        foreach (ref float value in b.Span) value = 2 * random.NextSingle() - 1;
        TileKernels tested = new(unit), plain = new(new PlainTileUnit());
        for (int left = 1; left <= TileTerms.Most; left++)
            for (int right = 1; right <= TileTerms.Most; right++)
            {
                MatrixProduct.Multiply(a.AsMatrix(), b.AsMatrix(), actual.AsMatrix(), accumulate: false, tested.Get(left, right));
                MatrixProduct.Multiply(a.AsMatrix(), b.AsMatrix(), expected.AsMatrix(), accumulate: false, plain.Get(left, right));
                for (int i = 0; i < actual.Length; i++)
                    if (!(MathF.Abs(actual.Span[i] - expected.Span[i]) <= 1e-5f)) return false; // sums are of the size of 5
            }
        return true;
    }
}
