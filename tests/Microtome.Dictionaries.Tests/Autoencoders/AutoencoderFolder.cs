using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

/// <summary>Random autoencoder parameters, their files in every layout that is read, and what they compute in double precision.</summary>
internal sealed class AutoencoderFolder : IDisposable
{
    public const int Width = 6, Latents = 16, Positions = 5;
    private readonly TemporaryFolder _folder = new();
    private readonly Random _random = new(11);

    public AutoencoderFolder(int outputWidth = Width)
    {
        OutputWidth = outputWidth;
        Encoder = Values(Width * Latents);
        Decoder = Values(Latents * outputWidth);
        EncoderBias = Values(Latents);
        DecoderBias = Values(outputWidth);
        Threshold = Values(Latents);
        Skip = Values(outputWidth * Width);
        Input = Values(Positions * Width);
    }

    public string Path => _folder.Path;

    public int OutputWidth { get; }

    /// <summary>[width, latents]</summary>
    public float[] Encoder { get; }

    /// <summary>[latents, output width]</summary>
    public float[] Decoder { get; }

    public float[] EncoderBias { get; }

    public float[] DecoderBias { get; }

    /// <summary>Some of them negative.</summary>
    public float[] Threshold { get; }

    /// <summary>[output width, width]</summary>
    public float[] Skip { get; }

    /// <summary>[positions, width]</summary>
    public float[] Input { get; }

    public string this[string name] => _folder[name];

    public Matrix InputMatrix => Tensor.From(Input, Positions, Width).AsMatrix();

