namespace Microtome.Numerics;

/// <summary>
/// Multiplies packed panels: a left panel holds some rows of A, a right panel <see cref="PanelColumns"/> columns of B, each in the order
/// in which the kernel reads them and padded with zeros.
/// </summary>
internal abstract unsafe class PanelKernel
{
    /// <summary>Terms that are summed before the sum is added to C: 32 KB of a right panel of float32, which stays in the first-level cache.</summary>
    public const int BlockDepth = 256;

    /// <summary>Rows of a left panel, but for the last.</summary>
    public abstract int TileRows { get; }

    public abstract int PanelColumns { get; }

    /// <summary>Where this thread may pack a right panel.</summary>
    public abstract float* RightPanel { get; }

    /// <summary>The height of the left panel for the last rows of A, of which fewer than <see cref="TileRows"/> may be left.</summary>
    public abstract int PanelHeight(int rows);

    /// <summary>Floats that a row takes in a left panel; additive over multiples of <see cref="BlockDepth"/>.</summary>
    public abstract int LineLength(int depth);

    /// <summary>Floats that a right panel takes; additive over multiples of <see cref="BlockDepth"/>.</summary>
    /// <param name="pairs">Whether B is bfloat16 and may be packed as such.</param>
    public abstract nint PanelLength(int depth, bool pairs);

    /// <param name="lines">[rows of the panel, depth]; lines beyond those given become zeros</param>
    /// <param name="height">The height of the panel.</param>
    public abstract void PackLeft(MatrixView lines, int height, float* panel);

    /// <param name="lines">[columns of the panel, depth]; lines beyond those given become zeros</param>
    public abstract void PackRight(MatrixView lines, bool pairs, float* panel);

    /// <summary>C = or += left panels, one after the other, · right panel, writing only the rows and columns that exist.</summary>
    /// <param name="lastHeight">The height of the last left panel.</param>
    public abstract void MultiplyPanels(float* left, int lastHeight, float* right, bool pairs, int depth, Matrix c, bool accumulate);

    /// <summary>The kernel that multiplies right panels packed by this one with rows of A of another type.</summary>
    public virtual PanelKernel ForLeft(ElementType type, Precision precision) => this;
}
