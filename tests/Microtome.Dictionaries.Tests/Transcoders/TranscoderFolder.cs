using System.Globalization;
using System.IO.Compression;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

/// <summary>Random transcoder parameters in double precision, and writers for every layout that is read.</summary>
internal sealed class TranscoderFolder : IDisposable
{
    public const int Layers = 3, Width = 4, Features = 10;
    private readonly TemporaryFolder _folder = new();
    private readonly Random _random = new(7);

    public TranscoderFolder()
    {
        for (int layer = 0; layer < Layers; layer++)
        {
            Encoder.Add(Values(Features * Width));
            EncoderBias.Add(Values(Features));
            Decoder.Add(Values(Features * Layers * Width));
            DecoderBias.Add(Values(Width));
            Threshold.Add([.. Values(Features).Select(Math.Abs)]);
            Skip.Add(Values(Width * Width));
        }
    }

    public string Path => _folder.Path;

    /// <summary>[features, width] for each layer.</summary>
    public List<float[]> Encoder { get; } = [];

    public List<float[]> EncoderBias { get; } = [];

    /// <summary>[features, layers, width] for each layer: rows for layers below are there and must not be used.</summary>
    public List<float[]> Decoder { get; } = [];

    public List<float[]> DecoderBias { get; } = [];

    public List<float[]> Threshold { get; } = [];

    /// <summary>[width in, width out] for each layer.</summary>
    public List<float[]> Skip { get; } = [];

    public string this[string name] => _folder[name];

    public float[] DecoderRow(int layer, int feature, int target) => Decoder[layer][((feature * Layers + target) * Width)..((feature * Layers + target + 1) * Width)];

    public TranscoderFolder Configure(string kind = "transcoder_set", string more = "", string input = "ln2.hook_normalized", string output = "hook_mlp_out")
    {
        _folder.Write("config.yaml", $"model_name: tiny\nmodel_kind: {kind}\nfeature_input_hook: {input}\nfeature_output_hook: {output}\nscan: test\n{more}\n");
        return this;
    }

    /// <summary>circuit-tracer's per-layer files.</summary>
    public TranscoderFolder PerLayer(bool threshold = false, bool skip = false)
    {
        for (int layer = 0; layer < Layers; layer++)
        {
            SafetensorsWriter writer = new();
            writer.Add("W_enc", Encoder[layer], Features, Width);
            writer.Add("W_dec", OwnRows(layer), Features, Width);
            writer.Add("b_enc", EncoderBias[layer], Features);
            writer.Add("b_dec", DecoderBias[layer], Width);
            if (threshold) writer.Add("activation_function.threshold", Threshold[layer], Features);
            if (skip) writer.Add("W_skip", Transposed(Skip[layer], Width, Width), Width, Width);
            writer.Save(_folder[$"layer_{layer}.safetensors"]);
        }
        return this;
    }

    /// <summary>circuit-tracer's cross-layer files.</summary>
    public TranscoderFolder CrossLayer(bool threshold = false)
    {
        for (int layer = 0; layer < Layers; layer++)
        {
            SafetensorsWriter encoder = new(), decoder = new();
            encoder.Add($"W_enc_{layer}", Encoder[layer], Features, Width);
            encoder.Add($"b_enc_{layer}", EncoderBias[layer], Features);
            encoder.Add($"b_dec_{layer}", DecoderBias[layer], Width);
            if (threshold) encoder.Add($"threshold_{layer}", Threshold[layer], Features);
            encoder.Save(_folder[$"W_enc_{layer}.safetensors"]);
            float[] rows = [.. from feature in Enumerable.Range(0, Features) from target in Enumerable.Range(layer, Layers - layer) from value in DecoderRow(layer, feature, target) select value];
            decoder.Add($"W_dec_{layer}", rows, Features, Layers - layer, Width);
            decoder.Save(_folder[$"W_dec_{layer}.safetensors"]);
        }
        return this;
    }

    /// <summary>Gemma Scope's archives.</summary>
    public TranscoderFolder GemmaScope(bool compressed)
    {
        for (int layer = 0; layer < Layers; layer++)
        {
            Directory.CreateDirectory(_folder[$"layer_{layer}"]);
            using FileStream stream = File.Create(_folder[$"layer_{layer}/params.npz"]);
            using ZipArchive archive = new(stream, ZipArchiveMode.Create);
            Entry("W_enc", Transposed(Encoder[layer], Features, Width), Width, Features);
            Entry("W_dec", OwnRows(layer), Features, Width);
            Entry("b_enc", EncoderBias[layer], Features);
            Entry("b_dec", DecoderBias[layer], Width);
            Entry("threshold", Threshold[layer], Features);

            void Entry(string name, float[] values, params int[] shape)
            {
                using Stream entry = archive.CreateEntry($"{name}.npy", compressed ? CompressionLevel.Optimal : CompressionLevel.NoCompression).Open();
                string text = string.Join(", ", shape.Select(size => size.ToString(CultureInfo.InvariantCulture)));
                entry.Write(NpzArchive.Npy($"{{'descr': '<f4', 'fortran_order': False, 'shape': ({text}{(shape.Length == 1 ? "," : "")}), }}\n", [.. values.SelectMany(BitConverter.GetBytes)]));
            }
        }
        return this;
    }

    /// <summary>Gemma Scope 2's files, per layer or for all layers.</summary>
    public TranscoderFolder GemmaScope2(bool crossLayer)
    {
        for (int layer = 0; layer < Layers; layer++)
        {
            SafetensorsWriter writer = new();
            writer.Add("w_enc", Transposed(Encoder[layer], Features, Width), Width, Features);
            if (crossLayer) writer.Add("w_dec", Decoder[layer], Features, Layers, Width);
            else writer.Add("w_dec", OwnRows(layer), Features, Width);
            writer.Add("b_enc", EncoderBias[layer], Features);
            writer.Add("b_dec", DecoderBias[layer], Width);
            writer.Add("threshold", Threshold[layer], Features);
            writer.Add("affine_skip_connection", Skip[layer], Width, Width);
            writer.Save(_folder[$"params_{layer}.safetensors"]);
        }
        return this;
    }

    public static string Listed(string pattern) => "transcoders:\n" + string.Concat(Enumerable.Range(0, Layers).Select(layer => $"  - {pattern.Replace("*", layer.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)}\n"));

    /// <summary>[positions, width]</summary>
    public Tensor Inputs(int positions) => Tensor.From(Values(positions * Width), positions, Width);

    public void Dispose() => _folder.Dispose();

    private float[] OwnRows(int layer) => [.. Enumerable.Range(0, Features).SelectMany(feature => DecoderRow(layer, feature, layer))];

    private static float[] Transposed(float[] values, int rows, int columns) => [.. from column in Enumerable.Range(0, columns) from row in Enumerable.Range(0, rows) select values[row * columns + column]];

    private float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.NextSingle() * 2 - 1)];
}
