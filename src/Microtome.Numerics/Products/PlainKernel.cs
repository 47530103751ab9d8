namespace Microtome.Numerics;

/// <summary>The specification of the vector kernels, and what runs where there is none of them.</summary>
internal sealed unsafe class PlainKernel : MatrixKernel
{
    public override string ToString() => "plain arithmetic";

    public override int TileRows => 4;

    public override int PanelColumns => 8;

    public override int PanelHeight(int rows) => rows > 1 ? TileRows : 1;

    public override void Pack(float* source, nint lineStride, nint depthStride, int lines, int width, int depth, float* panel)
    {
        for (int k = 0; k < depth; k++)
            for (int line = 0; line < width; line++)
                panel[k * width + line] = line < lines ? source[line * lineStride + k * depthStride] : 0;
    }

    public override void PackBFloat16(ushort* source, nint lineStride, nint depthStride, int lines, int width, int depth, float* panel)
    {
        for (int k = 0; k < depth; k++)
            for (int line = 0; line < width; line++)
                ((uint*)panel)[k * width + line] = line < lines ? (uint)source[line * lineStride + k * depthStride] << 16 : 0;
    }

    public override void Narrow(float* panel, int depth, float* pairs)
    {
        int half = PanelColumns / 2;
        for (int k = 0; k < depth; k++)
            for (int column = 0; column < half; column++)
            {
                uint low = ((uint*)panel)[k * PanelColumns + column];
                uint high = ((uint*)panel)[k * PanelColumns + column + half];
                ((uint*)pairs)[k * half + column] = (low >> 16) | (high & 0xFFFF0000);
            }
    }

    public override void MultiplyLines(float* a, byte* lines, bool bfloat16, nint lineBytes, int count, int depth, float* c, bool accumulate)
    {
        float* sums = stackalloc float[LineSums];
        for (int line = 0; line < count; line++)
        {
            new Span<float>(sums, LineSums).Clear();
            for (int k = 0; k < depth; k++)
                sums[k % LineSums] = MathF.FusedMultiplyAdd(a[k], Element(lines + line * lineBytes, bfloat16, k), sums[k % LineSums]);
            float sum = SumOfLine(sums);
            c[line] = accumulate ? c[line] + sum : sum;
        }
    }

    public override void MultiplyAlongDepth(
        float* left, byte* b, bool bfloat16, nint lineStride, int depth, int rest, float* c, nint stride, bool accumulate)
    {
        const int Height = 4;
        for (int row = 0; row < Height; row++)
            for (int column = 0; column < PanelColumns; column++)
            {
                float sum = 0;
                for (int k = 0; k < depth; k++)
                    sum = MathF.FusedMultiplyAdd(left[k * Height + row], Element(b, bfloat16, column * lineStride + k), sum);
                c[row * stride + column] = accumulate ? c[row * stride + column] + sum : sum;
            }
    }

    public override void MultiplyAcrossLines(
        int rows, int height, float* left, byte* b, bool bfloat16, nint depthStride, int lines, int depth, float* sums, nint stride)
    {
        for (int row = 0; row < rows; row++)
            for (int line = 0; line < lines; line++)
                for (int k = 0; k < depth; k++)
                    sums[row * stride + line] = MathF.FusedMultiplyAdd(left[k * height + row], Element(b, bfloat16, k * depthStride + line), sums[row * stride + line]);
    }

    private static float Element(byte* b, bool bfloat16, nint index) => bfloat16
        ? BitConverter.UInt32BitsToSingle((uint)((ushort*)b)[index] << 16)
        : ((float*)b)[index];

    protected override void Tile(int height, float* left, float* right, bool pairs, int depth, float* c, nint stride, bool accumulate)
    {
        for (int row = 0; row < height; row++)
            for (int column = 0; column < PanelColumns; column++)
            {
                float sum = 0;
                for (int k = 0; k < depth; k++)
                    sum = MathF.FusedMultiplyAdd(left[k * height + row], Right(right, pairs, k, column), sum);
                c[row * stride + column] = accumulate ? c[row * stride + column] + sum : sum;
            }
    }

    private float Right(float* panel, bool pairs, int k, int column)
    {
        if (!pairs) return panel[k * PanelColumns + column];
        int half = PanelColumns / 2;
        uint pair = ((uint*)panel)[k * half + column % half];
        return BitConverter.UInt32BitsToSingle(column < half ? pair << 16 : pair & 0xFFFF0000);
    }
}
