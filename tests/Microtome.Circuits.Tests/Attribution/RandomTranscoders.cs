using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Models.Safetensors;

namespace Microtome.Circuits.Tests;

/// <summary>Small random ReLU transcoders for a model, of which about a third of the features are active.</summary>
internal static class RandomTranscoders
{
    private const int Features = 12;

    public static TranscoderSet Write(string folder, ModelSpecification model, TranscoderKind kind, string input, string output)
    {
        Random random = new(7);
        int layers = model.Layers.Count, width = model.ModelWidth;
        float[] Values(int count, double scale, double mean = 0) => [.. Enumerable.Range(0, count).Select(_ => (float)(mean + scale * (2 * random.NextDouble() - 1)))];
        for (int layer = 0; layer < layers; layer++)
        {
            int targets = kind == TranscoderKind.CrossLayer ? layers - layer : 1;
            SafetensorsWriter encoder = new(), decoder = kind == TranscoderKind.CrossLayer ? new SafetensorsWriter() : encoder;
            string suffix = kind == TranscoderKind.CrossLayer ? $"_{layer}" : "";
            encoder.Add("W_enc" + suffix, Values(Features * width, 1), Features, width);
            encoder.Add("b_enc" + suffix, Values(Features, 1, -2), Features);
            encoder.Add("b_dec" + suffix, Values(width, 0.1), width);
            decoder.Add("W_dec" + suffix, Values(Features * targets * width, 0.2), kind == TranscoderKind.CrossLayer ? [Features, targets, width] : [Features, width]);
            if (kind == TranscoderKind.Skip) encoder.Add("W_skip", Values(width * width, 0.05), width, width);
            encoder.Save(Path.Combine(folder, kind == TranscoderKind.CrossLayer ? $"W_enc_{layer}.safetensors" : $"layer_{layer}.safetensors"));
            if (decoder != encoder) decoder.Save(Path.Combine(folder, $"W_dec_{layer}.safetensors"));
        }
        File.WriteAllText(Path.Combine(folder, "config.yaml"), $"""
            model_kind: {(kind == TranscoderKind.CrossLayer ? "cross_layer_transcoder" : "transcoder_set")}
            feature_input_hook: {input}
            feature_output_hook: {output}
            """);
        return TranscoderReader.Open(folder);
    }
}

public enum TranscoderKind
{
    PerLayer,
    CrossLayer,
    Skip,
}
