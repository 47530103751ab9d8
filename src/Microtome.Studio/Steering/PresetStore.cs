using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microtome.Studio.Api;
using Microtome.Studio.Storage;

namespace Microtome.Studio.Steering;

/// <summary>Presets by id.</summary>
internal sealed class PresetStore(StudioDatabase database)
{
    private const int Most = 1000, LongestName = 200, LargestSettings = 1 << 16;
    private const string Columns = "id, name, model, steering, settings, changed";

    public PresetList List(string? model) => new(database.Query($"SELECT {Columns} FROM presets WHERE $model IS NULL OR model = $model ORDER BY name, id", Read, ("$model", model)));

    public PresetRecord Add(PresetRequest request)
    {
        if (database.Scalar("SELECT count(*) FROM presets") is >= (long)Most) throw RequestException.Conflict($"There are {Most} presets already; delete some.");
        return Put(DataFolder.NewId(), request);
    }

    public PresetRecord Change(string id, PresetRequest request)
    {
        Find(id);
        return Put(id, request);
    }

    public void Delete(string id)
    {
        Find(id);
        database.Execute("DELETE FROM presets WHERE id = $id", ("$id", id));
    }

    private PresetRecord Put(string id, PresetRequest request)
    {
        if (string.IsNullOrWhiteSpace(request.Name) || request.Name.Length > LongestName || request.Model is not { Length: > 0 and <= LongestName }) throw RequestException.Bad($"A preset has a name and a model of 1 to {LongestName} characters.");
        SteeringPlan.CheckItems(request.Steering);
        if (request.Settings is { } settings && (settings.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null) || settings.GetRawText().Length > LargestSettings)) throw RequestException.Bad($"'settings' must be an object of at most {LargestSettings} bytes.");
        PresetRecord preset = new(id, request.Name.Trim(), request.Model, request.Steering, request.Settings, DateTime.UtcNow);
        database.Execute($"INSERT OR REPLACE INTO presets ({Columns}) VALUES ($id, $name, $model, $steering, $settings, $changed)",
            ("$id", id), ("$name", preset.Name), ("$model", preset.Model), ("$steering", JsonSerializer.Serialize(preset.Steering, StudioJson.Default.IReadOnlyListSteerItem)),
            ("$settings", preset.Settings?.GetRawText() ?? "null"), ("$changed", preset.Changed.ToString("O", CultureInfo.InvariantCulture)));
        return preset;
    }

    private PresetRecord Find(string id) =>
        database.Query($"SELECT {Columns} FROM presets WHERE id = $id", Read, ("$id", id)) is [var preset] ? preset : throw RequestException.NotFound($"There is no preset '{id}'.");

    private static PresetRecord Read(SqliteDataReader row)
    {
        using JsonDocument settings = JsonDocument.Parse(row.GetString(4));
        return new PresetRecord(row.GetString(0), row.GetString(1), row.GetString(2), JsonSerializer.Deserialize(row.GetString(3), StudioJson.Default.IReadOnlyListSteerItem)!,
            settings.RootElement.ValueKind == JsonValueKind.Null ? null : settings.RootElement.Clone(), DateTime.Parse(row.GetString(5), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind));
    }
}
