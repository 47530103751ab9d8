using Microsoft.Data.Sqlite;

namespace Microtome.Dictionaries;

/// <summary>
/// What the features of a dictionary are active on, in one SQLite file that <c>microtome index</c> writes. Labels in it can be changed. Safe to
/// use from several threads at once.
/// </summary>
public sealed class FeatureIndex : IFeatureSource
{
    private const int Intervals = 5, LongestLabel = 2000;
    private readonly Lock _lock = new();
    private readonly IndexFile _file;

    private FeatureIndex(IndexFile file) => _file = file;

    /// <summary>What made the index.</summary>
    public IndexDescription Description => _file.Description;

    public string Dictionary => Description.Dictionary;

    /// <summary>How many contexts were read.</summary>
    public long Contexts => _file.Progress.Contexts;

    /// <summary>How many tokens were counted.</summary>
    public long Tokens => _file.Progress.Tokens;

    /// <summary>How many features were active at least once.</summary>
    public long ActiveFeatures => Guarded(() => _file.Scalar("SELECT count(*) FROM features"));

    public bool CanLabel => !_file.IsReadOnly;

    /// <summary>Opens an index for reading, and for changing its labels where the file can be written.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no index, is damaged, or was made by a newer version; the message names the file.</exception>
    public static FeatureIndex Open(string path) => new(IndexFile.Open(path));

    public FeatureData? Find(int layer, int feature) => Guarded<FeatureData?>(() =>
    {
        using SqliteCommand command = _file.Command("SELECT firings, sum, minimum, maximum, histogram, strongest, samples FROM features WHERE layer = $layer AND feature = $feature", ("$layer", layer), ("$feature", feature));
        using SqliteDataReader row = command.ExecuteReader();
        string? label = Label(layer, feature);
        if (!row.Read())
            return (uint)layer < (uint)Description.Features.Count && (uint)feature < (uint)Description.Features[layer]
                ? new FeatureData { Layer = layer, Feature = feature, Label = label, Firings = 0, Density = Tokens > 0 ? 0 : null }
                : null;
        long firings = row.GetInt64(0);
        double minimum = row.GetDouble(2), maximum = row.GetDouble(3);
        List<ActivatingContext> strongest = FeatureEncoding.Contexts(IndexFile.Bytes(row, 5), _file.Context), samples = FeatureEncoding.Contexts(IndexFile.Bytes(row, 6), _file.Context);
        return new FeatureData
        {
            Layer = layer,
            Feature = feature,
            Label = label,
            Firings = firings,
            Density = Tokens > 0 ? (double)firings / Tokens : null,
            Mean = firings > 0 ? row.GetDouble(1) / firings : null,
            Minimum = (float)minimum,
            Maximum = (float)maximum,
            Histogram = FeatureEncoding.Histogram(IndexFile.Bytes(row, 4)).ToHistogram(),
            Strongest = [.. strongest.Select(Example)],
            Intervals = [.. Split(strongest, samples, maximum)],
            Promoted = Effects(layer, feature, promoted: true),
            Suppressed = Effects(layer, feature, promoted: false),
        };
    });

    public void SetLabel(int layer, int feature, string? label)
    {
        if (!CanLabel) throw new InvalidOperationException($"{_file.Path} cannot be written, so its labels cannot be changed.");
        if ((uint)layer >= (uint)Description.Features.Count || (uint)feature >= (uint)Description.Features[layer])
            throw new ArgumentException($"The index has no feature {feature} in layer {layer}.");
        if (label?.Length > LongestLabel) throw new ArgumentException($"The label has {label.Length} characters; {LongestLabel} are allowed.", nameof(label));
        Guarded(() => string.IsNullOrEmpty(label)
            ? _file.Execute("DELETE FROM labels WHERE layer = $layer AND feature = $feature", ("$layer", layer), ("$feature", feature))
            : _file.Execute("INSERT INTO labels (layer, feature, label) VALUES ($layer, $feature, $label) ON CONFLICT (layer, feature) DO UPDATE SET label = excluded.label", ("$layer", layer), ("$feature", feature), ("$label", label)));
    }

