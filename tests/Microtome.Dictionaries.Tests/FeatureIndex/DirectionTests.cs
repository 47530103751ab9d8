using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

public sealed class DirectionTests : IDisposable
{
    private readonly SmallSource _source = new();

    public void Dispose() => _source.Dispose();

    [Fact]
    public void Neighbours_are_those_of_plain_cosines()
    {
        DictionaryFeatures features = _source.Features;
        double[] own = Direction(1, 5);
        (int Layer, int Feature, double Cosine)[] expected =
        [
            .. features.Layers.SelectMany(layer => Enumerable.Range(0, layer.Features).Select(feature => (layer.Layer, feature, Cosine(own, Direction(layer.Layer, feature)))))
                .Where(other => (other.Layer, other.feature) != (1, 5)).OrderByDescending(other => other.Item3).Take(6),
        ];

        IReadOnlyList<FeatureNeighbour> found = DecoderNeighbours.Of(features, 1, 5, 6);

        found.Select(neighbour => (neighbour.Layer, neighbour.Feature)).ShouldBe(expected.Select(other => (other.Layer, other.Feature)));
        for (int i = 0; i < 6; i++) ((double)found[i].Cosine).ShouldBe(expected[i].Cosine, 1e-5);
        DecoderNeighbours.Of(features, 1, 5, 3, inLayer: 2).ShouldAllBe(neighbour => neighbour.Layer == 2);
        Should.Throw<ArgumentException>(() => DecoderNeighbours.Of(features, 1, 100_000, 3)).Message.ShouldContain("has features 0 to");
        Should.Throw<ArgumentException>(() => DecoderNeighbours.Of(features, 9, 0, 3)).Message.ShouldContain("has no features in layer 9");
    }

    [Theory]
    [InlineData("llama-clt-relu")]
    [InlineData("gpt2-plt-topk")]
    public void Direct_effects_are_those_of_adding_a_little_to_the_normalised_stream(string attributionCase)
    {
        using SmallSource source = new(attributionCase);
        TransformerWeights weights = source.Model.Transformer.Weights;
        int width = source.Model.Specification.ModelWidth, vocabulary = source.Model.Specification.VocabularySize;
        Tensor direction = Tensor.From([.. Enumerable.Range(0, width).Select(i => MathF.Sin(i + 1))], 1, width);

        Tensor effects = new DirectEffects(source.Model.Transformer).Of(direction);

        // What the norm makes of the direction, its denominator taken as 1, less what it makes of zero.
        Tensor made = direction.Clone(), zero = new(1, width);
        weights.FinalNorm.Center(made.AsMatrix(), made.AsMatrix());
        weights.FinalNorm.Affine(made.AsMatrix());
        weights.FinalNorm.Affine(zero.AsMatrix());
        double[] expected = new double[vocabulary];
        for (int token = 0; token < vocabulary; token++)
            for (int i = 0; i < width; i++) expected[token] += ((double)made.Span[i] - zero.Span[i]) * weights.Unembedding.Weight[i, token];
        double mean = expected.Average();
        for (int token = 0; token < vocabulary; token++) ((double)effects.Span[token]).ShouldBe(expected[token] - mean, 1e-4);
    }

    private double[] Direction(int layer, int feature)
    {
        double[] sum = new double[48];
        float[] row = new float[48];
        Transcoder transcoder = _source.Transcoders.Layers[layer];
        for (int target = layer; target < layer + transcoder.Targets; target++)
        {
            transcoder.DecoderRow(feature, target, row);
            for (int i = 0; i < row.Length; i++) sum[i] += row[i];
        }
        return sum;
    }

    private static double Cosine(double[] x, double[] y) => x.Zip(y, (a, b) => a * b).Sum() / Math.Sqrt(x.Sum(a => a * a) * y.Sum(b => b * b));
}
