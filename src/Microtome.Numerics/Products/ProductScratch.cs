namespace Microtome.Numerics;

/// <summary>Memory for packing that each thread keeps: 64 KB, and what the left operands of its products needed, 12 MB at most.</summary>
internal static unsafe class ProductScratch
{
    /// <summary>Elements of the left operand that are packed at a time.</summary>
    public const int LargestLeft = 2 << 20;

    public const int PanelLength = 32 * MatrixKernel.BlockDepth;

    [ThreadStatic]
    private static Tensor? t_panels;

    [ThreadStatic]
    private static Tensor? t_left;

    /// <summary>One right panel.</summary>
    public static float* Panel => (t_panels ??= Tensor.Uninitialized(2 * PanelLength)).Pointer;

    /// <summary>Lines that are to be packed, as float32.</summary>
    public static float* Expanded => Panel + PanelLength;

    public static float* Left(int length)
    {
        if (t_left is null || t_left.Length < length) t_left = Tensor.Uninitialized(length);
        return t_left.Pointer;
    }
}
