using System.Text.Json;
using Microtome.Dictionaries;

namespace Microtome.Experiments;

/// <summary>A study of dictionaries as JSON records. Intervals are <c>[estimate, low, high]</c>; what has no value is null.</summary>
public static class DictionaryRecord
{
    /// <summary>Writes the properties of one dictionary's record.</summary>
    public static void Write(Utf8JsonWriter json, DictionaryStudy study, DictionaryResult dictionary)
    {
        DictionaryScores scores = dictionary.Scores;
        json.WriteString("record", "dictionary");
        json.WriteString("dictionary", scores.Name);
        json.WriteString("kind", scores.Kind);
        json.WriteString("activation", scores.Activation);
        json.WriteNumber("latents", scores.Latents);
        json.WriteString("model", study.Model);
        json.WriteString("source", study.Source);
        json.WriteNumber("tokens", scores.Tokens);
        json.WriteNumber("documents", scores.Documents);
        Write(json, "own_loss", scores.OwnLoss);
        Write(json, "variance_unexplained", scores.Unexplained);
        Write(json, "l0", scores.L0);
        json.WriteNumber("dead", scores.Dead);
        json.WriteNumber("dense", scores.Dense);
        Write(json, "all", scores.All);
        json.WriteStartArray("sites");
        foreach (SiteScores site in scores.Sites)
        {
            json.WriteStartObject();
            json.WriteString("site", site.Site);
            json.WriteNumber("latents", site.Latents);
            json.WriteNumber("dead", site.Dead);
            json.WriteNumber("dense", site.Dense);
            Write(json, "variance_unexplained", site.Unexplained);
            Write(json, "l0", site.L0);
            Write(json, "norm_ratio", site.NormRatio);
            Write(json, "best_scale", site.Scale);
            if (site.Spliced is { } spliced) Write(json, "alone", spliced);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("graphs");
        foreach (PromptScores graph in dictionary.Graphs)
        {
            json.WriteStartObject();
            json.WriteString("prompt", graph.Prompt);
            json.WriteNumber("replacement", graph.Replacement);
            json.WriteNumber("completeness", graph.Completeness);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (dictionary.Facts is { } facts) Write(json, facts);
    }

    /// <summary>Writes the properties of the record of two widths.</summary>
    public static void Write(Utf8JsonWriter json, SplittingScores pair)
    {
        json.WriteString("record", "splitting");
        json.WriteString("narrow", pair.Narrow);
        json.WriteString("wide", pair.Wide);
        json.WriteNumber("median_cosine", pair.MedianCosine);
        json.WriteNumber("lost", pair.Lost);
        json.WriteNumber("split", pair.Split);
        json.WriteStartArray("latents");
        foreach (LatentMatch match in pair.Matches)
        {
            json.WriteStartObject();
            json.WriteNumber("layer", match.Layer);
            json.WriteNumber("latent", match.Latent);
            json.WriteNumber("match", match.Match);
            json.WriteNumber("cosine", match.Cosine);
            json.WriteNumber("children", match.Children);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, FactScores facts)
    {
        Write(json, "facts_found", facts.Found);
        Write(json, "facts_found_by_chance", facts.FoundByChance);
        json.WriteStartArray("facts");
        foreach (FactLatent fact in facts.Facts)
        {
            json.WriteStartObject();
            json.WriteString("kind", fact.Fact.Group);
            json.WriteString("fact", fact.Fact.Name);
            json.WriteNumber("frequency", fact.Fact.Frequency);
            json.WriteNumber("layer", fact.Layer);
            json.WriteNumber("latent", fact.Latent);
            json.WriteNumber("f1", fact.F1);
            json.WriteNumber("auc", fact.Area);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, string name, SpliceScores scores)
    {
        json.WriteStartObject(name);
        Write(json, "loss", scores.Loss);
        Write(json, "loss_added", scores.Added);
        Write(json, "recovered_from_zero", scores.RecoveredFromZero);
        Write(json, "recovered_from_mean", scores.RecoveredFromMean);
        Write(json, "divergence", scores.Divergence);
        json.WriteNumber("zero_loss", scores.ZeroLoss);
        json.WriteNumber("mean_loss", scores.MeanLoss);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, Interval interval)
    {
        json.WriteStartArray(name);
        foreach (double value in (double[])[interval.Estimate, interval.Low, interval.High])
            if (double.IsFinite(value)) json.WriteNumberValue(value);
            else json.WriteNullValue();
        json.WriteEndArray();
    }
}
