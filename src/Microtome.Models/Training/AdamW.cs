using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Microtome.Numerics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Models.Training;

/// <summary>AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2): moments of the gradients scale the steps, and weights decay apart from them.</summary>
public sealed unsafe class AdamW
{
    private const int Block = 1 << 14;
    private readonly List<Entry> _entries = [];

    private readonly record struct Entry(Variable Variable, Tensor Mean, Tensor Variance, bool Decays);

    /// <param name="parameters">What to train; weights decay in those that are matrices.</param>
    public AdamW(IEnumerable<TrainableParameter> parameters, AdamWOptions? options = null) : this(parameters.Select(parameter => (parameter.Variable, parameter.IsMatrix)), options)
    {
    }

    /// <param name="parameters">What to train, and whether its weights decay. Their rows must be contiguous.</param>
    public AdamW(IEnumerable<(Variable Variable, bool Decays)> parameters, AdamWOptions? options = null)
    {
        Options = options ?? new AdamWOptions();
        foreach ((Variable variable, bool decays) in parameters)
        {
            if (!variable.IsContiguousParameter) throw new ArgumentException("Only parameters whose rows follow one another in memory can be trained.", nameof(parameters));
            _entries.Add(new Entry(variable, new Tensor(variable.Rows, variable.Columns), new Tensor(variable.Rows, variable.Columns), decays));
        }
    }

    public AdamWOptions Options { get; }

    /// <summary>How many steps were taken.</summary>
    public long Steps { get; set; }

    /// <summary>The moments of each parameter's gradient: with <see cref="Steps"/>, all of its state, to be saved and written back.</summary>
    public IEnumerable<(Tensor Mean, Tensor Variance)> Moments => _entries.Select(entry => (entry.Mean, entry.Variance));

    /// <summary>The length of all gradients together.</summary>
    public double GradientNorm()
    {
        double sum = 0;
        foreach (Entry entry in _entries)
        {
            Matrix gradient = entry.Variable.Gradient;
            int length = gradient.Rows * gradient.Columns, blocks = (length + Block - 1) / Block;
            double[] parts = new double[blocks];
            WorkerPool.For(blocks, block => parts[block] = VectorOperations.SumOfSquares(new ReadOnlySpan<float>(gradient.Data + block * Block, Math.Min(Block, length - block * Block))));
            foreach (double part in parts) sum += part;
            GC.KeepAlive(gradient.Owner);
        }
        return Math.Sqrt(sum);
    }

    /// <summary>Takes one step along the gradients, which are first shortened to <see cref="AdamWOptions.GradientClip"/> where they are longer.</summary>
    /// <returns>The gradients' length before that. When it is not finite, nothing is changed.</returns>
    public double Step(double learningRate)
    {
        double norm = GradientNorm();
        if (!double.IsFinite(norm)) return norm;
        float factor = norm > Options.GradientClip ? (float)(Options.GradientClip / norm) : 1;
        Steps++;
        double meanCorrection = 1 - Math.Pow(Options.Beta1, Steps), varianceCorrection = 1 - Math.Pow(Options.Beta2, Steps);
        float rate = (float)(learningRate / meanCorrection), root = (float)(1 / Math.Sqrt(varianceCorrection));
        foreach (Entry entry in _entries)
        {
            float keep = entry.Decays ? (float)(1 - learningRate * Options.WeightDecay) : 1;
            Matrix value = entry.Variable.Value, gradient = entry.Variable.Gradient;
            int length = value.Rows * value.Columns;
            WorkerPool.For((length + Block - 1) / Block, block =>
            {
                int start = block * Block, count = Math.Min(Block, length - start);
                Update(value.Data + start, gradient.Data + start, entry.Mean.Pointer + start, entry.Variance.Pointer + start, count, keep, factor, rate, root);
            });
            GC.KeepAlive(value.Owner);
            GC.KeepAlive(gradient.Owner);
        }
        return norm;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Update(float* value, float* gradient, float* mean, float* variance, int count, float keep, float factor, float rate, float root)
    {
        float beta1 = Options.Beta1, beta2 = Options.Beta2, epsilon = Options.Epsilon;
        int i = 0;
        for (; i + 8 <= count; i += 8)
        {
            Vector256<float> g = Vector256.Load(gradient + i) * factor;
            Vector256<float> m = Vector256.Load(mean + i) * beta1 + g * (1 - beta1), v = Vector256.Load(variance + i) * beta2 + g * g * (1 - beta2);
            m.Store(mean + i);
            v.Store(variance + i);
            (Vector256.Load(value + i) * keep - rate * m / (Vector256.Sqrt(v) * root + Vector256.Create(epsilon))).Store(value + i);
        }
        for (; i < count; i++)
        {
            float g = gradient[i] * factor;
            mean[i] = mean[i] * beta1 + g * (1 - beta1);
            variance[i] = variance[i] * beta2 + g * g * (1 - beta2);
            value[i] = value[i] * keep - rate * mean[i] / (MathF.Sqrt(variance[i]) * root + epsilon);
        }
    }
}

public sealed record AdamWOptions
{
    /// <summary>How much of the mean gradient is kept from step to step.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>How much of the mean square is kept.</summary>
    public float Beta2 { get; init; } = 0.95f;

    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>The share of a weight that it loses in a step, times the learning rate.</summary>
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>The longest that all gradients together may be.</summary>
    public double GradientClip { get; init; } = 1;
}
