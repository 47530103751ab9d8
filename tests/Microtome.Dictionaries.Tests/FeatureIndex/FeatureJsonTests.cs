using System.IO.Compression;
using System.Text;

namespace Microtome.Dictionaries.Tests;

public sealed class FeatureJsonTests : IDisposable
{
    private static readonly FeatureData Sample = new()
    {
        Layer = 3,
        Feature = 17,
        Label = "a <label>",
        Density = 0.25,
        Minimum = 0.125f,
        Maximum = 2.5f,
        Histogram = new ActivationHistogram(0, 0.5, [4, 3, 0, 1, 0, 1]),
        Strongest = [new FeatureExample([" Tom", " and", " \"Sue\""], [0, 1.5f, 2.5f], 2), new FeatureExample(["x"], [2], 0)],
        Intervals = [new FeatureInterval("80 to 100 % of the largest", 2, 2.5, [new FeatureExample(["a", "b"], [0.5f, 2.25f], 1)])],
        Promoted = [new TokenEffect(" Lily", 0.5f)],
        Suppressed = [new TokenEffect("\n", -0.25f)],
    };

    private const string Neuronpedia = """
        {"modelId": "gemma-2-2b", "layer": "20-gemmascope-res-16k", "index": "17", "maxActApprox": 9.5, "frac_nonzero": 0.01, "pos_str": [" Paris"], "pos_values": [1.25], "neg_str": ["x"], "neg_values": [-1],
         "freq_hist_data_bar_values": [0.5, 1.5, 2.5], "freq_hist_data_bar_heights": [10, 5, 1],
         "explanations": [{"description": " capitals of France "}],
         "activations": [{"tokens": ["in", " Rome"], "values": [0, 3], "maxValue": 3, "maxValueTokenIndex": 1}, {"tokens": ["in", " Paris"], "values": [0, 9.5], "maxValue": 9.5, "maxValueTokenIndex": 1}]}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back()
    {
        FeatureData read = FeatureJson.Read(Written(), 3, 17, "feature");

        read.Label.ShouldBe(Sample.Label);
        read.Maximum.ShouldBe(2.5f);
        read.Minimum.ShouldBe(0.125f);
        read.Density.ShouldBe(0.25);
        read.Histogram!.Counts.ShouldBe(Sample.Histogram!.Counts);
        read.Histogram.BinWidth.ShouldBe(0.5);
        read.Strongest.Select(example => string.Concat(example.Tokens)).ShouldBe([" Tom and \"Sue\"", "x"]);
        read.Strongest[0].Value.ShouldBe(2.5f);
        read.Intervals.ShouldHaveSingleItem().Examples.ShouldHaveSingleItem().Activations.ShouldBe([0.5f, 2.25f]);
        read.Promoted.ShouldBe([new TokenEffect(" Lily", null)]);
        read.Suppressed.ShouldBe([new TokenEffect("\n", null)]);
    }

    [Fact]
    public void It_has_the_names_that_viewers_look_for()
    {
        string json = Encoding.UTF8.GetString(Written());
        foreach (string name in new[] { "index", "examples_quantiles", "quantile_name", "examples", "tokens", "tokens_acts_list", "train_token_ind", "is_repeated_datapoint", "top_logits", "bottom_logits", "act_min", "act_max", "histogram", "quantile_values", "activation_frequency" })
            json.ShouldContain($"\"{name}\":");
        json.ShouldContain("\"Top activations\"");
    }

    [Fact]
    public void Features_as_Neuronpedia_gives_them_are_read()
    {
        FeatureData read = FeatureJson.Read(Encoding.UTF8.GetBytes(Neuronpedia), 20, 17, "feature");

        read.Label.ShouldBe("capitals of France");
        read.Maximum.ShouldBe(9.5f);
        read.Strongest.Select(example => example.Value).ShouldBe([9.5f, 3f]);
        read.Promoted.ShouldBe([new TokenEffect(" Paris", 1.25f)]);
        read.Histogram.ShouldBe(new ActivationHistogram(0, 1, read.Histogram!.Counts));
        read.Histogram.Counts.ShouldBe([10L, 5, 1]);
    }

    [Theory]
    [InlineData("[]", "is not a JSON object")]
    [InlineData("{}", "does not describe a feature")]
    [InlineData("{\"examples_quantiles\": 4}", "'examples_quantiles' must be a list")]
    [InlineData("{\"examples_quantiles\": [{\"examples\": [{\"tokens\": [\"a\"], \"tokens_acts_list\": []}]}]}", "1 tokens, but 0 activations")]
    [InlineData("{\"examples_quantiles\": [{\"examples\": [{\"tokens\": [1], \"tokens_acts_list\": [1]}]}]}", "a token is Number")]
    [InlineData("{\"examples_quantiles\": [{\"examples\": [{\"tokens\": [\"a\"], \"tokens_acts_list\": [1e99]}]}]}", "must hold numbers")]
    [InlineData("{\"examples_quantiles\": [], \"act_max\": \"high\"}", "'act_max' must hold numbers")]
    [InlineData("{\"examples_quantiles\": [], ", "is not JSON")]
    public void A_file_that_is_no_feature_is_named(string json, string reason)
    {
        string message = Should.Throw<InvalidDataException>(() => FeatureJson.Read(Encoding.UTF8.GetBytes(json), 0, 0, "features/12.json")).Message;
        message.ShouldContain(reason);
        message.ShouldContain("features/12.json");
    }

    [Fact]
    public void Damage_gives_a_feature_or_a_clear_error()
    {
        foreach (byte[] original in new[] { Written(), Encoding.UTF8.GetBytes(Neuronpedia) })
            for (int seed = 0; seed < 2000; seed++)
                try
                {
                    FeatureJson.Read(Mutations.Mutate(original, seed), 3, 17, "feature.json").Strongest.ShouldAllBe(example => float.IsFinite(example.Value));
                }
                catch (InvalidDataException exception)
                {
                    exception.Message.ShouldContain("feature.json", customMessage: $"seed {seed}");
                }
    }

    [Fact]
    public void Folders_of_both_kinds_are_opened()
    {
        Directory.CreateDirectory(_folder["viewer/features/scan"]);
        Directory.CreateDirectory(_folder["neuronpedia/20-gemmascope-res-16k"]);
        _folder.Write($"viewer/features/scan/{CantorPair.Of(3, 17)}.json", Written());
        using (FileStream file = File.Create(_folder["neuronpedia/20-gemmascope-res-16k/17.json.gz"]))
        using (GZipStream packed = new(file, CompressionMode.Compress)) packed.Write(Encoding.UTF8.GetBytes(Neuronpedia));

        using IFeatureSource viewer = FeatureSource.Open(_folder["viewer"]), neuronpedia = FeatureSource.Open(_folder["neuronpedia"]);
        viewer.Dictionary.ShouldBe("scan");
        viewer.Find(3, 17)!.Label.ShouldBe("a <label>");
        viewer.Find(3, 18).ShouldBeNull();
        viewer.Search("lily").ShouldHaveSingleItem().Layer.ShouldBe(3);
        neuronpedia.Find(20, 17)!.Label.ShouldBe("capitals of France");
        neuronpedia.Labels()[(20, 17)].ShouldBe("capitals of France");
        neuronpedia.CanLabel.ShouldBeFalse();
        Should.Throw<InvalidOperationException>(() => neuronpedia.SetLabel(20, 17, "x"));
    }

    [Fact]
    public void A_folder_without_features_and_a_file_that_is_not_compressed_are_refused()
    {
        Directory.CreateDirectory(_folder["empty"]);
        Should.Throw<InvalidDataException>(() => FeatureFolder.Open(_folder["empty"])).Message.ShouldContain("has no files of features");
        Should.Throw<DirectoryNotFoundException>(() => FeatureFolder.Open(_folder["nowhere"]));
        _folder.Write("empty/5.json.gz", "not gzip");
        Should.Throw<InvalidDataException>(() => FeatureFolder.Open(_folder["empty"]).Find(0, 2)).Message.ShouldContain("5.json.gz is not compressed");
    }

    [Fact]
    public void Cantors_pairing_is_inverted_exactly()
    {
        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            int layer = random.Next(200), feature = i < 500 ? i : random.Next(1 << 24);
            CantorPair.TryInvert(CantorPair.Of(layer, feature), out int back, out int backFeature).ShouldBeTrue();
            (back, backFeature).ShouldBe((layer, feature));
        }
        CantorPair.Of(4, 142).ShouldBe(146 * 147 / 2 + 142);
        CantorPair.TryInvert(-1, out _, out _).ShouldBeFalse();
        CantorPair.TryInvert(long.MaxValue, out _, out _).ShouldBeFalse();
    }

    private static byte[] Written()
    {
        using MemoryStream stream = new();
        FeatureJson.Write(Sample, "scan", stream);
        return stream.ToArray();
    }
}
