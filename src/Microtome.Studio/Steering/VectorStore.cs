using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Studio.Api;
using Microtome.Studio.Models;
using Microtome.Studio.Storage;

namespace Microtome.Studio.Steering;

/// <summary>Named steering vectors, each for one model.</summary>
internal sealed class VectorStore(DataFolder data, StudioDatabase database)
{
    private const int Most = 1000, LongestName = 100;

    public VectorList List(string? model) => new(database.Query("SELECT name, model, layers, norms, added FROM vectors WHERE $model IS NULL OR model = $model ORDER BY name", Read, ("$model", model)));

    /// <summary>Keeps an uploaded vector, in place of one of the same name.</summary>
    /// <exception cref="InvalidDataException">The file is no steering vector.</exception>
    public VectorRecord Add(string name, ModelInUse model, ReadOnlyMemory<byte> file)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > LongestName) throw RequestException.Bad($"A vector has a name of 1 to {LongestName} characters.");
        if (database.Scalar("SELECT count(*) FROM vectors") is >= (long)Most) throw RequestException.Conflict($"There are {Most} vectors already; delete some.");
        string path = PathOf(name, model.Model.Name), arriving = $"{path}.new";
        try
        {
            AtomicFile.Write(arriving, stream => stream.Write(file.Span));
            SteeringVector vector = Load(arriving);
            int width = model.Model.Specification.ModelWidth;
            if (vector.Width != width) throw RequestException.Bad($"The vector has width {vector.Width}, but the model's stream has {width}: it was made for another model.");
            File.Move(arriving, path, overwrite: true);
            VectorRecord record = new(name, model.Model.Name, [.. vector.Directions.Keys], [.. vector.Directions.Values.Select(direction => (double)SteeringVector.Norm(direction))], DateTime.UtcNow);
            database.Execute("INSERT OR REPLACE INTO vectors VALUES ($name, $model, $layers, $norms, $added)", ("$name", name), ("$model", record.Model),
                ("$layers", JsonSerializer.Serialize(record.Layers, StudioJson.Default.IReadOnlyListInt32)), ("$norms", JsonSerializer.Serialize(record.Norms, StudioJson.Default.IReadOnlyListDouble)),
                ("$added", record.Added.ToString("O", CultureInfo.InvariantCulture)));
            return record;
        }
        finally
        {
            File.Delete(arriving);
        }
    }

    public SteeringVector Get(string name, ModelInUse model) =>
        database.Scalar("SELECT 1 FROM vectors WHERE name = $name AND model = $model", ("$name", name), ("$model", model.Model.Name)) is null
            ? throw RequestException.NotFound($"The model '{model.Model.Name}' has no vector '{name}'.")
            : Load(PathOf(name, model.Model.Name));

    public void Delete(string name, ModelInUse model)
    {
        if (database.Execute("DELETE FROM vectors WHERE name = $name AND model = $model", ("$name", name), ("$model", model.Model.Name)) == 0) throw RequestException.NotFound($"The model '{model.Model.Name}' has no vector '{name}'.");
        File.Delete(PathOf(name, model.Model.Name));
    }

    private string PathOf(string name, string model) => data.Vectors(DataFolder.IdOf($"{model}\n{name}"));

    /// <summary>What a mistake says names the upload, not the file it became.</summary>
    private static SteeringVector Load(string path)
    {
        try
        {
            return VectorFile.Load(path);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException(exception.Message.Replace(path, "The file", StringComparison.Ordinal), exception);
        }
    }

    private static VectorRecord Read(SqliteDataReader row) => new(row.GetString(0), row.GetString(1), JsonSerializer.Deserialize(row.GetString(2), StudioJson.Default.IReadOnlyListInt32)!,
        JsonSerializer.Deserialize(row.GetString(3), StudioJson.Default.IReadOnlyListDouble)!, DateTime.Parse(row.GetString(4), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind));
}
