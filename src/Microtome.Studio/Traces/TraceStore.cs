using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microtome.Circuits;
using Microtome.Studio.Api;
using Microtome.Studio.Storage;

namespace Microtome.Studio.Traces;

/// <summary>Traces in the database and their graphs beside it.</summary>
internal sealed class TraceStore(DataFolder data, StudioDatabase database)
{
    private const string Columns = "id, title, source, state, error, model, dictionary, prompt, tokens, targets, created, seconds, features, active_features, edges, replacement, completeness, parameters";

    /// <summary>Traces that an earlier run left unfinished are not going to end any more.</summary>
    public void CloseUnfinished() =>
        database.Execute("UPDATE traces SET state = 'cancelled' WHERE state IN ('queued', 'running')");

    public void Insert(TraceRecord trace) => database.Execute(
        $"INSERT INTO traces ({Columns}) VALUES ($id, $title, $source, $state, $error, $model, $dictionary, $prompt, $tokens, $targets, $created, $seconds, $features, $active, $edges, $replacement, $completeness, $parameters)",
        Values(trace));

    public void Update(TraceRecord trace) => database.Execute(
        """
        UPDATE traces SET title = $title, source = $source, state = $state, error = $error, model = $model, dictionary = $dictionary, prompt = $prompt, tokens = $tokens, targets = $targets,
            created = $created, seconds = $seconds, features = $features, active_features = $active, edges = $edges, replacement = $replacement, completeness = $completeness, parameters = $parameters
        WHERE id = $id
        """, Values(trace));

    public void Rename(string id, string title) => database.Execute("UPDATE traces SET title = $title WHERE id = $id", ("$id", id), ("$title", title));

    public void SetState(string id, string state, string? error) => database.Execute("UPDATE traces SET state = $state, error = $error WHERE id = $id", ("$id", id), ("$state", state), ("$error", error));

    public List<TraceRecord> List() => database.Query($"SELECT {Columns} FROM traces ORDER BY created DESC, id", Read);

    public TraceRecord Get(string id) =>
        database.Query($"SELECT {Columns} FROM traces WHERE id = $id", Read, ("$id", id)) is [var trace] ? trace : throw RequestException.NotFound($"There is no trace '{id}'; GET /api/traces lists those there are.");

    public bool Has(string id) => database.Scalar("SELECT 1 FROM traces WHERE id = $id", ("$id", id)) is not null;

    public void Delete(string id)
    {
        database.Execute("DELETE FROM traces WHERE id = $id", ("$id", id));
        File.Delete(data.Graph(id));
    }

    public void SaveGraph(string id, AttributionGraph graph, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellation) =>
        GraphFile.Save(graph, data.Graph(id), StudioServer.Version, parameters, cancellation);

    public string GraphPath(string id) => data.Graph(id);

    private static (string, object?)[] Values(TraceRecord trace) =>
    [
        ("$id", trace.Id), ("$title", trace.Title), ("$source", trace.Source), ("$state", trace.State), ("$error", trace.Error), ("$model", trace.ModelName), ("$dictionary", trace.Dictionary),
        ("$prompt", trace.Prompt), ("$tokens", JsonSerializer.Serialize(trace.Tokens, StudioJson.Default.IReadOnlyListString)),
        ("$targets", JsonSerializer.Serialize(trace.Targets, StudioJson.Default.IReadOnlyListTraceTarget)), ("$created", trace.Created.ToString("O", CultureInfo.InvariantCulture)),
        ("$seconds", trace.Seconds), ("$features", trace.Features), ("$active", trace.ActiveFeatures), ("$edges", trace.Edges), ("$replacement", trace.Replacement),
        ("$completeness", trace.Completeness), ("$parameters", JsonSerializer.Serialize(trace.Parameters, StudioJson.Default.IReadOnlyDictionaryStringString)),
    ];

    private static TraceRecord Read(SqliteDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), null, null, null, row.IsDBNull(4) ? null : row.GetString(4), null, row.GetString(5), row.GetString(6),
        row.GetString(7), JsonSerializer.Deserialize(row.GetString(8), StudioJson.Default.IReadOnlyListString)!, JsonSerializer.Deserialize(row.GetString(9), StudioJson.Default.IReadOnlyListTraceTarget)!,
        DateTime.Parse(row.GetString(10), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind), row.IsDBNull(11) ? null : row.GetDouble(11), row.IsDBNull(12) ? null : row.GetInt32(12),
        row.IsDBNull(13) ? null : row.GetInt32(13), row.IsDBNull(14) ? null : row.GetInt64(14), row.IsDBNull(15) ? null : row.GetDouble(15), row.IsDBNull(16) ? null : row.GetDouble(16),
        JsonSerializer.Deserialize(row.GetString(17), StudioJson.Default.IReadOnlyDictionaryStringString)!);
}
