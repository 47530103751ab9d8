using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments.Tests;

public class VectorMakingTests
{
    private static readonly ContrastPair[] Pairs = [new("Lily was happy", "Lily was sad"), new("Tom felt happy today", "Tom felt sad today"), new("A happy dog", "A sad dog")];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Principal_components_are_those_of_the_covariance(bool wide)
    {
        (int rows, int columns) = wide ? (5, 9) : (40, 6);
        Random random = new(3);
        Tensor x = new(rows, columns);
        foreach (ref float value in x.Span) value = (float)(random.NextDouble() - 0.3);
        PrincipalComponents components = PrincipalComponents.Of(x.AsMatrix(), 3);
        double[][] covariance = Covariance(x);
        double previous = double.PositiveInfinity;
        foreach (double[] direction in components.Directions)
        {
            direction.Sum(value => value * value).ShouldBe(1, 1e-9);
            double[] product = [.. covariance.Select(row => row.Zip(direction, (a, b) => a * b).Sum())];
            double value = product.Zip(direction, (a, b) => a * b).Sum();
            for (int i = 0; i < columns; i++) product[i].ShouldBe(value * direction[i], 1e-8); // an eigenvector
            value.ShouldBeLessThan(previous);
            direction.MaxBy(Math.Abs).ShouldBeGreaterThan(0);
            previous = value;
        }
    }

    [Fact]
    public void Rows_that_are_all_equal_have_no_component() =>
        Should.Throw<ArgumentException>(() => PrincipalComponents.Of(new Tensor(4, 3).AsMatrix(), 1)).Message.ShouldContain("All rows are equal");

    [Fact]
    public void States_do_not_depend_on_what_runs_beside_them()
    {
        using LoadedModel model = StoriesModel.Load();
        IReadOnlyList<int[]> prompts = PairVectors.Encode(model, Pairs);
        StreamStates together = StreamStates.Collect(model.Transformer, prompts);
        for (int i = 0; i < prompts.Count; i++)
        {
            StreamStates alone = StreamStates.Collect(model.Transformer, [prompts[i]]);
            for (int layer = 0; layer < together.Layers; layer++)
                for (int c = 0; c < 64; c++) together.After(layer).Row(i)[c].ShouldBe(alone.After(layer).Row(0)[c], 1e-4f);
        }
    }

    [Fact]
    public void Swapping_the_texts_of_pairs_turns_vectors_around()
    {
        using LoadedModel model = StoriesModel.Load();
        ContrastPair[] swapped = [.. Pairs.Select(pair => new ContrastPair(pair.Negative, pair.Positive))];
        foreach (PairMethod method in Enum.GetValues<PairMethod>())
        {
            SteeringVector one = PairVectors.Make(model, Pairs, method), other = PairVectors.Make(model, swapped, method);
            foreach (int layer in one.Directions.Keys) SteeringVector.Cosine(one[layer], other[layer]).ShouldBe(-1, 1e-4f, $"{method} at layer {layer}");
        }
    }

    [Fact]
    public void Pairs_of_equal_texts_have_no_principal_component()
    {
        using LoadedModel model = StoriesModel.Load();
        Should.Throw<ArgumentException>(() => PairVectors.Make(model, [new("a", "a"), new("b", "b")], PairMethod.PcaDifference)).Message.ShouldContain("At layer 1 the pairs have no principal component");
    }

    [Fact]
    public void A_concept_vector_is_its_mean_less_the_baselines()
    {
        using LoadedModel model = StoriesModel.Load();
        ConceptTemplates templates = new(["I like {word}", "The {word}"], ["cat", "tree", "ball"]);
        SteeringVector vector = ConceptVectors.Make(model, ["dog", "sun"], templates)[1];
        Tensor[] states = [.. new[] { "sun", "cat", "tree", "ball" }.Select(word => StreamStates.Collect(model.Transformer, [model.Prompts.Encode($"I like {word}"), model.Prompts.Encode($"The {word}")]).After(2))];
        for (int c = 0; c < 64; c++)
        {
            float[] means = [.. states.Select(state => (state.Row(0)[c] + state.Row(1)[c]) / 2)];
            vector[2][c].ShouldBe(means[0] - (means[1] + means[2] + means[3]) / 3, 1e-4f);
        }
        vector.Recipe.Concept.ShouldBe("sun");
    }

