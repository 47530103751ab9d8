using Microtome.Models.Hub;
using Microtome.Studio.Api;
using Microtome.Studio.Jobs;
using Microtome.Studio.Storage;

namespace Microtome.Studio.Models;

/// <summary>The models that can be chosen: the one that comes with the program, the one of the command line, and those that were added.</summary>
internal sealed class ModelShelf
{
    public const string Shipped = "shipped", Given = "given";

    private readonly StudioDatabase _database;
    private readonly StudioOptions _options;
    private readonly JobBoard _jobs;
    private readonly Lock _lock = new();
    private readonly List<KnownModel> _models = [];

    public ModelShelf(StudioOptions options, DataFolder data, StudioDatabase database, JobBoard jobs)
    {
        (_options, _database, _jobs) = (options, database, jobs);
        string shipped = Path.Combine(AppContext.BaseDirectory, "models");
        Folders = new ModelFolders([data.Models, .. options.ModelFolders, shipped]);
        foreach (string? name in new[] { options.Model, options.Transcoders })
            if (name is not null && !Directory.Exists(name) && (name.StartsWith('.') || Path.IsPathRooted(name) || !HubReference.TryParse(name, out _)))
                throw new DirectoryNotFoundException($"'{name}' is neither a folder nor owner/name[@revision] on the Hub.");
        if (options.Index is { } index && !File.Exists(index) && !Directory.Exists(index)) throw new FileNotFoundException($"There is no feature data at '{index}'; microtome index makes some.", index);
        if (options.Model is not null) _models.Add(new KnownModel(Given, "commandLine", options.Model, options.Transcoders, options.Index, options.Transcoders is not null));
        _models.Add(new KnownModel(Shipped, "shipped", null, null, options.Model is null ? options.Index : null, paired: true));
        _models.AddRange(OthersIn(shipped));
        _models.AddRange(database.Query("SELECT id, model, transcoders, feature_data FROM models ORDER BY added",
            row => Added(row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3))));
    }

    public ModelFolders Folders { get; }

    public KnownModel Default => _models[0];

    public IReadOnlyList<KnownModel> All
    {
        get
        {
            lock (_lock) return [.. _models];
        }
    }

    public KnownModel Get(string id) => Find(id) ?? throw RequestException.NotFound($"There is no model '{id}'; GET /api/models lists those there are.");

    public KnownModel? Find(string id) => All.FirstOrDefault(model => model.Id == id);

    /// <summary>The loaded model whose dictionary has this name.</summary>
    public KnownModel? WithDictionary(string name) => All.FirstOrDefault(model => model.InUse?.Transcoders?.Name == name);

    public KnownModel Add(ModelRequest request)
    {
        string model = Folders.Resolve(request.Model);
        string? transcoders = request.Transcoders is { } name ? Folders.Resolve(name) : null, features = request.Index is { } folder ? Folders.Resolve(folder) : null;
        string id = DataFolder.IdOf($"{model}\n{transcoders}\n{features}");
        lock (_lock)
        {
            if (_models.FirstOrDefault(known => known.Id == id) is { } present) return present;
            _database.Execute("INSERT OR REPLACE INTO models VALUES ($id, $model, $transcoders, $features, $now)",
                ("$id", id), ("$model", model), ("$transcoders", transcoders), ("$features", features), ("$now", DateTime.UtcNow.ToString("O")));
            _models.Add(Added(id, model, transcoders, features));
            return _models[^1];
        }
    }

    public void Remove(string id)
    {
        KnownModel model = Get(id);
        if (model.Source != "added") throw RequestException.Conflict("Only models that were added can be removed.");
        lock (_lock) _models.Remove(model);
        _database.Execute("DELETE FROM models WHERE id = $id", ("$id", id));
    }

    /// <summary>Starts loading, downloads included; the same job while one runs.</summary>
    public Job StartLoading(KnownModel model)
    {
        string id = $"load-{model.Id}";
        lock (_lock)
        {
            if (_jobs.Find(id) is { HasEnded: false } running) return running;
            return _jobs.Start(_jobs.Loads, id, "load", model.Id, keep: true, (job, cancellation) =>
            {
                job.Report("loading");
                return model.LoadAsync(name => new DownloadReport(job, name, _options.Downloads?.Invoke(name)), cancellation);
            });
        }
    }

    /// <summary>A model, loaded; those on the Hub only where they were loaded before, since a download can take long.</summary>
    public async Task<ModelInUse> UseAsync(string id, CancellationToken cancellation)
    {
        KnownModel model = Get(id);
        if (model.InUse is { } ready) return ready;
        if (!model.IsLocal) throw RequestException.Conflict($"The model '{model.Model}' is not loaded; POST /api/models/{id}/load downloads and loads it.");
        return await model.LoadAsync(null, CancellationToken.None).WaitAsync(cancellation); // others may wait for it too
    }

    /// <summary>Further models that come with the program, each with the transcoders beside it that are named after it.</summary>
    private static IEnumerable<KnownModel> OthersIn(string folder)
    {
        if (!Directory.Exists(folder)) yield break;
        foreach (string model in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(model), transcoders = $"{model}-transcoders";
            if (name != Dictionaries.ModelSource.SmallModel && File.Exists(Path.Combine(model, "config.json")))
                yield return Directory.Exists(transcoders) ? new KnownModel(name, "shipped", model, transcoders, null, paired: true) : new KnownModel(name, "shipped", model, null, null, paired: false);
        }
    }

    private static KnownModel Added(string id, string model, string? transcoders, string? features) => new(id, "added", model, transcoders, features, transcoders is not null);
}
