namespace Microtome.Numerics.Differentiation;

/// <summary>
/// Memory for matrices that live within one step of a computation that is repeated: fresh pages cost more than the arithmetic on them. What
/// was returned last is handed out first, while it is still cached. Not safe to use from several threads.
/// </summary>
internal sealed unsafe class TensorPool
{
    private readonly Dictionary<int, Stack<Tensor>> _free = [];

    /// <summary>A matrix with any contents.</summary>
    public Matrix Rent(int rows, int columns)
    {
        int length = SizeClass(checked(rows * columns));
        Tensor tensor = _free.TryGetValue(length, out Stack<Tensor>? free) && free.TryPop(out Tensor? known) ? known : Tensor.Uninitialized(length);
        return new Matrix(tensor.Pointer, rows, columns, columns, tensor);
    }

    public void Return(Matrix matrix)
    {
        Tensor tensor = (Tensor)matrix.Owner!;
        if (!_free.TryGetValue(tensor.Length, out Stack<Tensor>? free)) _free.Add(tensor.Length, free = []);
        free.Push(tensor);
    }

    /// <summary>The next of 8, 10, 12, 14, 16, 20, 24, … · 2^n: batches of almost the same size share buffers.</summary>
    private static int SizeClass(int length)
    {
        if (length <= 64) return 64;
        int step = 1 << Math.Max(0, 29 - int.LeadingZeroCount(length - 1));
        return (int)Math.Min(Tensor.MaximumLength, ((long)length + step - 1) / step * step);
    }
}
