using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>Something that is trained: values, their gradient, and what Adam remembers of it (Kingma and Ba 2014, arXiv 1412.6980, algorithm 1).</summary>
internal sealed unsafe class Parameter(string name, params int[] shape)
{
    private const float MeanDecay = 0.9f, SquareDecay = 0.999f, Epsilon = 1e-8f;
    private const int Block = 1 << 13;

    public string Name => name;

    public Tensor Value { get; } = new(shape);

    public Tensor Gradient { get; } = new(shape);

    public Tensor Mean { get; } = new(shape);

    public Tensor MeanSquare { get; } = new(shape);

    public Matrix Rows => Value.AsMatrix();

    /// <summary>Takes a step along the gradient and clears it.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <param name="scale">What the gradient is multiplied by first.</param>
    public void Step(double learningRate, long step, float scale = 1)
    {
        float rate = (float)(learningRate / (1 - Math.Pow(MeanDecay, step))), root = (float)(1 / Math.Sqrt(1 - Math.Pow(SquareDecay, step)));
        WorkerPool.For((Value.Length + Block - 1) / Block, block =>
        {
            int start = block * Block;
            Update(Value.Pointer + start, Gradient.Pointer + start, Mean.Pointer + start, MeanSquare.Pointer + start, Math.Min(Block, Value.Length - start), rate, root, scale);
        });
        Gradient.Span.Clear();
    }

    /// <summary>Clears what is remembered of one row of a matrix, or of one element of a vector.</summary>
    public void Forget(int row)
    {
        foreach (Tensor moments in new[] { Gradient, Mean, MeanSquare })
        {
            if (moments.Rank == 1) moments.Span[row] = 0;
            else moments.Row(row).Clear();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Update(float* value, float* gradient, float* mean, float* square, int count, float rate, float root, float scale)
    {
        int i = 0;
        for (; i + 8 <= count; i += 8)
        {
            Vector256<float> g = Vector256.Load(gradient + i) * scale;
            Vector256<float> m = Vector256.Load(mean + i) * MeanDecay + g * (1 - MeanDecay), v = Vector256.Load(square + i) * SquareDecay + g * g * (1 - SquareDecay);
            m.Store(mean + i);
            v.Store(square + i);
            (Vector256.Load(value + i) - m * rate / (Vector256.Sqrt(v) * root + Vector256.Create(Epsilon))).Store(value + i);
        }
        for (; i < count; i++)
        {
            float g = gradient[i] * scale;
            mean[i] = mean[i] * MeanDecay + g * (1 - MeanDecay);
            square[i] = square[i] * SquareDecay + g * g * (1 - SquareDecay);
            value[i] -= mean[i] * rate / (MathF.Sqrt(square[i]) * root + Epsilon);
        }
    }
}
