using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>
/// Writes random ReLU transcoders in circuit-tracer's layout. Every encoder bias of a layer has the value at which a given number
/// of features is active for a token, as measured on the prompt itself.
/// </summary>
/// <param name="active">Active features a token and layer.</param>
internal sealed class SyntheticTranscoders(int features, int active, ElementType type, int seed)
{
    /// <param name="link">Layer 0's file serves for all layers.</param>
    public void Write(string folder, Transformer model, int[] tokens, bool link)
    {
        Directory.CreateDirectory(folder);
        Tensor[] inputs = Inputs(model, tokens);
        for (int layer = 0; layer < inputs.Length; layer++)
        {
            string path = Path.Combine(folder, $"layer_{layer}.safetensors");
            File.Delete(path);
            if (layer > 0 && link) File.CreateSymbolicLink(path, "layer_0.safetensors");
            else WriteLayer(path, layer, link ? inputs : [inputs[layer]]);
        }
        File.WriteAllText(Path.Combine(folder, "config.yaml"), """
            model_kind: transcoder_set
            model_name: model
            scan: synthetic
            feature_input_hook: mlp.hook_in
            feature_output_hook: mlp.hook_out

            """);
    }

    /// <summary>For each layer what the transcoder reads [positions, width], but for position 0, whose features graphs leave out.</summary>
    private static Tensor[] Inputs(Transformer model, int[] tokens)
    {
        Tensor[] inputs = new Tensor[model.Specification.Layers.Count];
        ForwardHooks hooks = new();
        for (int layer = 0; layer < inputs.Length; layer++)
            hooks.Add(HookPoint.MlpIn, layer, (x, at) => inputs[at.Layer] = Tensor.From(x.Span[x.Columns..], x.Rows - 1, x.Columns));
        model.Forward(tokens, hooks, logits: LogitRows.None);
        return inputs;
    }

    private void WriteLayer(string path, int layer, Tensor[] inputs)
    {
        int width = inputs[0].Columns, positions = inputs[0].Rows;
        Tensor readings = Tensor.Uninitialized(inputs.Length * positions, features); // pre-activations without bias
        SafetensorsWriter writer = new();
        writer.Add("W_enc", type, [features, width], stream => new RandomRows(seed, $"W_enc_{layer}", features, width, 1 / Math.Sqrt(width)).Write(stream, type, (rows, first) =>
        {
            for (int i = 0; i < inputs.Length; i++)
                MatrixProduct.Multiply(inputs[i].AsMatrix(), rows.T, readings.AsMatrix().RowRange(i * positions, positions).ColumnRange((int)first, rows.Rows));
        }));
        // Follows W_enc in the file, so all readings are known when it is written.
        writer.Add("b_enc", type, [features], stream => SyntheticFiles.Write(stream, Enumerable.Repeat(-Threshold(readings), features).ToArray(), type));
        writer.Add("W_dec", type, [features, width], stream => new RandomRows(seed, $"W_dec_{layer}", features, width, 1 / Math.Sqrt(width)).Write(stream, type));
        writer.Add("b_dec", type, [width], stream => SyntheticFiles.Write(stream, new float[width], type));
        writer.Save(path);
    }

    /// <summary>The reading that only so many features exceed.</summary>
    private float Threshold(Tensor readings)
    {
        float[] sorted = readings.Span.ToArray();
        Array.Sort(sorted);
        return sorted[Math.Max(0, sorted.Length - 1 - active * readings.Rows)];
    }
}
