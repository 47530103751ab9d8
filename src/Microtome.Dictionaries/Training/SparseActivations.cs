using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>
/// The few activations of a batch that are not zero, by row and, on demand, by latent. Products with them touch those only; where a tenth and more of
/// all are active, one dense product is faster and is used instead.
/// </summary>
internal sealed class SparseActivations
{
    private const int DenseFrom = 10; // of this many one is active
    private const int RowsAtOnce = 16;
    private int[]? _latentStarts;
    private int[] _rowOf = [];
    private int[] _entryOf = [];
    private Tensor? _dense;

    private SparseActivations(int latents, int[] starts, int[] indexes, float[] values)
    {
        Latents = latents;
        Starts = starts;
        Indexes = indexes;
        Values = values;
    }

    public int Rows => Starts.Length - 1;

    public int Latents { get; }

    public int Count => Starts[^1];

    /// <summary>[rows + 1]: where each row's entries begin.</summary>
    public int[] Starts { get; }

    /// <summary>The entries' latents, ascending within a row.</summary>
    public int[] Indexes { get; }

    public float[] Values { get; }

    /// <summary>Whether products use dense matrices; tests try both.</summary>
    public bool IsDense { get; init; }

    /// <summary>Those elements of a matrix that are chosen, with a value for each.</summary>
    /// <param name="choose">Writes the chosen latents of a row, ascending, and their values, and says how many.</param>
    public static SparseActivations Choose(int rows, int latents, RowChooser choose)
    {
        int[][] indexes = new int[rows][];
        float[][] values = new float[rows][];
        int blocks = (rows + RowsAtOnce - 1) / RowsAtOnce;
        WorkerPool.For(blocks, block =>
        {
            int[] chosen = new int[latents];
            float[] amounts = new float[latents];
            for (int row = block * RowsAtOnce; row < Math.Min(rows, (block + 1) * RowsAtOnce); row++)
            {
                int count = choose(row, chosen, amounts);
                indexes[row] = chosen[..count];
                values[row] = amounts[..count];
            }
        });
        int[] starts = new int[rows + 1];
        for (int row = 0; row < rows; row++) starts[row + 1] = starts[row] + indexes[row].Length;
        int[] all = new int[starts[rows]];
        float[] amount = new float[all.Length];
        for (int row = 0; row < rows; row++)
        {
            indexes[row].CopyTo(all, starts[row]);
            values[row].CopyTo(amount, starts[row]);
        }
        return new SparseActivations(latents, starts, all, amount) { IsDense = (long)all.Length * DenseFrom > (long)rows * latents };
    }

    /// <summary>Other values at the same places.</summary>
    public SparseActivations With(float[] values) => new(Latents, Starts, Indexes, values) { IsDense = IsDense, _latentStarts = _latentStarts, _rowOf = _rowOf, _entryOf = _entryOf };

    public SparseActivations As(bool dense) => new(Latents, Starts, Indexes, Values) { IsDense = dense };

    /// <summary>output += activations · weights</summary>
    /// <param name="weights">[latents, width]</param>
    /// <param name="output">[rows, width]</param>
    public void AddProduct(Matrix weights, Matrix output)
    {
        if (IsDense)
        {
            MatrixProduct.Multiply(Dense().AsMatrix(), weights, output, accumulate: true);
            return;
        }
        ForRows(row =>
        {
            Span<float> sum = output.Row(row);
            for (int entry = Starts[row]; entry < Starts[row + 1]; entry++) VectorOperations.AddScaled(sum, Values[entry], weights.Row(Indexes[entry]));
        });
    }

    /// <summary>gradient += activationsᵀ · rows: what each latent's entries weigh of the rows that they are in.</summary>
    /// <param name="rows">[rows, width]</param>
    /// <param name="gradient">[latents, width]</param>
    public void AddTransposedProduct(Matrix rows, Matrix gradient)
    {
        if (IsDense)
        {
            MatrixProduct.Multiply(Dense().AsMatrix().T, rows, gradient, accumulate: true);
            return;
        }
        IndexByLatent();
        ForLatents(latent =>
        {
            Span<float> sum = gradient.Row(latent);
            for (int i = _latentStarts![latent]; i < _latentStarts[latent + 1]; i++) VectorOperations.AddScaled(sum, Values[_entryOf[i]], rows.Row(_rowOf[i]));
        });
    }

    /// <summary>The products of each entry's row with its latent's weights: rows · weightsᵀ, where there are entries.</summary>
    /// <param name="rows">[rows, width]</param>
    /// <param name="weights">[latents, width]</param>
    public float[] Dots(Matrix rows, Matrix weights)
    {
        float[] dots = new float[Count];
        if (IsDense)
        {
            Tensor all = Tensor.Uninitialized(Rows, Latents);
            MatrixProduct.Multiply(rows, weights.T, all.AsMatrix());
            ForRows(row =>
            {
                ReadOnlySpan<float> products = all.Row(row);
                for (int entry = Starts[row]; entry < Starts[row + 1]; entry++) dots[entry] = products[Indexes[entry]];
            });
            return dots;
        }
        ForRows(row =>
        {
            for (int entry = Starts[row]; entry < Starts[row + 1]; entry++) dots[entry] = VectorOperations.Dot(rows.Row(row), weights.Row(Indexes[entry]));
        });
        return dots;
    }

    /// <summary>sums[latent] += the sum of its entries.</summary>
    public void AddSums(Span<float> sums)
    {
        double[] exact = new double[Latents];
        for (int entry = 0; entry < Count; entry++) exact[Indexes[entry]] += Values[entry];
        for (int latent = 0; latent < Latents; latent++) sums[latent] += (float)exact[latent];
    }

    private void ForRows(Action<int> body) => WorkerPool.For((Rows + RowsAtOnce - 1) / RowsAtOnce, block =>
    {
        for (int row = block * RowsAtOnce; row < Math.Min(Rows, (block + 1) * RowsAtOnce); row++) body(row);
    });

    private void ForLatents(Action<int> body) => WorkerPool.For((Latents + RowsAtOnce - 1) / RowsAtOnce, block =>
    {
        for (int latent = block * RowsAtOnce; latent < Math.Min(Latents, (block + 1) * RowsAtOnce); latent++) body(latent);
    });

    private Tensor Dense()
    {
        if (_dense is not null) return _dense;
        _dense = new Tensor(Rows, Latents);
        for (int row = 0; row < Rows; row++)
        {
            Span<float> values = _dense.Row(row);
            for (int entry = Starts[row]; entry < Starts[row + 1]; entry++) values[Indexes[entry]] = Values[entry];
        }
        return _dense;
    }

    /// <summary>Sorts the entries by latent, and each latent's by row.</summary>
    private void IndexByLatent()
    {
        if (_latentStarts is not null) return;
        int[] starts = new int[Latents + 1];
        foreach (int latent in Indexes.AsSpan(0, Count)) starts[latent + 1]++;
        for (int latent = 0; latent < Latents; latent++) starts[latent + 1] += starts[latent];
        int[] next = starts[..^1];
        _rowOf = new int[Count];
        _entryOf = new int[Count];
        for (int row = 0; row < Rows; row++)
            for (int entry = Starts[row]; entry < Starts[row + 1]; entry++)
            {
                int place = next[Indexes[entry]]++;
                _rowOf[place] = row;
                _entryOf[place] = entry;
            }
        _latentStarts = starts;
    }
}

/// <summary>Writes the chosen latents of a row, ascending, and their values.</summary>
/// <returns>How many.</returns>
internal delegate int RowChooser(int row, int[] latents, float[] values);
