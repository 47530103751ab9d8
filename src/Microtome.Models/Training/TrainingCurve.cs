using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Microtome.Models.Training;

/// <summary>The steps of a training run as JSON lines.</summary>
public static class TrainingCurve
{
    /// <summary>Where a run's folder keeps it.</summary>
    public static string PathIn(string folder) => Path.Combine(folder, "curve.jsonl");

    /// <summary>The steps in a file, up to the first line that is not one, such as one that was cut off.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IReadOnlyList<TrainingRecord> Read(string path)
    {
        List<TrainingRecord> records = [];
        foreach (string line in File.ReadLines(path))
        {
            if (Parse(line) is not { } record) break;
            records.Add(record);
        }
        return records;
    }

    /// <summary>The step that a line tells of; null when it is not one.</summary>
    internal static TrainingRecord? Parse(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            double? validation = root.TryGetProperty("validation_loss", out JsonElement measured) ? measured.GetDouble() : null;
            return new TrainingRecord(root.GetProperty("step").GetInt64(), Number("loss"), Number("learning_rate"), Number("gradient_norm"), root.GetProperty("tokens").GetInt64(), Number("seconds"), validation);

            double Number(string name) => root.GetProperty(name).GetDouble();
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    internal static string Line(TrainingRecord record)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("step", record.Step);
            json.WriteNumber("loss", Math.Round(record.Loss, 6));
            json.WriteNumber("learning_rate", double.Parse(record.LearningRate.ToString("g6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));
            json.WriteNumber("gradient_norm", Math.Round(record.GradientNorm, 6));
            json.WriteNumber("tokens", record.Tokens);
            json.WriteNumber("seconds", Math.Round(record.Seconds, 4));
            if (record.ValidationLoss is { } validation) json.WriteNumber("validation_loss", Math.Round(validation, 6));
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
