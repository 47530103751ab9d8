using Microtome.Models;
using Microtome.Models.Hub;

namespace Microtome.Dictionaries;

/// <summary>Finds models and transcoders where a name says: in a folder, in the Hub's cache, on the Hub, or, without a name, beside the program.</summary>
/// <param name="downloads">Who is told of the downloads for a name.</param>
public sealed class ModelSource(Func<string, IProgress<DownloadProgress>>? downloads = null, CancellationToken cancellation = default)
{
    /// <summary>The model that comes with the program and is used without a name.</summary>
    public const string SmallModel = "small-world";

    private const string SmallTranscoders = "small-world-transcoders";
    private static readonly string[] CheckpointFiles = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "chat_template.json", "model*.safetensors", "model.safetensors.index.json"];
    private static readonly string[] TranscoderFiles = ["layer_*.safetensors", "W_enc_*.safetensors", "W_dec_*.safetensors"];

    /// <summary>What inspection needs beside weights.</summary>
    public static IReadOnlyList<string> SmallFiles { get; } = ["config.json", "generation_config.json", "config.yaml", "model.safetensors.index.json"];

    /// <summary>The model of a folder or Hub name; without one, the model that comes with the program.</summary>
    public async Task<LoadedModel> LoadModelAsync(string? name)
    {
        string folder = await ResolveAsync(name, SmallModel, CheckpointFiles);
        Checkpoint checkpoint = Checkpoint.Open(folder);
        return new LoadedModel(name ?? SmallModel, checkpoint, new Transformer(checkpoint), PromptEncoder.Load(folder, checkpoint.Specification));
    }

    /// <summary>The transcoders of a folder or Hub name; without one, those that come with the program.</summary>
    public async Task<TranscoderSet> LoadTranscodersAsync(string? name)
    {
        string folder = await ResolveAsync(name, SmallTranscoders, ["config.yaml"]);
        if (name is null || Directory.Exists(name)) return TranscoderReader.Open(folder, entry => Download(entry, null));

        // A configuration that lists files may list another repository's; otherwise the layers' files are beside it.
        if (!File.ReadAllText(Path.Combine(folder, "config.yaml")).Contains("transcoders:", StringComparison.Ordinal))
            folder = await ResolveAsync(name, SmallTranscoders, ["config.yaml", .. TranscoderFiles]);
        return TranscoderReader.Open(folder, entry => Download(entry, HubReference.Parse(name)));
    }

    /// <summary>The folder of a local path, or of the Hub's files that match the patterns.</summary>
    public async Task<string> ResolveAsync(string? name, string embedded, IReadOnlyList<string> patterns)
    {
        if (name is null)
        {
            string beside = Path.Combine(AppContext.BaseDirectory, "models", embedded);
            return Directory.Exists(beside) ? beside : throw new DirectoryNotFoundException($"The small model is not beside the program ({beside}); give one with --model.");
        }
        if (Directory.Exists(name)) return Path.GetFullPath(name);
        if (name.StartsWith('.') || Path.IsPathRooted(name) || !HubReference.TryParse(name, out HubReference? reference))
            throw new DirectoryNotFoundException($"'{name}' is neither a folder nor owner/name[@revision] on the Hub.");
        using HubClient hub = new(HubOptions.FromEnvironment());
        return await hub.DownloadAsync(reference, patterns, downloads?.Invoke(name), cancellation);
    }

    /// <summary>A file that transcoders' configuration lists: an hf:// address, or a path in the configuration's own repository.</summary>
    private string Download(string entry, HubReference? repository)
    {
        HubReference? file = entry.StartsWith("hf://", StringComparison.Ordinal) ? HubReference.Parse(entry) : repository?.Below(entry);
        if (file is null) throw new FileNotFoundException($"The transcoder file '{entry}' is neither beside config.yaml nor an hf:// address.", entry);
        using HubClient hub = new(HubOptions.FromEnvironment());
        return hub.DownloadFileAsync(file, downloads?.Invoke(entry), cancellation).GetAwaiter().GetResult();
    }
}
