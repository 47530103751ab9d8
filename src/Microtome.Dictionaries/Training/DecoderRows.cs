using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>Keeps decoder rows at a norm of 1, and gradients from changing it (Bricken et al. 2023).</summary>
internal static class DecoderRows
{
    private const int RowsAtOnce = 64;

    /// <summary>Takes from each row's gradient its part along the row.</summary>
    public static void Project(Parameter decoder) => ForRows(decoder.Value.Rows, row =>
    {
        ReadOnlySpan<float> values = decoder.Value.Row(row);
        Span<float> gradient = decoder.Gradient.Row(row);
        float square = VectorOperations.SumOfSquares(values);
        if (square > 0) VectorOperations.AddScaled(gradient, -VectorOperations.Dot(values, gradient) / square, values);
    });

    public static void Normalize(Parameter decoder) => ForRows(decoder.Value.Rows, row => Normalize(decoder.Value.Row(row)));

    public static void Normalize(Span<float> row)
    {
        float norm = MathF.Sqrt(VectorOperations.SumOfSquares(row));
        if (norm > 0) TensorPrimitives.Divide(row, norm, row);
    }

    public static float[] Norms(Tensor rows)
    {
        float[] norms = new float[rows.Rows];
        ForRows(rows.Rows, row => norms[row] = MathF.Sqrt(VectorOperations.SumOfSquares(rows.Row(row))));
        return norms;
    }

    private static void ForRows(int rows, Action<int> body) => WorkerPool.For((rows + RowsAtOnce - 1) / RowsAtOnce, block =>
    {
        for (int row = block * RowsAtOnce; row < Math.Min(rows, (block + 1) * RowsAtOnce); row++) body(row);
    });
}
