using System.Globalization;
using System.Text;
using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>Writes transcoders in circuit-tracer's layouts: <c>config.yaml</c> with <c>layer_i.safetensors</c>, or with <c>W_enc_i</c> and <c>W_dec_i</c> for a cross-layer transcoder.</summary>
public static class TranscoderWriter
{
    /// <param name="type">Of the matrices' elements: F32, F16 or BF16. Vectors are always F32.</param>
    public static void Write(string folder, TranscoderSet set, ElementType type = ElementType.F32, CancellationToken cancellation = default)
    {
        foreach (Transcoder layer in set.Layers)
        {
            if (set.IsCrossLayer) WriteCrossLayer(folder, layer, type, cancellation);
            else WriteLayer(folder, layer, type, cancellation);
        }
        AtomicFile.Write(Path.Combine(folder, "config.yaml"), stream => stream.Write(Encoding.UTF8.GetBytes(Configuration(set)))); // last: without it, the folder is no set
    }

    private static void WriteLayer(string folder, Transcoder layer, ElementType type, CancellationToken cancellation)
    {
        SafetensorsWriter writer = new();
        Matrices.Add(writer, "W_enc", layer.Encoder, type);
        Matrices.AddRows(writer, "W_dec", layer.Features, layer.Width, (feature, row) => layer.DecoderRow(feature, layer.Layer, row), type);
        writer.Add("b_enc", layer.EncoderBias);
        writer.Add("b_dec", layer.DecoderBias);
        if (layer.Activation is JumpRelu jump) writer.Add("activation_function.threshold", jump.Thresholds);
        if (layer.Skip is { } skip) Matrices.Add(writer, "W_skip", skip.T, type);
        writer.Save(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"layer_{layer.Layer}.safetensors")), cancellation);
    }

    private static void WriteCrossLayer(string folder, Transcoder layer, ElementType type, CancellationToken cancellation)
    {
        string number = layer.Layer.ToString(CultureInfo.InvariantCulture);
        SafetensorsWriter encoder = new(), decoder = new();
        Matrices.Add(encoder, $"W_enc_{number}", layer.Encoder, type);
        encoder.Add($"b_enc_{number}", layer.EncoderBias);
        encoder.Add($"b_dec_{number}", layer.DecoderBias);
        if (layer.Activation is JumpRelu jump) encoder.Add($"threshold_{number}", jump.Thresholds);
        if (layer.Skip is { } skip) Matrices.Add(encoder, $"W_skip_{number}", skip, type);
        encoder.Save(Path.Combine(folder, $"W_enc_{number}.safetensors"), cancellation);
        int targets = layer.Targets;
        Matrices.AddRows(decoder, $"W_dec_{number}", [layer.Features, targets, layer.Width], (row, values) => layer.DecoderRow(row / targets, layer.Layer + row % targets, values), type);
        decoder.Save(Path.Combine(folder, $"W_dec_{number}.safetensors"), cancellation);
    }

    private static string Configuration(TranscoderSet set)
    {
        StringBuilder yaml = new();
        if (set.ModelName is { } model) Add("model_name", model);
        Add("model_kind", set.IsCrossLayer ? "cross_layer_transcoder" : "transcoder_set");
        Add("feature_input_hook", set.Input.Name());
        Add("feature_output_hook", set.Output.Name());
        Add("scan", set.Name);
        switch (set.Layers[0].Activation)
        {
            case TopK topk:
                Add("activation", "topk");
                Add("k", topk.K.ToString(CultureInfo.InvariantCulture));
                break;
            case JumpRelu:
                Add("activation", "jump_relu");
                break;
            case Relu:
                Add("activation", "relu");
                break;
            case { } other:
                throw new ArgumentException($"circuit-tracer has no {other.Name} transcoders; it has those of ReLU, JumpReLU and TopK.");
        }
        return yaml.ToString();

        void Add(string key, string value) => yaml.Append(key).Append(": ").Append(Word(value)).Append('\n');
    }

    /// <summary>A text as YAML reads it back; quoted where it may not stand as it is.</summary>
    private static string Word(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '/' or '-') && char.IsAsciiLetterOrDigit(text[0]) ? text : $"'{text.Replace("'", "''", StringComparison.Ordinal).ReplaceLineEndings(" ")}'";
}
