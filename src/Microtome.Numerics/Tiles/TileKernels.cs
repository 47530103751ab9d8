namespace Microtome.Numerics;

/// <summary>The kernels of one unit, for every number of terms, and when they are used.</summary>
internal sealed class TileKernels
{
    /// <summary>A shallower product would leave most of a tile empty.</summary>
    private const int SmallestDepth = TileUnit.Depth;

    /// <summary>Rows that are worth packing a bfloat16 B.</summary>
    private const int SmallestRows = TileUnit.Side;

    /// <summary>
    /// Rows that are worth splitting B. A core's tiles do 512 multiply-adds in a cycle, so 85 with the six pairs of terms of two float32
    /// operands, against 32 of its vectors; splitting an element of B costs half a cycle more than packing it. With tiles at half their
    /// speed that is won back from 50 rows on.
    /// </summary>
    private const int SmallestRowsToSplit = 64;

    private readonly TileKernel[] _kernels = new TileKernel[TileTerms.Most * TileTerms.Most];

    public TileKernels(TileUnit unit)
    {
        for (int left = 1; left <= TileTerms.Most; left++)
            for (int right = 1; right <= TileTerms.Most; right++)
                _kernels[Index(left, right)] = new TileKernel(this, unit, left, right);
    }

    public TileKernel Get(int leftTerms, int rightTerms) => _kernels[Index(leftTerms, rightTerms)];

    /// <summary>The kernel for a product of these, or null where the vector kernels are to be preferred.</summary>
    public TileKernel? For(int rows, int depth, ElementType left, ElementType right, Precision precision)
    {
        int rightTerms = Terms(right, precision);
        bool worthwhile = depth >= SmallestDepth && rows >= (rightTerms == 1 ? SmallestRows : SmallestRowsToSplit);
        return worthwhile ? Get(Terms(left, precision), rightTerms) : null;
    }

    /// <summary>The kernel to pack B for, or null: split, it would take more memory than its float32 panels.</summary>
    public TileKernel? ForPacking(int depth, ElementType right, Precision precision) =>
        depth >= SmallestDepth && Terms(right, precision) == 1 ? Get(1, 1) : null;

    public static int Terms(ElementType type, Precision precision) => precision == Precision.BFloat16 ? 1 : TileTerms.Exact(type);

    private static int Index(int leftTerms, int rightTerms) => (leftTerms - 1) * TileTerms.Most + rightTerms - 1;
}
