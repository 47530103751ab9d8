using System.Text.Json.Nodes;
using Microtome.Models.Safetensors;

namespace Microtome.Dictionaries.Tests;

/// <summary>Autoencoders whose arithmetic is known, in SAELens's files.</summary>
internal static class MadeAutoencoder
{
    /// <summary>Two latents for each value, its positive and its negative part: what it reads, times <paramref name="scale"/>.</summary>
    public static string Identity(TemporaryFolder folder, string name, int width, string hook, float scale = 1)
    {
        float[] encoder = new float[width * 2 * width], decoder = new float[2 * width * width];
        for (int i = 0; i < width; i++)
        {
            encoder[i * 2 * width + i] = 1;
            encoder[i * 2 * width + width + i] = -1;
            decoder[i * width + i] = scale;
            decoder[(width + i) * width + i] = -scale;
        }
        return Write(folder, name, width, 2 * width, hook, encoder, new float[2 * width], decoder);
    }

    /// <param name="encoder">[width, latents]</param>
    /// <param name="decoder">[latents, width]</param>
    public static string Write(TemporaryFolder folder, string name, int width, int latents, string hook, float[] encoder, float[] encoderBias, float[] decoder)
    {
        Directory.CreateDirectory(folder[name]);
        folder.Write($"{name}/cfg.json", new JsonObject
        {
            ["architecture"] = "standard",
            ["d_in"] = width,
            ["d_sae"] = latents,
            ["dtype"] = "float32",
            ["apply_b_dec_to_input"] = false,
            ["normalize_activations"] = "none",
            ["metadata"] = new JsonObject { ["hook_name"] = hook, ["model_name"] = "llama" },
        }.ToJsonString());
        SafetensorsWriter writer = new();
        writer.Add("W_enc", encoder, width, latents);
        writer.Add("b_enc", encoderBias, latents);
        writer.Add("W_dec", decoder, latents, width);
        writer.Add("b_dec", new float[width], width);
        writer.Save(folder[$"{name}/sae_weights.safetensors"]);
        return folder[name];
    }
}
