using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>
/// Opens one autoencoder or transcoder in the layouts that are published: SAELens's (<c>cfg.json</c> and <c>sae_weights.safetensors</c>), Gemma Scope's
/// (<c>params.npz</c>) and Gemma Scope 2's (<c>config.json</c> and <c>params.safetensors</c>).
/// </summary>
public static class AutoencoderReader
{
    private const string SaeLensConfiguration = "cfg.json", SaeLensWeights = "sae_weights.safetensors", GemmaScope = "params.npz", GemmaScope2 = "params.safetensors";

    /// <summary>Whether a folder is laid out as one of these.</summary>
    public static bool Recognizes(string folder) => new[] { SaeLensConfiguration, GemmaScope, GemmaScope2 }.Any(name => File.Exists(Path.Combine(folder, name)));

    /// <exception cref="InvalidDataException">A file is damaged, lacks a tensor, or asks for what is not known; the message names the file and the value.</exception>
    /// <exception cref="FileNotFoundException">The folder holds none of the layouts.</exception>
    public static SparseAutoencoder Open(string folder)
    {
        string saeLens = Path.Combine(folder, SaeLensConfiguration), npz = Path.Combine(folder, GemmaScope), second = Path.Combine(folder, GemmaScope2);
        if (File.Exists(saeLens))
        {
            SaeLensConfiguration configuration = Dictionaries.SaeLensConfiguration.Load(saeLens);
            string weights = Path.Combine(folder, SaeLensWeights);
            if (!File.Exists(weights)) throw new FileNotFoundException($"{folder} has cfg.json, but no {SaeLensWeights}.", weights);
            return Read(weights, tensors => new AutoencoderTensors(weights, tensors).Read(configuration));
        }
        if (File.Exists(npz)) return Read(npz, tensors => new AutoencoderTensors(npz, tensors).Read(GemmaScopeConfiguration.FromPath(folder)));
        if (File.Exists(second)) return Read(second, tensors => new AutoencoderTensors(second, tensors).Read(GemmaScopeConfiguration.Load(folder)));
        if (File.Exists(Path.Combine(folder, "config.yaml"))) throw new FileNotFoundException($"{folder} holds transcoders, where one autoencoder is needed: give it with --transcoders.", saeLens);
        throw new FileNotFoundException($"{folder} is no autoencoder: it has neither {SaeLensConfiguration} with {SaeLensWeights} (SAELens), nor {GemmaScope} or {GemmaScope2} (Gemma Scope).", saeLens);
    }

    private static SparseAutoencoder Read(string path, Func<IReadOnlyDictionary<string, StoredTensor>, AutoencoderParts> read)
    {
        bool archive = path.EndsWith(".npz", StringComparison.Ordinal);
        IDisposable file = archive ? NpzFile.Open(path) : SafetensorsFile.Open(path);
        try
        {
            AutoencoderParts parts = read(archive ? ((NpzFile)file).Arrays : ((SafetensorsFile)file).Tensors);
            return parts.Build([file], archive ? ((NpzFile)file).Length : ((SafetensorsFile)file).Length);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
