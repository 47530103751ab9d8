namespace Microtome.Numerics;

/// <summary>What multiplies matrices on this computer.</summary>
/// <param name="Available">Whether a matrix unit is in use.</param>
/// <param name="Reason">Why it is, or why not.</param>
/// <param name="Path">What large products run on, such as "AVX-512, 512-bit vectors".</param>
public sealed record MatrixUnitStatus(bool Available, string Reason, string Path);

/// <summary>
/// The processor's matrix unit: Intel AMX with bfloat16, on Linux on x64. It is used where the processor has it, the kernel grants it and its
/// first products are right; the environment variable <c>MICROTOME_MATRIX_UNIT=off</c> leaves it unused.
/// </summary>
public static class MatrixUnit
{
    internal const string Variable = "MICROTOME_MATRIX_UNIT";

    private static readonly MatrixUnitProbe Probe = MatrixUnitProbe.Run(Environment.GetEnvironmentVariable(Variable));

    /// <summary>Whether the unit is used, why, and what is used.</summary>
    public static MatrixUnitStatus Status { get; } = new(
        Kernels is not null, Probe.Reason, Kernels is not null ? $"AMX, bfloat16 tiles; {MatrixKernel.Best} for small products" : MatrixKernel.Best.ToString()!);

    internal static TileKernels? Kernels => Probe.Kernels;
}
