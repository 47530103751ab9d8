using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Microtome.Dictionaries.Tests;

/// <summary>Feature data that others publish in bulk: Neuronpedia's exports, and what circuit-tracer's viewer reads from packed files.</summary>
public sealed class ExportedFeatureTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_export_of_Neuronpedia_is_read_feature_by_feature()
    {
        using IFeatureSource source = FeatureSource.Open(Export());

        source.ShouldBeOfType<NeuronpediaExport>();
        source.Dictionary.ShouldBe("gemma-2-2b");
        FeatureData feature = source.Find(20, 1500)!;
        feature.Label.ShouldBe("feature 1500 of layer 20");
        feature.Maximum.ShouldBe(9.5f);
        feature.Density.ShouldBe(0.25);
        feature.Promoted.ShouldBe([new TokenEffect(" Paris", 1.25f)]);
        feature.Strongest.Select(example => example.Value).ShouldBe([9.5f, 3f]);
        feature.Strongest[0].Tokens.ShouldBe(["in", " 1500"]);
        source.Find(20, 3)!.Strongest[0].Tokens.ShouldBe(["in", " 3"]); // in the batch that is not its usual one
        source.Find(21, 3)!.Label.ShouldBe("feature 3 of layer 21");
        source.Find(20, 77).ShouldBeNull();
        source.Find(5, 3).ShouldBeNull();
        source.CanLabel.ShouldBeFalse();
        Should.Throw<InvalidOperationException>(() => source.SetLabel(20, 3, "x"));
    }

    [Fact]
    public void The_explanations_of_an_export_are_its_labels_and_are_searched_with_promoted_tokens()
    {
        using IFeatureSource source = FeatureSource.Open(Export());

        source.Labels().Count.ShouldBe(6);
        source.Labels()[(21, 1500)].ShouldBe("feature 1500 of layer 21");
        source.Search("OF LAYER 20").Select(summary => (summary.Layer, summary.Feature)).ShouldBe([(20, 3), (20, 1024), (20, 1500)], ignoreOrder: true);
        source.Search("paris", layer: 21).Count.ShouldBe(3);
        source.Search("paris", most: 2).Count.ShouldBe(2);
        source.Search("no such thing").ShouldBeEmpty();
    }

    [Fact]
    public void One_source_of_an_export_is_opened_alone_whether_compressed_or_not()
    {
        using IFeatureSource compressed = FeatureSource.Open(Path.Combine(Export(), "20-gemmascope-res-16k"));
        compressed.Find(20, 1024)!.Label.ShouldBe("feature 1024 of layer 20");
        using IFeatureSource plain = FeatureSource.Open(Path.Combine(Export("plain", compress: false), "21-gemmascope-res-16k"));
        plain.Find(21, 1024)!.Label.ShouldBe("feature 1024 of layer 21");
    }

    [Fact]
    public void Two_sources_of_one_layer_are_refused()
    {
        string export = Export();
        Directory.Move(Path.Combine(export, "21-gemmascope-res-16k"), Path.Combine(export, "20-gemmascope-res-65k"));
        Should.Throw<InvalidDataException>(() => FeatureSource.Open(export)).Message.ShouldContain("two sources for layer 20");
    }

    [Theory]
    [InlineData("{\"layer\": \"20-x\"}", "does not say by 'index'")]
    [InlineData("{\"index\": -4}", "does not say by 'index'")]
    [InlineData("[3]", "does not say by 'index'")]
    [InlineData("{\"index\": \"3\", \"pos_str\": 5}", "must be a list")]
    [InlineData("{\"index\": 3, ", "not JSON")]
    [InlineData("{oops", "not JSON")]
    public void A_line_that_is_no_feature_is_named(string line, string reason)
    {
        Directory.CreateDirectory(_folder["20-x/features"]);
        Pack("20-x/features/batch-0.jsonl.gz", $"\n{line}\n");
        string message = Should.Throw<InvalidDataException>(() => FeatureSource.Open(_folder["20-x"]).Find(20, 3)).Message;
        message.ShouldContain(reason);
        message.ShouldContain("20-x");
    }

    [Fact]
    public void A_line_without_end_takes_no_more_memory_than_lines_may_have()
    {
        Directory.CreateDirectory(_folder["20-x/features"]);
        using (FileStream file = File.Create(_folder["20-x/features/batch-0.jsonl.gz"]))
        using (GZipStream packed = new(file, CompressionLevel.Fastest))
            for (int i = 0; i < 40; i++) packed.Write(new byte[1 << 20]); // 40 MB of nothing in some 40 kB
        Should.Throw<InvalidDataException>(() => FeatureSource.Open(_folder["20-x"]).Find(20, 3)).Message.ShouldContain("a line of more than");
    }

    [Fact]
    public void Damage_to_an_export_gives_a_feature_or_a_clear_error()
    {
        Directory.CreateDirectory(_folder["20-x/features"]);
        Directory.CreateDirectory(_folder["20-x/activations"]);
        byte[] statistics = Encoding.UTF8.GetBytes(Statistics(20, 3)), activation = Encoding.UTF8.GetBytes(Activation(20, 3, 9.5));
        for (int seed = 0; seed < 600; seed++)
        {
            Pack("20-x/features/batch-0.jsonl.gz", Mutations.Mutate(statistics, seed));
            Pack("20-x/activations/batch-0.jsonl.gz", Mutations.Mutate(activation, seed + 1));
            if (seed % 3 == 0) File.WriteAllBytes(_folder["20-x/features/batch-0.jsonl.gz"], Mutations.Mutate(File.ReadAllBytes(_folder["20-x/features/batch-0.jsonl.gz"]), seed));
            try
            {
                using IFeatureSource source = FeatureSource.Open(_folder["20-x"]);
                source.Find(20, 3);
                source.Search("a");
            }
            catch (InvalidDataException exception)
            {
                exception.Message.ShouldContain("20-x", customMessage: $"seed {seed}");
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Packed_features_are_read_one_by_one(bool asObject)
    {
        using IFeatureSource source = FeatureSource.Open(Packed(asObject));

        source.ShouldBeOfType<PackedFeatures>();
        source.Dictionary.ShouldBe("packed");
        source.Find(0, 0)!.Label.ShouldBe("first");
        source.Find(0, 2)!.Label.ShouldBe("third");
        source.Find(0, 1).ShouldBeNull(); // of no length
        source.Find(0, 3).ShouldBeNull();
        source.Find(1, 0)!.Strongest[0].Tokens.ShouldBe(["a", "b"]);
        source.Find(2, 0).ShouldBeNull();
        source.Find(0, -1).ShouldBeNull();
        source.Labels().ShouldBe(new Dictionary<(int, int), string> { [(0, 0)] = "first", [(0, 2)] = "third", [(1, 0)] = "other layer" }, ignoreOrder: true);
        source.Search("THIRD").ShouldHaveSingleItem().Feature.ShouldBe(2);
        Should.Throw<InvalidOperationException>(() => source.SetLabel(0, 0, "x"));
    }

    [Theory]
    [InlineData("7", "a list of layers is needed")]
    [InlineData("[]", "has no layers")]
    [InlineData("{\"x\": {}}", "'x' is not the number of a layer")]
    [InlineData("[{}]", "needs a 'filename'")]
    [InlineData("[{\"filename\": \"../layer_0.bin\", \"offsets\": [0]}]", "a name without folders")]
    [InlineData("[{\"filename\": \"/etc/passwd\", \"offsets\": [0]}]", "a name without folders")]
    [InlineData("[{\"filename\": \"..\", \"offsets\": [0]}]", "a name without folders")]
    [InlineData("[{\"filename\": \"nowhere.bin\", \"offsets\": [0]}]", "which is not in")]
    [InlineData("[{\"filename\": \"layer_0.bin\", \"offsets\": []}]", "has no offsets")]
    [InlineData("[{\"filename\": \"layer_0.bin\", \"offsets\": [0, 5, 4]}]", "offset 2 is 4")]
    [InlineData("[{\"filename\": \"layer_0.bin\", \"offsets\": [0, 99999999999]}]", "the length of layer_0.bin")]
    [InlineData("[{\"filename\": \"layer_0.bin\", \"offsets\": [0, \"9\"]}]", "offset 1 is \"9\"")]
    public void An_index_that_does_not_fit_is_refused(string index, string reason)
    {
        string folder = Packed(asObject: false);
        Pack("packed/features/index.json.gz", index);
        string message = Should.Throw<InvalidDataException>(() => FeatureSource.Open(folder)).Message;
        message.ShouldContain(reason);
        message.ShouldContain("index.json.gz");
    }

    [Fact]
    public void Damage_to_packed_features_gives_a_feature_or_a_clear_error()
    {
        string folder = Packed(asObject: false), bin = _folder["packed/features/layer_0.bin"], index = _folder["packed/features/index.json.gz"];
        byte[] features = File.ReadAllBytes(bin), offsets = File.ReadAllBytes(index);
        for (int seed = 0; seed < 1000; seed++)
        {
            File.WriteAllBytes(bin, seed % 2 == 0 ? Mutations.Mutate(features, seed) : features);
            File.WriteAllBytes(index, seed % 2 == 1 ? Mutations.Mutate(offsets, seed) : offsets);
            try
            {
                using IFeatureSource source = FeatureSource.Open(folder);
                source.Find(0, 0);
                source.Find(0, 2);
            }
            catch (InvalidDataException exception)
            {
                exception.Message.ShouldContain("features", customMessage: $"seed {seed}");
            }
        }
    }

    /// <summary>Two sources of three features each, in two batches, in an order like that of a database.</summary>
    private string Export(string name = "gemma-2-2b", bool compress = true)
    {
        foreach (int layer in new[] { 20, 21 })
        {
            string source = $"{name}/{layer}-gemmascope-res-16k";
            foreach (string part in new[] { "features", "activations", "explanations", "explanations-gpt-4o-mini" }) Directory.CreateDirectory(_folder[$"{source}/{part}"]);
            Batch($"{source}/features/batch-0", Statistics(layer, 1024), Statistics(layer, 1500));
            Batch($"{source}/features/batch-1", Statistics(layer, 3));
            Batch($"{source}/activations/batch-0", Activation(layer, 3, 9.5));
            Batch($"{source}/activations/batch-1", Activation(layer, 1024, 1), Activation(layer, 1500, 3), Activation(layer, 1500, 9.5));
            Batch($"{source}/explanations/batch-0", Explanation(layer, 1024), Explanation(layer, 1500));
            Batch($"{source}/explanations-gpt-4o-mini/batch-0", Explanation(layer, 3));
        }
        return _folder[name];

        void Batch(string file, params string[] lines)
        {
            string text = string.Concat(lines.Select(line => line + "\n"));
            if (compress) Pack(file + ".jsonl.gz", text);
            else _folder.Write(file + ".jsonl", text);
        }
    }

    private static string Statistics(int layer, int feature) => $$"""
        {"modelId": "gemma-2-2b", "layer": "{{layer}}-gemmascope-res-16k", "index": "{{feature}}", "maxActApprox": 9.5, "frac_nonzero": 0.25, "freq_hist_data_bar_heights": [10, 5], "freq_hist_data_bar_values": [0.5, 1.5], "pos_str": [" Paris"], "pos_values": [1.25], "neg_str": ["x"], "neg_values": [-1], "vector": [], "hasVector": false}
        """;

    private static string Activation(int layer, int feature, double value) => FormattableString.Invariant($$"""
        {"id": "c1", "modelId": "gemma-2-2b", "layer": "{{layer}}-gemmascope-res-16k", "index": "{{feature}}", "tokens": ["in", " {{feature}}"], "maxValue": {{value}}, "minValue": 0, "values": [0, {{value}}], "maxValueTokenIndex": 1, "dfaValues": [], "binMin": 0, "binMax": 1, "binContains": 0.5}
        """);

    private static string Explanation(int layer, int feature) =>
        $$"""{"id": "e1", "modelId": "gemma-2-2b", "layer": "{{layer}}-gemmascope-res-16k", "index": {{feature}}, "description": " feature {{feature}} of layer {{layer}}", "typeName": "oai_token-act-pair"}""";

    /// <summary>Three features in layer 0, of which the second has no bytes, and one in layer 1; compressed by zlib and by gzip.</summary>
    private string Packed(bool asObject)
    {
        Directory.CreateDirectory(_folder["packed/features"]);
        byte[] first = Record("first", gzip: false), third = Record("third", gzip: true), other = Record("other layer", gzip: false);
        File.WriteAllBytes(_folder["packed/features/layer_0.bin"], [.. first, .. third]);
        File.WriteAllBytes(_folder["packed/features/layer_1.bin"], other);
        string[] layers =
        [
            $$"""{"filename": "layer_0.bin", "offsets": [0, {{first.Length}}, {{first.Length}}, {{first.Length + third.Length}}]}""",
            $$"""{"filename": "layer_1.bin", "offsets": [0, {{other.Length}}]}""",
        ];
        Pack("packed/features/index.json.gz", asObject ? $"{{\"0\": {layers[0]}, \"1\": {layers[1]}}}" : $"[{layers[0]}, {layers[1]}]");
        return _folder["packed"];
    }

    private static byte[] Record(string label, bool gzip)
    {
        using MemoryStream bytes = new();
        using (Stream packed = gzip ? new GZipStream(bytes, CompressionMode.Compress, leaveOpen: true) : new ZLibStream(bytes, CompressionMode.Compress, leaveOpen: true))
            FeatureJson.Write(new FeatureData { Layer = 0, Feature = 0, Label = label, Maximum = 2, Strongest = [new FeatureExample(["a", "b"], [0, 2], 1)] }, "scan", packed);
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, (int)bytes.Length);
        return [.. length, .. bytes.ToArray()];
    }

    private void Pack(string name, string text) => Pack(name, Encoding.UTF8.GetBytes(text));

    private void Pack(string name, byte[] content)
    {
        using FileStream file = File.Create(_folder[name]);
        using GZipStream packed = new(file, CompressionMode.Compress);
        packed.Write(content);
    }
}
