using System.Runtime.InteropServices;
using System.Text.Json;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>Where a synthetic model's files lie: its checkpoint, its transcoders and its prompt.</summary>
internal static class SyntheticFiles
{
    public static string Model(string folder) => Path.Combine(folder, "model");

    public static string Transcoders(string folder) => Path.Combine(folder, "transcoders");

    public static int[] ReadPrompt(string folder)
    {
        using JsonDocument prompt = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "prompt.json")));
        return [.. prompt.RootElement.GetProperty("input_ids").EnumerateArray().Select(id => id.GetInt32())];
    }

    public static void WritePrompt(string folder, int[] tokens) =>
        File.WriteAllText(Path.Combine(folder, "prompt.json"), JsonSerializer.Serialize(new { input_ids = tokens }));

    public static void Write(Stream stream, float[] values, ElementType type) => stream.Write(type == ElementType.F32
        ? MemoryMarshal.AsBytes(values.AsSpan())
        : MemoryMarshal.AsBytes(Array.ConvertAll(values, Elements.ToBFloat16).AsSpan()));
}
