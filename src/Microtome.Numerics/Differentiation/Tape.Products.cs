namespace Microtome.Numerics.Differentiation;

public sealed partial class Tape
{
    /// <summary><c>x·Wᵀ</c>, or <c>residual + x·Wᵀ</c></summary>
    /// <param name="x">[rows, in]</param>
    /// <param name="weight">[out, in]</param>
    /// <param name="residual">[rows, out]</param>
    /// <returns>[rows, out]</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public Variable Linear(Variable x, Variable weight, Variable? residual = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        Matrix y = _pool.Rent(x.Rows, weight.Rows);
        if (residual is not null)
        {
            if (residual.Rows != y.Rows || residual.Columns != y.Columns)
                throw new ArgumentException($"A residual of [{residual.Rows}, {residual.Columns}] cannot be added to [{y.Rows}, {y.Columns}].", nameof(residual));
            Rows.For(y.Rows, y.Columns, row => residual.Value.Row(row).CopyTo(y.Row(row)));
        }
        MatrixProduct.Multiply(x.Value, weight.Value.T, y, accumulate: residual is not null);
        Variable output = null!;
        output = Record(y, x.NeedsGradient || weight.NeedsGradient || residual is { NeedsGradient: true }, gradient =>
        {
            if (x.NeedsGradient)
            {
                Matrix target = GradientOf(x, out bool accumulate);
                MatrixProduct.Multiply(gradient, weight.Value, target, accumulate);
            }
            if (weight.NeedsGradient)
            {
                Matrix target = GradientOf(weight, out bool accumulate);
                MultiplyTransposed(gradient, x.Value, target, accumulate);
            }
            if (residual is not null) PassOn(residual, output);
        });
        return output;
    }

    /// <summary><c>a·b</c></summary>
    /// <param name="a">[m, k]</param>
    /// <param name="b">[k, n]</param>
    /// <returns>[m, n]</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public Variable Multiply(Variable a, Variable b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        Matrix c = _pool.Rent(a.Rows, b.Columns);
        MatrixProduct.Multiply(a.Value, b.Value, c);
        return Record(c, a.NeedsGradient || b.NeedsGradient, gradient =>
        {
            if (a.NeedsGradient)
            {
                Matrix target = GradientOf(a, out bool accumulate);
                MatrixProduct.Multiply(gradient, b.Value.T, target, accumulate);
            }
            if (b.NeedsGradient)
            {
                Matrix target = GradientOf(b, out bool accumulate);
                MatrixProduct.Multiply(a.Value.T, gradient, target, accumulate);
            }
        });
    }

    /// <summary>
    /// <c>aᵀ·b</c>, written or added. The left operand of a product is copied whole and the right one piece by piece, so the narrower of the two is made
    /// the left one; the bits are the same either way.
    /// </summary>
    /// <param name="a">[k, m]</param>
    /// <param name="b">[k, n]</param>
    /// <param name="target">[m, n]</param>
    private void MultiplyTransposed(Matrix a, Matrix b, Matrix target, bool accumulate)
    {
        if (a.Columns <= b.Columns)
        {
            MatrixProduct.Multiply(a.T, b, target, accumulate);
            return;
        }
        Matrix turned = _pool.Rent(b.Columns, a.Columns);
        if (accumulate) Transposition.Copy(target, turned);
        MatrixProduct.Multiply(b.T, a, turned, accumulate);
        Transposition.Copy(turned, target);
        _pool.Return(turned);
    }
}
