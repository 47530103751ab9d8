using System.Text.Json;
using System.Text.Json.Nodes;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Models.Training;

/// <summary>Writes a trained decoder as an ordinary checkpoint.</summary>
internal static class DecoderCheckpoint
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static void Write(TrainableDecoder decoder, string folder, ElementType type, CancellationToken cancellation)
    {
        if (type is not (ElementType.F32 or ElementType.BF16)) throw new ArgumentException($"Weights are saved as F32 or BF16, not as {type}.", nameof(type));
        SafetensorsWriter writer = new() { Metadata = { ["format"] = "pt" } };
        foreach (TrainableParameter parameter in decoder.Parameters)
        {
            int first = 0;
            foreach (ParameterPart part in parameter.Parts)
            {
                Matrix rows = parameter.Value.AsMatrix().RowRange(first, part.Rows);
                long[] shape = parameter.IsMatrix ? [part.Rows, parameter.Value.Columns] : [parameter.Value.Columns];
                writer.Add(part.Name, type, shape, stream => WriteRows(stream, rows, type));
                first += part.Rows;
            }
        }
        writer.Save(Path.Combine(folder, "model.safetensors"), cancellation);
        AtomicFile.Write(Path.Combine(folder, "config.json"), stream => stream.Write(ConfigurationFor(decoder, type)));
        AtomicFile.Write(Path.Combine(folder, "generation_config.json"), stream =>
        {
            JsonObject generation = [];
            if (decoder.Specification.BeginningOfText is { } beginning) generation["bos_token_id"] = beginning;
            if (decoder.Specification.EndOfText is [var end, ..]) generation["eos_token_id"] = end;
            stream.Write(JsonSerializer.SerializeToUtf8Bytes(generation, Indented));
        });
    }

    private static byte[] ConfigurationFor(TrainableDecoder decoder, ElementType type)
    {
        JsonNode configuration = JsonNode.Parse(decoder.Configuration)!;
        foreach (string key in new[] { "dtype", "torch_dtype" })
            if (configuration is JsonObject root && root.ContainsKey(key)) root[key] = type == ElementType.BF16 ? "bfloat16" : "float32";
        return JsonSerializer.SerializeToUtf8Bytes(configuration, Indented);
    }

    private static void WriteRows(Stream stream, Matrix rows, ElementType type)
    {
        byte[] line = new byte[rows.Columns * type.Size()];
        for (int row = 0; row < rows.Rows; row++)
        {
            ReadOnlySpan<float> values = rows.Row(row);
            for (int i = 0; i < values.Length; i++)
            {
                if (type == ElementType.BF16) BitConverter.TryWriteBytes(line.AsSpan(2 * i), Elements.ToBFloat16(values[i]));
                else BitConverter.TryWriteBytes(line.AsSpan(4 * i), values[i]);
            }
            stream.Write(line);
        }
    }
}
