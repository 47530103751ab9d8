using System.Globalization;
using Microsoft.Data.Sqlite;
using Microtome.Studio.Api;
using Microtome.Studio.Storage;

namespace Microtome.Studio.Labels;

/// <summary>Labels by dictionary, layer and feature. A person's label goes before one that came with a file.</summary>
internal sealed class LabelStore(StudioDatabase database)
{
    public const int LongestLabel = 2000, LongestName = 500, MostListed = 5000;

    public const string User = "user", File = "file";

    private const string Columns = "dictionary, layer, feature, text, source, changed";

    public LabelRecord? Find(string dictionary, int layer, int feature) =>
        database.Query($"SELECT {Columns} FROM labels WHERE dictionary = $dictionary AND layer = $layer AND feature = $feature ORDER BY source DESC LIMIT 1", Read,
            ("$dictionary", dictionary), ("$layer", layer), ("$feature", feature)) is [var label] ? label : null;

    /// <summary>All labels of a dictionary, for looking many up.</summary>
    public Dictionary<(int Layer, int Feature), string> Of(string dictionary)
    {
        Dictionary<(int Layer, int Feature), string> labels = [];
        foreach (LabelRecord label in database.Query($"SELECT {Columns} FROM labels WHERE dictionary = $dictionary ORDER BY source", Read, ("$dictionary", dictionary)))
            labels[(label.Layer, label.Feature)] = label.Text; // 'user' sorts after 'file'
        return labels;
    }

    public LabelRecord Set(LabelRequest request)
    {
        if (string.IsNullOrEmpty(request.Dictionary) || request.Dictionary.Length > LongestName) throw RequestException.Bad($"The dictionary's name must have 1 to {LongestName} characters.");
        if (request.Layer < 0 || request.Feature < 0) throw RequestException.Bad("Layers and features count from 0.");
        if (request.Text is null || request.Text.Length > LongestLabel) throw RequestException.Bad($"A label may have {LongestLabel} characters.");
        LabelRecord label = new(request.Dictionary, request.Layer, request.Feature, request.Text.Trim(), User, DateTime.UtcNow);
        if (label.Text.Length == 0)
            database.Execute("DELETE FROM labels WHERE dictionary = $dictionary AND layer = $layer AND feature = $feature AND source = 'user'",
                ("$dictionary", label.Dictionary), ("$layer", label.Layer), ("$feature", label.Feature));
        else Put(label);
        return label;
    }

    /// <summary>Notes a label, in place of one of the same source.</summary>
    public void Put(LabelRecord label) => database.Execute("INSERT OR REPLACE INTO labels (dictionary, layer, feature, source, text, changed) VALUES ($dictionary, $layer, $feature, $source, $text, $changed)",
        ("$dictionary", label.Dictionary), ("$layer", label.Layer), ("$feature", label.Feature), ("$source", label.Source), ("$text", label.Text), ("$changed", label.Changed.ToString("O", CultureInfo.InvariantCulture)));

    public void PutAll(IEnumerable<LabelRecord> labels) => database.Together(() =>
    {
        foreach (LabelRecord label in labels) Put(label);
    });

    public LabelList List(string? dictionary, string? search)
    {
        string pattern = $"%{(search ?? "").Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal)}%";
        return new LabelList(database.Query(
            $"SELECT {Columns} FROM labels WHERE ($dictionary IS NULL OR dictionary = $dictionary) AND text LIKE $pattern ESCAPE '\\' ORDER BY dictionary, layer, feature, source LIMIT {MostListed}", Read,
            ("$dictionary", dictionary), ("$pattern", pattern)));
    }

    private static LabelRecord Read(SqliteDataReader row) =>
        new(row.GetString(0), row.GetInt32(1), row.GetInt32(2), row.GetString(3), row.GetString(4), DateTime.Parse(row.GetString(5), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind));
}