    [Fact]
    public void The_templates_and_words_that_come_along_are_usable()
    {
        ConceptTemplates.Default.Templates.Count.ShouldBeGreaterThan(2);
        ConceptTemplates.Default.Baseline.Count.ShouldBeGreaterThan(50);
        ConceptTemplates.Default.Baseline.ShouldBeUnique();
        Should.Throw<ArgumentException>(() => new ConceptTemplates(["nothing"], ["a"])).Message.ShouldContain("has no {word}");
    }

    [Fact]
    public void A_random_vector_has_the_other_vectors_lengths_and_is_told_apart_by_its_seed()
    {
        SteeringVector other = new([KeyValuePair.Create(0, new float[] { 3, 4, 0 }), KeyValuePair.Create(2, new float[] { 0, 0, 0.5f })]);
        SteeringVector random = RandomVectors.Like(other, 1);
        SteeringVector.Norm(random[0]).ShouldBe(5, 1e-5f);
        SteeringVector.Norm(random[2]).ShouldBe(0.5f, 1e-6f);
        RandomVectors.Like(other, 1)[0].ShouldBe(random[0]);
        RandomVectors.Like(other, 2)[0].ShouldNotBe(random[0]);
    }

    [Fact]
    public void A_sum_of_latents_is_the_sum_of_their_decoder_rows()
    {
        using TranscoderSet set = StoriesModel.Transcoders();
        SteeringVector vector = LatentVectors.Make(set, [(3, 300, 1), (3, 7, -0.5f)]);
        float[] first = new float[64], second = new float[64];
        set.Layers[3].DecoderRow(300, 3, first);
        set.Layers[3].DecoderRow(7, 3, second);
        vector.LayersText.ShouldBe("layer 3");
        for (int i = 0; i < 64; i++) vector[3][i].ShouldBe(first[i] - 0.5f * second[i], 1e-6f);
        Should.Throw<ArgumentException>(() => LatentVectors.Make(set, [(3, 768, 1)])).Message.ShouldContain("Layer 3 has no latent 768; it has 0 to 767");
    }

    [Theory]
    [InlineData("""[{"positive":"a","negative":"b"}]""", 1)]
    [InlineData("""{"pairs":[{"positive":"a","negative":"b"},{"positive":"c","negative":"d"}]}""", 2)]
    [InlineData("{\"positive\":\"a\",\"negative\":\"b\"}\n\n{\"positive\":\"c\",\"negative\":\"d\"}\n", 2)]
    [InlineData("""{"positive":"a","negative":"b"}""", 1)]
    public void Pairs_are_read_from_lists_objects_and_lines(string json, int count)
    {
        using TemporaryFolder folder = new();
        ContrastPair.Load(folder.Write("p.json", json)).Count.ShouldBe(count);
    }

    [Theory]
    [InlineData("[]", "holds no pairs")]
    [InlineData("[1]", "pair 0 has no texts")]
    [InlineData("""[{"positive":"a"}]""", "pair 0 has no texts")]
    [InlineData("""[{"positive":"a","negative":"b"},{"positive":"a","negative":3}]""", "pair 1 has no texts")]
    [InlineData("7", "is no file of pairs")]
    [InlineData("", "is no file of pairs")]
    [InlineData("{\"positive\":\"a\",\"negative\":\"b\"}\n{", "is no file of pairs")]
    public void Other_files_of_pairs_are_refused(string json, string why)
    {
        using TemporaryFolder folder = new();
        Should.Throw<InvalidDataException>(() => ContrastPair.Load(folder.Write("p.json", json))).Message.ShouldContain(why);
    }

    private static double[][] Covariance(Tensor x)
    {
        int rows = x.Rows, columns = x.Columns;
        double[] mean = [.. Enumerable.Range(0, columns).Select(c => Enumerable.Range(0, rows).Average(r => (double)x.Row(r)[c]))];
        return [.. Enumerable.Range(0, columns).Select(a => Enumerable.Range(0, columns).Select(b => Enumerable.Range(0, rows).Sum(r => (x.Row(r)[a] - mean[a]) * (x.Row(r)[b] - mean[b]))).ToArray())];
    }
}
