using Microtome.Numerics.Differentiation;

namespace Microtome.Numerics.Tests.Differentiation;

/// <summary>Compares the gradients of an operation with central differences.</summary>
internal static class GradientCheck
{
    private const double Step = 1e-2;

    /// <summary>Random values between -1 and 1 with a gradient.</summary>
    public static Variable Parameter(Random random, int rows, int columns)
    {
        Tensor tensor = new(rows, columns);
        foreach (ref float value in tensor.Span) value = 2 * random.NextSingle() - 1;
        return Variable.Parameter(tensor);
    }

    /// <param name="compute">The operation; a random weighting of its result's elements is differentiated.</param>
    public static void Compare(Random random, Variable[] inputs, Func<Tape, Variable> compute)
    {
        Tape tape = new();
        Variable result = compute(tape);
        Tensor weights = new(result.Rows, result.Columns);
        foreach (ref float value in weights.Span) value = 2 * random.NextSingle() - 1;
        double Value()
        {
            Matrix output = compute(tape).Value;
            double sum = 0;
            for (int row = 0; row < output.Rows; row++)
                for (int column = 0; column < output.Columns; column++) sum += (double)output.Row(row)[column] * weights.Row(row)[column];
            tape.Reset();
            return sum;
        }

        foreach (Variable input in inputs) input.ClearGradient();
        tape.Reset();
        tape.Backward(tape.Sum(compute(tape), weights.AsMatrix()));
        double largest = inputs.Max(input => Largest(input.Gradient));
        foreach (Variable input in inputs)
        {
            for (int row = 0; row < input.Rows; row++)
            {
                for (int column = 0; column < input.Columns; column++)
                {
                    float original = input.Value.Row(row)[column];
                    // Richardson's extrapolation of central differences: the error is of the order of the step to the fourth.
                    double fine = Slope(Step), coarse = Slope(2 * Step), expected = (4 * fine - coarse) / 3;
                    Math.Abs(input.Gradient.Row(row)[column] - expected).ShouldBeLessThan(2e-3 * Math.Max(1, largest), $"input {Array.IndexOf(inputs, input)} [{row}, {column}] of [{input.Rows}, {input.Columns}]: {input.Gradient.Row(row)[column]}, not {expected}");

                    double Slope(double step)
                    {
                        input.Value.Row(row)[column] = (float)(original + step);
                        double above = Value();
                        input.Value.Row(row)[column] = (float)(original - step);
                        double below = Value();
                        input.Value.Row(row)[column] = original;
                        return (above - below) / (2 * step);
                    }
                }
            }
        }
    }

    private static double Largest(Matrix matrix)
    {
        double largest = 0;
        for (int row = 0; row < matrix.Rows; row++)
            foreach (float value in matrix.Row(row)) largest = Math.Max(largest, Math.Abs(value));
        return largest;
    }
}
