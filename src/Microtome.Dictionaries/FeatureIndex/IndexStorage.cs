using Microsoft.Data.Sqlite;
using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>Moves what was collected between memory and an index's file.</summary>
internal static class IndexStorage
{
    /// <summary>Reads what an earlier run collected.</summary>
    public static bool Load(IndexFile file, DictionaryFeatures dictionary, FeatureCollector collector)
    {
        Dictionary<long, TokenContext?> contexts = [];
        TokenContext? ContextOf(long id)
        {
            if (!contexts.TryGetValue(id, out TokenContext? context)) contexts.Add(id, context = file.Context(id));
            return context;
        }
        Dictionary<int, int> layers = dictionary.Layers.Select((layer, index) => (layer.Layer, index)).ToDictionary(pair => pair.Layer, pair => pair.index);
        using SqliteCommand command = file.Command("SELECT layer, feature, firings, sum, minimum, maximum, histogram, strongest, samples FROM features");
        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            int layer = row.GetInt32(0), feature = row.GetInt32(1);
            if (!layers.TryGetValue(layer, out int index) || (uint)feature >= (uint)dictionary.Layers[index].Features) throw new InvalidDataException($"it has a feature {feature} of layer {layer}, which the dictionary has not");
            FeatureStatistics statistics = collector.New();
            statistics.Firings = row.GetInt64(2);
            statistics.Sum = row.GetDouble(3);
            statistics.Minimum = (float)row.GetDouble(4);
            statistics.Maximum = (float)row.GetDouble(5);
            statistics.Bins = FeatureEncoding.Histogram(IndexFile.Bytes(row, 6));
            foreach (ActivatingContext context in FeatureEncoding.Contexts(IndexFile.Bytes(row, 7), ContextOf)) statistics.AddStrongest(context);
            foreach (ActivatingContext context in FeatureEncoding.Contexts(IndexFile.Bytes(row, 8), ContextOf)) statistics.AddSample(context);
            collector.Layers[index].Add(feature, statistics);
        }
        return true;
    }

    /// <summary>Writes what changed, in one transaction.</summary>
    public static bool Save(IndexFile file, FeatureCollector collector, IndexProgress progress, Func<int, string> textOf)
    {
        HashSet<long> named = [];
        Dictionary<long, TokenContext> fresh = [];
        using SqliteTransaction transaction = file.BeginTransaction();
        using SqliteCommand insert = file.Command("INSERT OR REPLACE INTO features VALUES ($layer, $feature, $firings, $sum, $minimum, $maximum, $histogram, $strongest, $samples)");
        for (int i = 0; i < collector.Layers.Count; i++)
            foreach ((int feature, FeatureStatistics statistics) in collector.Layers[i].OrderBy(pair => pair.Key))
            {
                foreach (ActivatingContext context in statistics.Strongest.Concat(statistics.Samples))
                    if (named.Add(context.Context.Id)) fresh.Add(context.Context.Id, context.Context);
                if (!statistics.Changed) continue;
                insert.Parameters.Clear();
                insert.Parameters.AddWithValue("$layer", collector.LayerOf(i));
                insert.Parameters.AddWithValue("$feature", feature);
                insert.Parameters.AddWithValue("$firings", statistics.Firings);
                insert.Parameters.AddWithValue("$sum", statistics.Sum);
                insert.Parameters.AddWithValue("$minimum", (double)statistics.Minimum);
                insert.Parameters.AddWithValue("$maximum", (double)statistics.Maximum);
                insert.Parameters.AddWithValue("$histogram", FeatureEncoding.Histogram(statistics.Bins));
                insert.Parameters.AddWithValue("$strongest", FeatureEncoding.Contexts(statistics.Strongest));
                insert.Parameters.AddWithValue("$samples", FeatureEncoding.Contexts(statistics.Samples));
                insert.ExecuteNonQuery();
                statistics.Changed = false;
            }
        SaveContexts(file, named, fresh, textOf);
        file.SetProgress(progress);
        transaction.Commit();
        return true;
    }

    public static HashSet<int> FeaturesWithEffects(IndexFile file, int layer)
    {
        HashSet<int> features = [];
        using SqliteCommand command = file.Command("SELECT DISTINCT feature FROM effects WHERE layer = $layer", ("$layer", layer));
        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read()) features.Add(row.GetInt32(0));
        return features;
    }

    /// <summary>Within a transaction.</summary>
    public static void WriteEffects(IndexFile file, int layer, int feature, IReadOnlyList<(int Token, float Effect)> promoted, IReadOnlyList<(int Token, float Effect)> suppressed, Func<int, string> textOf)
    {
        for (int i = 0; i < promoted.Count; i++) Write(i + 1, promoted[i]);
        for (int i = 0; i < suppressed.Count; i++) Write(-1 - i, suppressed[i]);

        void Write(int rank, (int Token, float Effect) effect)
        {
            file.Execute("INSERT OR REPLACE INTO effects VALUES ($layer, $feature, $rank, $token, $effect)", ("$layer", layer), ("$feature", feature), ("$rank", rank), ("$token", effect.Token), ("$effect", (double)effect.Effect));
            AddToken(file, effect.Token, textOf);
        }
    }

    /// <summary>Keeps the contexts that examples name, and no others.</summary>
    private static void SaveContexts(IndexFile file, HashSet<long> named, Dictionary<long, TokenContext> contexts, Func<int, string> textOf)
    {
        List<long> stored = [];
        using (SqliteCommand list = file.Command("SELECT id FROM contexts"))
        using (SqliteDataReader row = list.ExecuteReader())
            while (row.Read()) stored.Add(row.GetInt64(0));
        foreach (long id in stored)
            if (!named.Contains(id)) file.Execute("DELETE FROM contexts WHERE id = $id", ("$id", id));
        HashSet<int> tokens = [];
        HashSet<long> known = [.. stored];
        foreach (TokenContext context in contexts.Values.Where(context => !known.Contains(context.Id)).OrderBy(context => context.Id))
        {
            file.Execute("INSERT INTO contexts VALUES ($id, $document, $tokens)", ("$id", context.Id), ("$document", context.Document), ("$tokens", FeatureEncoding.Tokens(context.Tokens)));
            tokens.UnionWith(context.Tokens);
        }
        foreach (int token in tokens.Order()) AddToken(file, token, textOf);
    }

    private static void AddToken(IndexFile file, int token, Func<int, string> textOf) =>
        file.Execute("INSERT OR IGNORE INTO vocabulary VALUES ($token, $text)", ("$token", token), ("$text", textOf(token)));
}
