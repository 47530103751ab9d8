using Microtome.Dictionaries.Training;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

/// <summary>Gradients written by hand against differences of the loss along directions.</summary>
public class GradientTests
{
    private const int Rows = 24, Width = 7;

    [Theory]
    [InlineData(DictionaryActivation.Relu, DictionaryKind.Autoencoder)]
    [InlineData(DictionaryActivation.Relu, DictionaryKind.Transcoder)]
    [InlineData(DictionaryActivation.Relu, DictionaryKind.SkipTranscoder)]
    [InlineData(DictionaryActivation.Relu, DictionaryKind.CrossLayer)]
    [InlineData(DictionaryActivation.TopK, DictionaryKind.Autoencoder)]
    [InlineData(DictionaryActivation.TopK, DictionaryKind.SkipTranscoder)]
    [InlineData(DictionaryActivation.BatchTopK, DictionaryKind.Autoencoder)]
    [InlineData(DictionaryActivation.BatchTopK, DictionaryKind.CrossLayer)]
    [InlineData(DictionaryActivation.Matryoshka, DictionaryKind.Autoencoder)]
    [InlineData(DictionaryActivation.Matryoshka, DictionaryKind.CrossLayer)]
    [InlineData(DictionaryActivation.JumpRelu, DictionaryKind.Autoencoder)]
    [InlineData(DictionaryActivation.JumpRelu, DictionaryKind.Transcoder)]
    [InlineData(DictionaryActivation.Gated, DictionaryKind.Autoencoder)]
    [InlineData(DictionaryActivation.Gated, DictionaryKind.CrossLayer)]
    public void Gradients_are_those_of_the_loss(DictionaryActivation activation, DictionaryKind kind)
    {
        (TrainableDictionary dictionary, Matrix[] inputs, Matrix[] outputs) = Make(activation, kind);
        dictionary.AddGradients(inputs, outputs);
        Random random = new(5);
        Dictionary<Parameter, float[]> gradients = dictionary.Parameters.ToDictionary(parameter => parameter, parameter => parameter.Gradient.Span.ToArray());
        foreach (Parameter parameter in dictionary.Parameters)
        {
            if (parameter == dictionary.Blocks[0].Threshold) continue; // estimated, not differentiated
            // A gated dictionary's auxiliary loss is kept from what decodes.
            if (activation == DictionaryActivation.Gated && (parameter == dictionary.DecoderBias || dictionary.Blocks.Any(block => block.Decoder == parameter))) continue;
            float[] gradient = gradients[parameter], original = parameter.Value.Span.ToArray();
            gradient.Any(value => value != 0).ShouldBeTrue(parameter.Name);
            double norm = Math.Sqrt(gradient.Sum(value => (double)value * value));
            foreach (bool along in new[] { true, false })
            {
                double[] direction = [.. gradient.Select(value => along ? value / norm : random.NextDouble() * 2 - 1)];
                double length = Math.Sqrt(direction.Sum(value => value * value)), expected = gradient.Zip(direction, (a, b) => a * b / length).Sum();
                const double Step = 5e-4; // small enough that the same latents stay active
                double slope = (LossAt(Step) - LossAt(-Step)) / (2 * Step);
                slope.ShouldBe(expected, 0.02 * norm, $"{parameter.Name}, {(along ? "along the gradient" : "along a random direction")}");

                double LossAt(double distance)
                {
                    for (int i = 0; i < original.Length; i++) parameter.Value.Span[i] = (float)(original[i] + distance * direction[i] / length);
                    double loss = dictionary.AddGradients(inputs, outputs).Loss;
                    original.CopyTo(parameter.Value.Span);
                    return loss;
                }
            }
        }
    }

    [Fact]
    public void Thresholds_get_the_gradients_of_the_straight_through_estimator()
    {
        const double Penalty = 0.7;
        (TrainableDictionary dictionary, Matrix[] inputs, Matrix[] outputs) = Make(DictionaryActivation.JumpRelu, DictionaryKind.Transcoder, sparsity: Penalty);
        LatentBlock block = dictionary.Blocks[0];
        dictionary.AddGradients(inputs, outputs);
        double bandwidth = dictionary.Options.Bandwidth;
        for (int latent = 0; latent < dictionary.Options.Latents; latent++)
        {
            double expected = 0;
            for (int row = 0; row < Rows; row++)
            {
                double[] pre = PreActivations(dictionary, inputs[0].Row(row)), error = Error(dictionary, pre, outputs[0].Row(row));
                double threshold = block.Threshold!.Value.Span[latent];
                if (Math.Abs(pre[latent] - threshold) >= bandwidth / 2) continue;
                double pull = Enumerable.Range(0, Width).Sum(j => 2.0 / Rows * error[j] * block.Decoder.Value.Row(latent)[j]);
                expected += -threshold / bandwidth * pull - Penalty / bandwidth / Rows;
            }
            ((double)block.Threshold!.Gradient.Span[latent]).ShouldBe(expected, 1e-4, $"latent {latent}");
        }
        block.Threshold!.Gradient.Span.ToArray().ShouldContain(value => value != 0);
    }

