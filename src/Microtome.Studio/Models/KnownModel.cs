using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Models.ChatTemplates;
using Microtome.Models.Hub;
using Microtome.Studio.Api;

namespace Microtome.Studio.Models;

/// <summary>What a loaded model consists of. It stays loaded and is shared; its files are mapped, so that memory is held only for what is read.</summary>
internal sealed record ModelInUse(LoadedModel Model, TranscoderSet? Transcoders, ReplacementModel? Replacement, ChatPrompts Chat)
{
    public PromptEncoder Prompts => Model.Prompts;

    public ReplacementModel NeedReplacement() =>
        Replacement ?? throw RequestException.Conflict($"The model '{Model.Name}' was given without transcoders; add it again with those made for it.");
}

/// <summary>A model that can be chosen, loaded when it is first used.</summary>
internal sealed class KnownModel(string id, string source, string? model, string? transcoders, string? featureData, bool paired)
{
    private readonly Lock _lock = new();
    private Task<ModelInUse>? _loading;

    public string Id => id;

    public string Source => source;

    /// <summary>A folder or Hub name; null for the model that comes with the program.</summary>
    public string? Model => model;

    public string? Transcoders => transcoders;

    /// <summary>A folder of feature data that was given with the model.</summary>
    public string? FeatureData => featureData;

    /// <summary>Whether loading needs no network.</summary>
    public bool IsLocal => IsFolder(model) && IsFolder(transcoders);

    public ModelInUse? InUse => _loading is { IsCompletedSuccessfully: true } loaded ? loaded.Result : null;

    /// <summary>Loads the model unless it is loaded; who comes while it loads waits for the same.</summary>
    /// <param name="cancellation">Ends the waiting, and the loading where this call began it.</param>
    public Task<ModelInUse> LoadAsync(Func<string, IProgress<DownloadProgress>>? downloads, CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (_loading is null or { IsFaulted: true } or { IsCanceled: true }) _loading = Task.Run(() => OpenAsync(new ModelSource(downloads, cancellation)), cancellation);
            return _loading.WaitAsync(cancellation);
        }
    }

    public ModelRecord Record(IndexRecord index)
    {
        ModelInUse? now = InUse;
        Exception? failure = _loading?.Exception?.InnerException;
        ModelSpecification? specification = now?.Model.Specification;
        return new ModelRecord(id, NameOf(now?.Model.Name ?? model) ?? "small model", now is null ? NameOf(transcoders) : now.Transcoders?.Name, source,
            now is not null ? "ready" : _loading is { IsCompleted: false } ? "loading" : failure is not null ? "failed" : "idle", failure is null ? null : ErrorAnswers.MessageOf(failure),
            specification?.Family, specification?.Layers.Count, specification?.ModelWidth, specification?.VocabularySize, specification?.ContextLength,
            now?.Transcoders?.Layers.Select(layer => layer.Features).ToArray(), now?.Transcoders?.IsCrossLayer, now?.Prompts.HasTokenizer,
            now is null ? null : now.Chat.Template is not null, index);
    }

    private async Task<ModelInUse> OpenAsync(ModelSource models)
    {
        LoadedModel loaded = await models.LoadModelAsync(model);
        TranscoderSet? set = null;
        try
        {
            set = paired ? await models.LoadTranscodersAsync(transcoders) : null;
            return new ModelInUse(loaded, set, set is null ? null : new ReplacementModel(loaded.Transformer, set), ChatOf(loaded));
        }
        catch
        {
            set?.Dispose();
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>A template that cannot be used is as good as none: everything but conversations works.</summary>
    private static ChatPrompts ChatOf(LoadedModel loaded)
    {
        try
        {
            return ChatPrompts.Load(loaded);
        }
        catch (InvalidDataException)
        {
            return new ChatPrompts(loaded.Prompts, null);
        }
    }

    private static bool IsFolder(string? name) => name is null || Directory.Exists(name);

    /// <summary>A folder's own name; other names as they are.</summary>
    private static string? NameOf(string? name) => name is not null && Path.IsPathRooted(name) ? Path.GetFileName(Path.TrimEndingDirectorySeparator(name)) : name;
}