    public IReadOnlyDictionary<(int Layer, int Feature), string> Labels() => Guarded(() =>
    {
        Dictionary<(int, int), string> labels = [];
        using SqliteCommand command = _file.Command("SELECT layer, feature, label FROM labels");
        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read()) labels[(row.GetInt32(0), row.GetInt32(1))] = row.GetString(2);
        return labels;
    });

    public IReadOnlyList<FeatureSummary> Search(string text, int? layer = null, int most = 100) => Guarded(() =>
    {
        ArgumentOutOfRangeException.ThrowIfNegative(most);
        const string Query = """
            SELECT f.layer, f.feature, l.label, f.maximum, f.firings
            FROM features f LEFT JOIN labels l ON l.layer = f.layer AND l.feature = f.feature
            WHERE ($layer IS NULL OR f.layer = $layer) AND ($text = '' OR l.label LIKE $pattern ESCAPE '\'
                OR EXISTS (SELECT 1 FROM effects e JOIN vocabulary v ON v.token = e.token WHERE e.layer = f.layer AND e.feature = f.feature AND e.rank > 0 AND v.text LIKE $pattern ESCAPE '\'))
            ORDER BY (CASE WHEN $text <> '' THEN l.label LIKE $pattern ESCAPE '\' ELSE l.label IS NOT NULL END) DESC, f.layer, f.feature LIMIT $most
            """;
        string pattern = $"%{text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal)}%";
        List<FeatureSummary> found = [];
        using SqliteCommand command = _file.Command(Query, ("$layer", layer), ("$text", text), ("$pattern", pattern), ("$most", most));
        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read())
            found.Add(new FeatureSummary(row.GetInt32(0), row.GetInt32(1), row.IsDBNull(2) ? null : row.GetString(2), (float)row.GetDouble(3), Tokens > 0 ? (double)row.GetInt64(4) / Tokens : null,
                [.. Effects(row.GetInt32(0), row.GetInt32(1), promoted: true).Take(3).Select(effect => effect.Token)]));
        return found;
    });

    /// <summary>How active the features of each layer are; layers without any are left out.</summary>
    public IReadOnlyList<LayerActivity> LayerActivity() => Guarded(() =>
    {
        List<LayerActivity> layers = [];
        for (int layer = 0; layer < Description.Features.Count; layer++)
        {
            if (Description.Features[layer] == 0) continue;
            using SqliteCommand command = _file.Command("SELECT count(*), coalesce(sum(firings), 0), coalesce(sum(firings > $dense), 0) FROM features WHERE layer = $layer", ("$layer", layer), ("$dense", Tokens / 10));
            using SqliteDataReader row = command.ExecuteReader();
            row.Read();
            layers.Add(new LayerActivity(layer, Description.Features[layer], row.GetInt64(0), (double)row.GetInt64(1) / Math.Max(1, Tokens), row.GetInt64(2)));
        }
        return layers;
    });

    /// <summary>The features that were active at least once, by layer and feature.</summary>
    public IReadOnlyList<(int Layer, int Feature)> Active() => Guarded(() =>
    {
        List<(int, int)> features = [];
        using SqliteCommand command = _file.Command("SELECT layer, feature FROM features ORDER BY layer, feature");
        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read()) features.Add((row.GetInt32(0), row.GetInt32(1)));
        return features;
    });

    public void Dispose() => _file.Dispose();

    private string? Label(int layer, int feature)
    {
        using SqliteCommand command = _file.Command("SELECT label FROM labels WHERE layer = $layer AND feature = $feature", ("$layer", layer), ("$feature", feature));
        return command.ExecuteScalar() as string;
    }

    private List<TokenEffect> Effects(int layer, int feature, bool promoted)
    {
        List<TokenEffect> effects = [];
        using SqliteCommand command = _file.Command(
            $"SELECT v.text, e.effect FROM effects e JOIN vocabulary v ON v.token = e.token WHERE e.layer = $layer AND e.feature = $feature AND e.rank {(promoted ? '>' : '<')} 0 ORDER BY abs(e.rank)", ("$layer", layer), ("$feature", feature));
        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read()) effects.Add(new TokenEffect(row.GetString(0), (float)row.GetDouble(1)));
        return effects;
    }

    /// <summary>Samples by equal parts of the range from zero to the maximum, the strongest contexts left out.</summary>
    private IEnumerable<FeatureInterval> Split(List<ActivatingContext> strongest, List<ActivatingContext> samples, double maximum)
    {
        if (!(maximum > 0)) yield break;
        HashSet<ulong> shown = [.. strongest.Select(context => context.Key)];
        for (int part = Intervals - 1; part >= 0; part--)
        {
            double from = maximum * part / Intervals, to = maximum * (part + 1) / Intervals;
            FeatureExample[] examples =
            [
                .. samples.Where(sample => sample.Value >= from && (sample.Value < to || part == Intervals - 1) && !shown.Contains(sample.Key))
                    .OrderBy(sample => ActivatingContext.Mix(sample.Key)).Take(Math.Max(1, Description.Samples)).OrderByDescending(sample => sample.Value).Select(Example),
            ];
            if (examples.Length > 0) yield return new FeatureInterval($"{part * 100 / Intervals} to {(part + 1) * 100 / Intervals} % of the largest", from, to, examples);
        }
    }

    private FeatureExample Example(ActivatingContext context)
    {
        int[] tokens = context.Context.Tokens;
        int first = Math.Max(0, context.Position - Description.Before), end = Math.Min(tokens.Length, context.Position + Description.After + 1);
        float[] activations = new float[end - first];
        foreach (Firing firing in context.Firings)
            if (firing.Position >= first && firing.Position < end) activations[firing.Position - first] = firing.Value;
        return new FeatureExample([.. tokens[first..end].Select(_file.TextOf)], activations, context.Position - first);
    }

    private T Guarded<T>(Func<T> work)
    {
        lock (_lock) return _file.Guarded(work);
    }
}