    [Fact]
    public void Dead_latents_learn_to_predict_the_error_that_the_others_leave()
    {
        (TrainableDictionary with, Matrix[] inputs, Matrix[] outputs) = Make(DictionaryActivation.TopK, DictionaryKind.Transcoder);
        (TrainableDictionary without, _, _) = Make(DictionaryActivation.TopK, DictionaryKind.Transcoder);
        int[] dead = [1, 4, 9];
        foreach (int latent in dead) with.Blocks[0].Idle[latent] = 1_000_000;
        double more = with.AddGradients(inputs, outputs).Loss - without.AddGradients(inputs, outputs).Loss;
        more.ShouldBeGreaterThan(0);

        // The auxiliary term in plain sums, its error held fixed, and its slope along what it adds to the decoder's gradient.
        LatentBlock block = with.Blocks[0];
        int k = Width / 2;
        double weight = with.Options.AuxiliaryWeight * Math.Min(1, dead.Length / (Width / 2.0));
        double[][] pres = [.. Enumerable.Range(0, Rows).Select(row => PreActivations(without, inputs[0].Row(row)))];
        double[][] errors = [.. Enumerable.Range(0, Rows).Select(row => TopKError(without, pres[row], outputs[0].Row(row)))];
        float[] added = [.. with.Blocks[0].Decoder.Gradient.Span.ToArray().Zip(without.Blocks[0].Decoder.Gradient.Span.ToArray(), (a, b) => a - b)];
        double norm = Math.Sqrt(added.Sum(value => (double)value * value));
        norm.ShouldBeGreaterThan(0);
        Loss(0).ShouldBe(more, 1e-4 * more + 1e-5);
        ((Loss(1e-3) - Loss(-1e-3)) / 2e-3).ShouldBe(norm, 0.01 * norm);

        double Loss(double distance)
        {
            double sum = 0;
            for (int row = 0; row < Rows; row++)
            {
                int[] largest = [.. dead.OrderByDescending(latent => pres[row][latent]).Take(k)];
                for (int j = 0; j < Width; j++)
                {
                    double value = errors[row][j] + largest.Sum(latent => pres[row][latent] * (block.Decoder.Value.Row(latent)[j] + distance * added[latent * Width + j] / norm));
                    sum += weight * value * value / Rows;
                }
            }
            return sum;
        }
    }

    private static double[] PreActivations(TrainableDictionary dictionary, ReadOnlySpan<float> input)
    {
        double[] x = Array.ConvertAll(input.ToArray(), value => (double)value * dictionary.InputScales[0]);
        LatentBlock block = dictionary.Blocks[0];
        return [.. Enumerable.Range(0, dictionary.Options.Latents).Select(latent => block.EncoderBias.Value.Span[latent] + Enumerable.Range(0, x.Length).Sum(i => x[i] * block.Encoder.Value.Row(latent)[i]))];
    }

    private static double[] Error(TrainableDictionary dictionary, double[] pre, ReadOnlySpan<float> output) =>
        Difference(dictionary, [.. pre.Select((value, latent) => value > dictionary.Blocks[0].Threshold!.Value.Span[latent] ? value : 0)], output);

    private static double[] TopKError(TrainableDictionary dictionary, double[] pre, ReadOnlySpan<float> output) =>
        Difference(dictionary, [.. pre.Select(value => pre.Count(other => other > value) < dictionary.Options.K && value > 0 ? value : 0)], output);

    private static double[] Difference(TrainableDictionary dictionary, double[] activations, ReadOnlySpan<float> output)
    {
        double[] y = Array.ConvertAll(output.ToArray(), value => (double)value * dictionary.OutputScales[0]);
        return [.. y.Select((value, j) => dictionary.DecoderBias.Value.Span[j] + activations.Select((activation, latent) => activation * dictionary.Blocks[0].Decoder.Value.Row(latent)[j]).Sum() - value)];
    }

    private static (TrainableDictionary Dictionary, Matrix[] Inputs, Matrix[] Outputs) Make(DictionaryActivation activation, DictionaryKind kind, double sparsity = 0)
    {
        DictionaryOptions options = new()
        {
            Kind = kind,
            Activation = activation,
            Latents = 16,
            K = 3,
            Sparsity = activation == DictionaryActivation.JumpRelu ? sparsity : 0.3,
            Prefixes = [0.25, 0.5, 1],
            Seed = 4,
        };
        int layers = kind == DictionaryKind.CrossLayer ? 2 : 1;
        TrainableDictionary dictionary = new("test", options, [.. Enumerable.Repeat(Width, layers)], [.. Enumerable.Repeat(Width, layers)]);
        Random random = new(8);
        Matrix[] inputs = [.. Enumerable.Range(0, layers).Select(_ => SparseActivationsTests.Random(random, Rows, Width).AsMatrix())];
        Matrix[] outputs = kind == DictionaryKind.Autoencoder ? inputs : [.. Enumerable.Range(0, layers).Select(_ => SparseActivationsTests.Random(random, Rows, Width).AsMatrix())];
        dictionary.Start(inputs, outputs);
        foreach (Parameter parameter in dictionary.Parameters) // nothing at a special value
            foreach (ref float value in parameter.Value.Span) value += (random.NextSingle() - 0.5f) * 0.2f;
        return (dictionary, inputs, outputs);
    }
}
