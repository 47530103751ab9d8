using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

/// <summary>Each published layout, encoded and decoded, against plain loops in double precision over the parameters that were written.</summary>
public sealed class TranscoderLayoutTests : IDisposable
{
    private readonly TranscoderFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Per_layer_ReLU_transcoders() => Check(_folder.Configure().PerLayer(), (layer, x) => [.. x.Select(value => Math.Max(value, 0))]);

    [Fact]
    public void Per_layer_JumpReLU_transcoders() => Check(_folder.Configure().PerLayer(threshold: true), Jump);

    [Fact]
    public void Thresholds_are_not_used_when_the_configuration_says_ReLU() =>
        Check(_folder.Configure(more: "activation: relu").PerLayer(threshold: true), (layer, x) => [.. x.Select(value => Math.Max(value, 0))]);

    [Fact]
    public void Per_layer_TopK_transcoders() =>
        Check(_folder.Configure(more: "activation: topk\nk: 6").PerLayer(), (layer, x) => [.. x.Select(value => x.Count(other => other > value) < 6 ? value : 0)]);

    [Fact]
    public void Per_layer_transcoders_with_a_skip_connection() =>
        Check(_folder.Configure().PerLayer(skip: true), (layer, x) => [.. x.Select(value => Math.Max(value, 0))], skip: true);

    [Fact]
    public void Cross_layer_ReLU_transcoders() =>
        Check(_folder.Configure("cross_layer_transcoder").CrossLayer(), (layer, x) => [.. x.Select(value => Math.Max(value, 0))], crossLayer: true);

    [Fact]
    public void Cross_layer_JumpReLU_transcoders() => Check(_folder.Configure("cross_layer_transcoder").CrossLayer(threshold: true), Jump, crossLayer: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gemma_Scope_archives(bool compressed) =>
        Check(_folder.Configure(more: TranscoderFolder.Listed("layer_*/params.npz")).GemmaScope(compressed), Jump);

    [Fact]
    public void Gemma_Scope_2_transcoders() =>
        Check(_folder.Configure(more: TranscoderFolder.Listed("params_*.safetensors")).GemmaScope2(crossLayer: false), Jump, skip: true);

    [Fact]
    public void Gemma_Scope_2_cross_layer_transcoders() =>
        Check(_folder.Configure("cross_layer_transcoder", TranscoderFolder.Listed("params_*.safetensors")).GemmaScope2(crossLayer: true), Jump, skip: true, crossLayer: true);

    [Fact]
    public void Files_that_are_not_in_the_folder_are_asked_for()
    {
        _folder.Configure(more: TranscoderFolder.Listed("hf://owner/name/params_*.safetensors")).GemmaScope2(crossLayer: false);
        List<string> asked = [];

        using TranscoderSet set = TranscoderReader.Open(_folder.Path, entry =>
        {
            asked.Add(entry);
            return _folder[entry[(entry.LastIndexOf('/') + 1)..]];
        });

        asked.ShouldBe(["hf://owner/name/params_0.safetensors", "hf://owner/name/params_1.safetensors", "hf://owner/name/params_2.safetensors"]);
        set.Layers.Count.ShouldBe(3);
    }

    private double[] Jump(int layer, double[] x) => [.. x.Select((value, feature) => value > _folder.Threshold[layer][feature] ? value : 0)];

    private static void Check(TranscoderFolder folder, Func<int, double[], double[]> activate, bool skip = false, bool crossLayer = false)
    {
        using TranscoderSet set = TranscoderReader.Open(folder.Path);
        set.Layers.Count.ShouldBe(TranscoderFolder.Layers);
        set.IsCrossLayer.ShouldBe(crossLayer);
        set.HasSkip.ShouldBe(skip);
        const int Positions = 5;
        Tensor input = folder.Inputs(Positions);
        foreach (Transcoder layer in set.Layers)
        {
            CheckEncoding(folder, layer, input, activate);
            layer.Targets.ShouldBe(crossLayer ? TranscoderFolder.Layers - layer.Layer : 1);
            float[] row = new float[TranscoderFolder.Width];
            for (int feature = 0; feature < TranscoderFolder.Features; feature++)
                for (int target = layer.Layer; target < layer.Layer + layer.Targets; target++)
                {
                    layer.DecoderRow(feature, target, row);
                    row.ShouldBe(folder.DecoderRow(layer.Layer, feature, target));
                }
            layer.DecoderBias.Span.ToArray().ShouldBe(folder.DecoderBias[layer.Layer]);
            if (skip) CheckSkip(folder, layer, input);
        }
    }

    private static void CheckEncoding(TranscoderFolder folder, Transcoder layer, Tensor input, Func<int, double[], double[]> activate)
    {
        Tensor dense = layer.Encode(input.AsMatrix());
        List<ActiveFeature> sparse = layer.EncodeSparse(input.AsMatrix());
        List<ActiveFeature> nonZero = [];
        for (int position = 0; position < input.Rows; position++)
        {
            double[] pre = new double[TranscoderFolder.Features];
            for (int feature = 0; feature < pre.Length; feature++)
            {
                pre[feature] = folder.EncoderBias[layer.Layer][feature];
                for (int i = 0; i < TranscoderFolder.Width; i++) pre[feature] += (double)folder.Encoder[layer.Layer][feature * TranscoderFolder.Width + i] * input.Row(position)[i];
            }
            double[] expected = activate(layer.Layer, pre);
            for (int feature = 0; feature < pre.Length; feature++)
            {
                float value = dense.Row(position)[feature];
                value.ShouldBe((float)expected[feature], 1e-6f);
                layer.Encode(input.Row(position), feature).ShouldBe(value, 1e-6f);
                if (value != 0) nonZero.Add(new ActiveFeature(position, feature, value));
            }
        }
        sparse.ShouldBe(nonZero);
        nonZero.Count.ShouldBeInRange(1, input.Rows * TranscoderFolder.Features - 1);
    }

    private static void CheckSkip(TranscoderFolder folder, Transcoder layer, Tensor input)
    {
        Tensor output = new(input.Rows, TranscoderFolder.Width);
        MatrixProduct.Multiply(input.AsMatrix(), layer.Skip!.Value, output.AsMatrix());
        for (int position = 0; position < input.Rows; position++)
            for (int j = 0; j < TranscoderFolder.Width; j++)
            {
                double expected = 0;
                for (int i = 0; i < TranscoderFolder.Width; i++) expected += (double)input.Row(position)[i] * folder.Skip[layer.Layer][i * TranscoderFolder.Width + j];
                output.Row(position)[j].ShouldBe((float)expected, 1e-6f);
            }
    }
}
