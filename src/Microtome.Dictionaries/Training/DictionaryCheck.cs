using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>How well finished dictionaries predict activations that they were not trained on.</summary>
internal static class DictionaryCheck
{
    private const int RowsAtOnce = 512;

    public static (double Unexplained, double Active, double Silent, int Tokens) Of(SparseAutoencoder autoencoder, Matrix input, Matrix output, int most)
    {
        int tokens = Math.Min(most, input.Rows);
        bool[] seen = new bool[autoencoder.Latents];
        double error = 0;
        long active = 0;
        for (int start = 0; start < tokens; start += RowsAtOnce)
        {
            Matrix rows = input.RowRange(start, Math.Min(RowsAtOnce, tokens - start));
            List<ActiveFeature> features = autoencoder.EncodeSparse(rows);
            Note(features, seen);
            active += features.Count;
            error += SquaredError(autoencoder.Decode(features, rows), output, start);
        }
        return (error / Variance(output.RowRange(0, tokens)), (double)active / tokens, Share(seen), tokens);
    }

    /// <param name="inputs">The sites that the layers read, in order.</param>
    public static (double Unexplained, double Active, double Silent, int Tokens) Of(TranscoderSet set, IReadOnlyList<int> inputs, IReadOnlyList<int> outputs, ActivationChunk test, int most)
    {
        int tokens = Math.Min(most, test.Tokens), layers = set.Layers.Count;
        bool[][] seen = [.. set.Layers.Select(layer => new bool[layer.Features])];
        double error = 0, variance = 0;
        long active = 0;
        for (int start = 0; start < tokens; start += RowsAtOnce)
        {
            int count = Math.Min(RowsAtOnce, tokens - start);
            Tensor[] predicted = [.. set.Layers.Select(layer => Biases(layer, count))];
            for (int layer = 0; layer < layers; layer++)
            {
                Transcoder transcoder = set.Layers[layer];
                Matrix rows = test.Sites[inputs[layer]].AsMatrix().RowRange(start, count);
                List<ActiveFeature> features = transcoder.EncodeSparse(rows);
                Note(features, seen[layer]);
                active += features.Count;
                float[] row = new float[transcoder.Width];
                foreach (ActiveFeature feature in features)
                    for (int target = layer; target < layer + transcoder.Targets; target++)
                    {
                        transcoder.DecoderRow(feature.Feature, target, row);
                        VectorOperations.AddScaled(predicted[target].Row(feature.Position), feature.Value, row);
                    }
                if (transcoder.Skip is { } skip) MatrixProduct.Multiply(rows, skip, predicted[layer].AsMatrix(), accumulate: true);
            }
            for (int layer = 0; layer < layers; layer++) error += SquaredError(predicted[layer], test.Sites[outputs[layer]].AsMatrix(), start) * Weight(layer);
        }
        for (int layer = 0; layer < layers; layer++) variance += 1;
        return (error / variance, (double)active / tokens / layers, seen.Average(Share), tokens);

        // Layers count alike, whatever the size of what they predict.
        double Weight(int layer) => 1 / Variance(test.Sites[outputs[layer]].AsMatrix().RowRange(0, tokens));
    }

    private static Tensor Biases(Transcoder layer, int rows)
    {
        Tensor result = Tensor.Uninitialized(rows, layer.Width);
        for (int row = 0; row < rows; row++) layer.DecoderBias.Span.CopyTo(result.Row(row));
        return result;
    }

    private static void Note(List<ActiveFeature> features, bool[] seen)
    {
        foreach (ActiveFeature feature in features) seen[feature.Feature] = true;
    }

    private static double Share(bool[] seen) => seen.Count(active => !active) / (double)seen.Length;

    private static double SquaredError(Tensor predicted, Matrix output, int start)
    {
        double sum = 0;
        for (int row = 0; row < predicted.Rows; row++)
        {
            TensorPrimitives.Subtract(predicted.Row(row), output.Row(start + row), predicted.Row(row));
            sum += VectorOperations.SumOfSquares(predicted.Row(row));
        }
        return sum;
    }

    private static double Variance(Matrix x)
    {
        double[] sums = new double[x.Columns];
        double squares = 0;
        for (int row = 0; row < x.Rows; row++)
        {
            squares += VectorOperations.SumOfSquares(x.Row(row));
            for (int column = 0; column < sums.Length; column++) sums[column] += x.Row(row)[column];
        }
        return squares - sums.Sum(sum => sum * sum) / x.Rows;
    }
}
