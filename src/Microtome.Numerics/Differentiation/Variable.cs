namespace Microtome.Numerics.Differentiation;

/// <summary>A matrix that takes part in a computation, and the gradient of the computation's result with respect to it.</summary>
public sealed class Variable
{
    private Matrix _gradient;

    internal Variable(Matrix value, bool needsGradient)
    {
        Value = value;
        NeedsGradient = needsGradient;
    }

    /// <summary>
    /// A variable that the caller keeps from one computation to the next, with a gradient of its own. Every <see cref="Tape.Backward"/> adds to
    /// that until <see cref="ClearGradient"/> is called.
    /// </summary>
    /// <param name="gradient">Of the same shape as the value.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Variable Parameter(Matrix value, Matrix gradient)
    {
        if (value.Rows != gradient.Rows || value.Columns != gradient.Columns)
            throw new ArgumentException($"A gradient of [{gradient.Rows}, {gradient.Columns}] does not fit a value of [{value.Rows}, {value.Columns}].", nameof(gradient));
        return new Variable(value, needsGradient: true) { _gradient = gradient, IsParameter = true };
    }

    /// <summary>A variable with a new gradient for a tensor that the caller keeps.</summary>
    public static Variable Parameter(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return Parameter(value.AsMatrix(), Tensor.Uninitialized(value.Shape).AsMatrix());
    }

    /// <summary>What it holds; that of a result is valid until <see cref="Tape.Backward"/> or <see cref="Tape.Reset"/>.</summary>
    public Matrix Value { get; }

    public int Rows => Value.Rows;

    public int Columns => Value.Columns;

    /// <summary>Whether gradients are wanted for it or for something that it was computed from.</summary>
    public bool NeedsGradient { get; }

    /// <summary>The gradient of a parameter after <see cref="Tape.Backward"/>: zeros where it took no part.</summary>
    /// <exception cref="InvalidOperationException">It is not a parameter.</exception>
    public Matrix Gradient
    {
        get
        {
            if (!IsParameter) throw new InvalidOperationException("Only parameters keep their gradient; others give it up to what they were computed from.");
            if (!HasGradient) _gradient.Clear();
            HasGradient = true;
            return _gradient;
        }
    }

    internal bool IsParameter { get; private init; }

    /// <summary>Whether it is a parameter whose rows, and those of its gradient, follow one another in memory without gaps.</summary>
    public bool IsContiguousParameter => IsParameter && (Rows <= 1 || (Value.Stride == Columns && _gradient.Stride == Columns));

    /// <summary>Whether anything was written to the gradient.</summary>
    internal bool HasGradient { get; private set; }

    /// <summary>Whether the value is the tape's to reuse once the operation that made it is undone.</summary>
    internal bool OwnsValue { get; init; }

    /// <summary>Whether the gradient is the tape's to reuse.</summary>
    internal bool OwnsGradient { get; private set; }

    /// <summary>Where a part of another variable keeps its gradient.</summary>
    internal Func<Matrix>? GradientSource { get; init; }

    /// <summary>Makes the gradient of a parameter zero, at no cost: what comes next is written over it.</summary>
    public void ClearGradient() => HasGradient = false;

    /// <summary>The gradient of a result while it is passed on.</summary>
    internal Matrix Upstream => _gradient;

    /// <summary>Where to write or add this variable's gradient.</summary>
    /// <param name="accumulate">Whether there is something to add to; else all elements are to be written.</param>
    internal Matrix GradientToWrite(TensorPool pool, out bool accumulate)
    {
        accumulate = HasGradient;
        if (!HasGradient && GradientSource is not null) Give(GradientSource(), owned: false);
        else if (!HasGradient && _gradient.Owner is null) Give(pool.Rent(Rows, Columns), owned: true);
        HasGradient = true;
        return _gradient;
    }

    /// <summary>Takes a buffer as the gradient, where there is none yet.</summary>
    internal void Give(Matrix gradient, bool owned)
    {
        _gradient = gradient;
        OwnsGradient = owned;
        HasGradient = true;
    }

    /// <summary>Gives up the gradient.</summary>
    internal Matrix Take()
    {
        Matrix gradient = _gradient;
        _gradient = default;
        OwnsGradient = HasGradient = false;
        return gradient;
    }
}
