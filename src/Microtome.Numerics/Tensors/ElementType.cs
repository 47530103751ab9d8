namespace Microtome.Numerics;

/// <summary>How one element of a stored tensor is encoded. The names are those of the safetensors format.</summary>
public enum ElementType
{
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

public static class ElementTypes
{
    /// <summary>The size of one element in bytes.</summary>
    public static int Size(this ElementType type) => type switch
    {
        ElementType.F64 or ElementType.I64 => 8,
        ElementType.F32 or ElementType.I32 => 4,
        ElementType.F16 or ElementType.BF16 or ElementType.I16 => 2,
        _ => 1,
    };

    /// <summary>Whether tensors of this type can be weights: the matrix product reads them as they are stored.</summary>
    public static bool IsWeight(this ElementType type) => type is ElementType.F32 or ElementType.F16 or ElementType.BF16;
}
