using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>The rows of a batch: which context each belongs to and which token follows.</summary>
internal sealed class BatchRows
{
    public BatchRows(IReadOnlyList<TokenContext> contexts)
    {
        Sequences = [.. contexts.Select(context => context.Tokens)];
        Count = contexts.Sum(context => context.Tokens.Length);
        (Context, IsFirst, Next) = (new int[Count], new bool[Count], new int?[Count]);
        int row = 0;
        for (int context = 0; context < contexts.Count; context++)
        {
            int[] tokens = contexts[context].Tokens;
            for (int position = 0; position < tokens.Length; position++, row++)
            {
                Context[row] = context;
                IsFirst[row] = position == 0;
                Next[row] = position > 0 && position + 1 < tokens.Length ? tokens[position + 1] : null;
            }
        }
    }

    public int[][] Sequences { get; }

    public int Count { get; }

    /// <summary>By row: the context's index in the batch.</summary>
    public int[] Context { get; }

    /// <summary>By row: whether it is a context's first, where dictionaries are not used.</summary>
    public bool[] IsFirst { get; }

    /// <summary>By row: the token that follows; null at the first and at the last position.</summary>
    public int?[] Next { get; }
}

/// <summary>Compares activations with their reconstructions in a pass where nothing is changed.</summary>
internal sealed class SiteMeasures
{
    private readonly JudgedDictionary _dictionary;
    private readonly Tensor[] _inputs;
    private readonly Tensor[] _targets;

    public SiteMeasures(JudgedDictionary dictionary)
    {
        _dictionary = dictionary;
        _inputs = new Tensor[dictionary.Readers.Count];
        _targets = new Tensor[dictionary.Sites.Count];
        for (int i = 0; i < _inputs.Length; i++) Capture(dictionary.Readers[i].Point, dictionary.Readers[i].Layer, _inputs, i);
        for (int i = 0; i < _targets.Length; i++) Capture(dictionary.Sites[i].Point, dictionary.Sites[i].Layer, _targets, i);
    }

    public ForwardHooks Hooks { get; } = new();

    public void Count(BatchRows rows, DocumentTotals[] totals, IReadOnlyList<float[]> means, IReadOnlyList<long[]> firings)
    {
        List<ActiveFeature>[] active = [.. _dictionary.Readers.Select((reader, index) => reader.Encode(_inputs[index].AsMatrix()))];
        int[][] counts = new int[active.Length][]; // [readers][rows]
        for (int reader = 0; reader < active.Length; reader++)
        {
            counts[reader] = new int[rows.Count];
            foreach (ActiveFeature feature in active[reader])
            {
                counts[reader][feature.Position]++;
                if (!rows.IsFirst[feature.Position]) firings[reader][feature.Feature]++;
            }
        }
        for (int i = 0; i < _targets.Length; i++)
        {
            ReconstructedSite site = _dictionary.Sites[i];
            Tensor target = _targets[i], reconstruction = site.Reconstruct([.. site.Readers.Select(reader => active[reader])], [.. site.Readers.Select(reader => _inputs[reader])]);
            RowMeasures[] measures = new RowMeasures[rows.Count];
            float[] mean = means[i];
            WorkerPool.For(rows.Count, row => measures[row] = RowMeasures.Of(target.Row(row), reconstruction.Row(row), mean));
            for (int row = 0; row < rows.Count; row++)
            {
                if (rows.IsFirst[row]) continue;
                SiteTotals total = totals[rows.Context[row]].Sites[i];
                if (!double.IsFinite(measures[row].Error)) throw new InvalidDataException($"The reconstruction of {site.Name} is not a number.");
                total.Tokens++;
                total.Errors += measures[row].Error;
                total.Variance += measures[row].Variance;
                total.ReconstructionSquares += measures[row].ReconstructionSquares;
                total.Products += measures[row].Product;
                total.NormRatios += measures[row].NormRatio;
                total.Active += counts[site.Readers[^1]][row];
            }
        }
    }

    private void Capture(HookPoint point, int layer, Tensor[] kept, int index) => Hooks.Add(point, layer, (activation, _) => kept[index] = activation.Clone());

    /// <param name="Product">x·x̂</param>
    private readonly record struct RowMeasures(double Error, double Variance, double ReconstructionSquares, double Product, double NormRatio)
    {
        public static RowMeasures Of(ReadOnlySpan<float> x, ReadOnlySpan<float> reconstruction, ReadOnlySpan<float> mean)
        {
            double error = 0, variance = 0, squares = 0, reconstructed = 0, product = 0;
            for (int i = 0; i < x.Length; i++)
            {
                double value = x[i], made = reconstruction[i], difference = value - made, deviation = value - mean[i];
                error += difference * difference;
                variance += deviation * deviation;
                squares += value * value;
                reconstructed += made * made;
                product += value * made;
            }
            return new RowMeasures(error, variance, reconstructed, product, squares > 0 ? Math.Sqrt(reconstructed / squares) : 1);
        }
    }
}
