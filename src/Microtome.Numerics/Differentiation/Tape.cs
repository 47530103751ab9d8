namespace Microtome.Numerics.Differentiation;

/// <summary>
/// Reverse-mode differentiation: records operations on matrices as they are computed, and then goes back through them to find the gradient
/// of a result with respect to every parameter (Griewank and Walther 2008, chapter 3). Sums are taken in an order that depends on the shapes
/// alone, so that all results have the same bits for any number of threads. One tape serves many steps and keeps their memory; it is not
/// safe to use from several threads.
/// </summary>
/// <remarks>
/// What an operation returns is valid until the next <see cref="Backward"/> or <see cref="Reset"/>. Operations on variables of which none needs
/// a gradient record nothing.
/// </remarks>
public sealed partial class Tape
{
    private readonly TensorPool _pool = new();
    private readonly List<Step> _steps = [];
    private readonly List<Matrix> _unrecorded = [];

    /// <param name="Output">What the operation computed.</param>
    /// <param name="Pull">Adds to the gradients of what it was computed from.</param>
    /// <param name="Kept">Buffers that <paramref name="Pull"/> reads.</param>
    /// <param name="IsView">The operation computed nothing: its parts are views of <paramref name="Output"/>, whose gradient is not there yet.</param>
    private readonly record struct Step(Variable Output, Action Pull, Matrix[] Kept, bool IsView = false);

    /// <summary>A value with respect to which nothing is differentiated.</summary>
    public static Variable Constant(Matrix value) => new(value, needsGradient: false);

    /// <inheritdoc cref="Constant(Matrix)"/>
    public static Variable Constant(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return Constant(value.AsMatrix());
    }

    /// <summary>Adds the gradient of <paramref name="result"/> to the gradients of all parameters it was computed from, and forgets the computation.</summary>
    /// <param name="result">[1, 1]</param>
    /// <exception cref="ArgumentException">The result is not one number.</exception>
    public void Backward(Variable result)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (result.Rows != 1 || result.Columns != 1) throw new ArgumentException($"Only one number can be differentiated, not a matrix of [{result.Rows}, {result.Columns}].", nameof(result));
        if (result.NeedsGradient) result.GradientToWrite(_pool, out _).Row(0)[0] = 1;
        for (int i = _steps.Count - 1; i >= 0; i--)
        {
            Step step = _steps[i];
            if (step.Output.HasGradient || step.IsView) step.Pull();
            Release(step);
        }
        Forget();
    }

    /// <summary>Forgets what was computed since the last <see cref="Backward"/>, and reuses its memory.</summary>
    public void Reset()
    {
        foreach (Step step in _steps) Release(step);
        Forget();
    }

    private void Forget()
    {
        _steps.Clear();
        foreach (Matrix matrix in _unrecorded) _pool.Return(matrix);
        _unrecorded.Clear();
    }

    private void Release(Step step)
    {
        if (step.IsView) return;
        if (step.Output.OwnsGradient) _pool.Return(step.Output.Take());
        if (step.Output.OwnsValue) _pool.Return(step.Output.Value);
        foreach (Matrix kept in step.Kept) _pool.Return(kept);
    }

    /// <summary>The result of an operation, and how to undo it.</summary>
    /// <param name="pull">Given the gradient of the result.</param>
    /// <param name="kept">Rented buffers that <paramref name="pull"/> reads.</param>
    private Variable Record(Matrix value, bool needsGradient, Action<Matrix> pull, params Matrix[] kept)
    {
        if (!needsGradient)
        {
            _unrecorded.Add(value);
            _unrecorded.AddRange(kept);
            return new Variable(value, needsGradient: false);
        }
        Variable output = new(value, needsGradient: true) { OwnsValue = true };
        _steps.Add(new Step(output, () => pull(output.Upstream), kept));
        return output;
    }

    private Matrix GradientOf(Variable variable, out bool accumulate) => variable.GradientToWrite(_pool, out accumulate);

    /// <summary>Adds a gradient that is the result's own; where nothing was added before, its buffer is passed on.</summary>
    private void PassOn(Variable input, Variable output)
    {
        if (!input.NeedsGradient) return;
        if (!input.HasGradient && !input.IsParameter && input.GradientSource is null && input.Upstream.Owner is null && output.OwnsGradient)
        {
            input.Give(output.Take(), owned: true);
            return;
        }
        AddTo(input, output.Upstream);
    }

    private void AddTo(Variable input, Matrix gradient)
    {
        Matrix target = GradientOf(input, out bool accumulate);
        Rows.For(gradient.Rows, gradient.Columns, row =>
        {
            if (accumulate) System.Numerics.Tensors.TensorPrimitives.Add(target.Row(row), gradient.Row(row), target.Row(row));
            else gradient.Row(row).CopyTo(target.Row(row));
        });
    }

    private static void CheckSameShape(Variable x, Variable y)
    {
        if (x.Rows != y.Rows || x.Columns != y.Columns) throw new ArgumentException($"The shapes [{x.Rows}, {x.Columns}] and [{y.Rows}, {y.Columns}] differ.");
    }
}