    /// <summary>SAELens's files.</summary>
    /// <param name="more">Keys to add to <c>cfg.json</c>, or to replace.</param>
    public AutoencoderFolder SaeLens(string architecture, JsonObject? more = null, ElementType type = ElementType.F32, params (string Name, float[] Values)[] vectors)
    {
        JsonObject configuration = new()
        {
            ["d_in"] = Width,
            ["d_sae"] = Latents,
            ["dtype"] = "float32",
            ["device"] = "cpu",
            ["apply_b_dec_to_input"] = false,
            ["normalize_activations"] = "none",
            ["reshape_activations"] = "none",
            ["metadata"] = new JsonObject { ["sae_lens_version"] = "6.18.0", ["model_name"] = "tiny", ["hook_name"] = "blocks.1.hook_resid_post" },
            ["architecture"] = architecture,
        };
        if (architecture.Contains("transcoder", StringComparison.Ordinal)) configuration["d_out"] = OutputWidth;
        foreach ((string key, JsonNode? value) in more ?? []) configuration[key] = value?.DeepClone();
        File.WriteAllText(_folder["cfg.json"], configuration.ToJsonString());
        SafetensorsWriter writer = new();
        if (architecture != "matching_pursuit") Add("W_enc", Encoder, Width, Latents);
        Add("W_dec", Decoder, Latents, OutputWidth);
        Add("b_dec", DecoderBias, OutputWidth);
        if (architecture is not ("gated" or "matching_pursuit")) Add("b_enc", EncoderBias, Latents);
        if (architecture.Contains("jumprelu", StringComparison.Ordinal)) Add("threshold", Threshold, Latents);
        if (architecture.Contains("skip", StringComparison.Ordinal)) Add("W_skip", Skip, OutputWidth, Width);
        foreach ((string name, float[] values) in vectors) writer.Add(name, values, values.Length);
        writer.Save(_folder["sae_weights.safetensors"]);
        return this;

        void Add(string name, float[] values, params long[] shape)
        {
            for (int i = 0; i < values.Length; i++) values[i] = Rounded(values[i], type);
            byte[] bytes = type switch
            {
                ElementType.F32 => MemoryMarshal.AsBytes(values.AsSpan()).ToArray(),
                ElementType.F16 => MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (Half)value).AsSpan()).ToArray(),
                ElementType.F64 => MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (double)value).AsSpan()).ToArray(),
                _ => MemoryMarshal.AsBytes(Array.ConvertAll(values, Elements.ToBFloat16).AsSpan()).ToArray(),
            };
            writer.Add(name, type, bytes, shape);
        }
    }

    /// <summary>SAELens's files of a dictionary whose rows, of unit length, both read and write.</summary>
    public AutoencoderFolder MatchingPursuit(JsonObject more)
    {
        for (int latent = 0; latent < Latents; latent++)
        {
            Span<float> row = Decoder.AsSpan(latent * Width, Width);
            float length = MathF.Sqrt(VectorOperations.SumOfSquares(row));
            foreach (ref float value in row) value /= length;
        }
        JsonObject all = new() { ["apply_b_dec_to_input"] = true };
        foreach ((string key, JsonNode? value) in more) all[key] = value?.DeepClone();
        return SaeLens("matching_pursuit", all);
    }

    /// <summary>Gemma Scope's archive.</summary>
    public AutoencoderFolder GemmaScope()
    {
        using FileStream stream = File.Create(_folder["params.npz"]);
        using ZipArchive archive = new(stream, ZipArchiveMode.Create);
        Entry("W_enc", Encoder, Width, Latents);
        Entry("W_dec", Decoder, Latents, OutputWidth);
        Entry("b_enc", EncoderBias, Latents);
        Entry("b_dec", DecoderBias, OutputWidth);
        Entry("threshold", Threshold, Latents);
        return this;

        void Entry(string name, float[] values, params int[] shape)
        {
            using Stream entry = archive.CreateEntry($"{name}.npy", CompressionLevel.Optimal).Open();
            string text = string.Join(", ", shape.Select(size => size.ToString(CultureInfo.InvariantCulture)));
            entry.Write(NpzArchive.Npy($"{{'descr': '<f4', 'fortran_order': False, 'shape': ({text}{(shape.Length == 1 ? "," : "")}), }}\n", [.. values.SelectMany(BitConverter.GetBytes)]));
        }
    }

    /// <summary>Gemma Scope 2's files.</summary>
    /// <param name="skip">Whether there is a skip connection, there stored as [width, output width].</param>
    public AutoencoderFolder GemmaScope2(string configuration, bool skip = false)
    {
        File.WriteAllText(_folder["config.json"], configuration);
        SafetensorsWriter writer = new();
        writer.Add("w_enc", Encoder, Width, Latents);
        writer.Add("w_dec", Decoder, Latents, OutputWidth);
        writer.Add("b_enc", EncoderBias, Latents);
        writer.Add("b_dec", DecoderBias, OutputWidth);
        writer.Add("threshold", Threshold, Latents);
        if (skip) writer.Add("affine_skip_connection", [.. from i in Enumerable.Range(0, Width) from j in Enumerable.Range(0, OutputWidth) select Skip[j * Width + i]], Width, OutputWidth);
        writer.Save(_folder["params.safetensors"]);
        return this;
    }

    /// <summary>The pre-activations of one position whose input was prepared.</summary>
    public double[] PreActivations(double[] x, bool bias = true) =>
        [.. Enumerable.Range(0, Latents).Select(latent => (bias ? EncoderBias[latent] : 0.0) + Enumerable.Range(0, Width).Sum(i => x[i] * Encoder[i * Latents + latent]))];

    /// <summary>What activations add up to, with the decoder's bias.</summary>
    public double[] Decoded(double[] activations) =>
        [.. Enumerable.Range(0, OutputWidth).Select(j => DecoderBias[j] + Enumerable.Range(0, Latents).Sum(latent => activations[latent] * Decoder[latent * OutputWidth + j]))];

    public double[] Skipped(double[] x) => [.. Enumerable.Range(0, OutputWidth).Select(j => Enumerable.Range(0, Width).Sum(i => x[i] * Skip[j * Width + i]))];

    public double DecoderNorm(int latent) => Math.Sqrt(Enumerable.Range(0, OutputWidth).Sum(j => (double)Decoder[latent * OutputWidth + j] * Decoder[latent * OutputWidth + j]));

    public float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.NextSingle() * 2 - 1)];

    public void Dispose() => _folder.Dispose();

    private static float Rounded(float value, ElementType type) => type switch
    {
        ElementType.F16 => (float)(Half)value,
        ElementType.BF16 => BitConverter.UInt32BitsToSingle((uint)Elements.ToBFloat16(value) << 16),
        _ => value,
    };
}
