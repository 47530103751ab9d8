using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>
/// A sweep's results in a SQLite file: a row is there whole, once, or not at all, whenever the program ends. One table a sweep, with a column for each
/// factor and measure; <c>meta</c> says what made them, <c>sessions</c> how many cells each run of the program added.
/// </summary>
public sealed class SweepStore : IDisposable
{
    private const int ApplicationId = 0x4D53_5750; // "MSWP"
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly SqliteConnection _connection;
    private readonly Lock _lock = new();
    private readonly long _session;

    private SweepStore(string path, string fingerprint, SqliteConnection connection, long session)
    {
        Path = path;
        Fingerprint = fingerprint;
        _connection = connection;
        _session = session;
    }

    public string Path { get; }

    /// <summary>Of the experiment whose results these are.</summary>
    public string Fingerprint { get; }

    /// <summary>How many cells were found by this and earlier runs of the program.</summary>
    public IReadOnlyList<long> Sessions => Guarded(() =>
    {
        using SqliteCommand command = Command("SELECT cells FROM sessions ORDER BY id");
        using SqliteDataReader reader = command.ExecuteReader();
        List<long> cells = [];
        while (reader.Read()) cells.Add(reader.GetInt64(0));
        return cells;
    });

    /// <summary>Opens the results of what a fingerprint and a description name, or makes an empty file for them.</summary>
    /// <param name="fingerprint">Equal for equal experiments on equal models.</param>
    /// <param name="description">What made the results, for those who read them.</param>
    /// <exception cref="InvalidDataException">The file is something else, damaged, or holds another experiment's results.</exception>
    public static SweepStore Open(string path, string fingerprint, string description)
    {
        ArgumentNullException.ThrowIfNull(path);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;");
            using SqliteTransaction transaction = connection.BeginTransaction();
            if (Scalar(connection, "SELECT count(*) FROM sqlite_master") is 0L)
            {
                Execute(connection, $"PRAGMA application_id = {ApplicationId}");
                Execute(connection, "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID; CREATE TABLE sessions (id INTEGER PRIMARY KEY, cells INTEGER NOT NULL);");
                Execute(connection, "INSERT INTO meta VALUES ('fingerprint', $f), ('description', $d)", ("$f", fingerprint), ("$d", description));
            }
            if (Scalar(connection, "PRAGMA application_id") is not (long)ApplicationId) throw new InvalidDataException($"{path} is a database, but not of results of experiments.");
            if (Scalar(connection, "SELECT value FROM meta WHERE key = 'fingerprint'") is not string stored || stored != fingerprint)
                throw new InvalidDataException($"{path} holds the results of another experiment, or of another model. Give another folder with --out, or remove this file.");
            Execute(connection, "INSERT INTO sessions (cells) VALUES (0)");
            long session = (long)Scalar(connection, "SELECT last_insert_rowid()")!;
            transaction.Commit();
            return new SweepStore(path, fingerprint, connection, session);
        }
        catch (SqliteException exception)
        {
            connection.Dispose();
            throw new InvalidDataException($"{path} is not usable for results: {exception.Message}", exception);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Which of a sweep's cells have results.</summary>
    /// <exception cref="InvalidDataException">The results belong to other cells.</exception>
    internal HashSet<int> Done(SweepTable table, IReadOnlyList<SweepCell> cells) => Guarded(() =>
    {
        table.Validate();
        string columns = string.Concat(table.Factors.Select(name => $", {name}")) + string.Concat(table.Measures.Select(name => $", {name} REAL"));
        Execute(_connection, $"CREATE TABLE IF NOT EXISTS {table.Name} (ordinal INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE{columns}, status TEXT NOT NULL)");
        if (table.Details.Count > 0)
            Execute(_connection, $"CREATE TABLE IF NOT EXISTS {table.DetailsName} (ordinal INTEGER NOT NULL, row INTEGER NOT NULL{string.Concat(table.Details.Select(name => $", {name} REAL NOT NULL"))}, PRIMARY KEY (ordinal, row)) WITHOUT ROWID");
        HashSet<int> done = [];
        using SqliteCommand command = Command($"SELECT ordinal, key FROM {table.Name}");
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            long ordinal = reader.GetInt64(0);
            if ((ulong)ordinal >= (ulong)cells.Count || cells[(int)ordinal].Key != reader.GetString(1))
                throw new InvalidDataException($"{Path} holds results of other cells than those of this experiment ({reader.GetString(1)}). Give another folder with --out, or remove this file.");
            done.Add((int)ordinal);
        }
        return done;
    });

    /// <summary>Adds results of cells together: all or, when the program ends before, none.</summary>
    internal void Add(SweepTable table, IReadOnlyList<SweepCell> cells, IReadOnlyList<int> ordinals, IReadOnlyList<CellResult> results) => Guarded(() =>
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        using SqliteCommand command = Command($"INSERT INTO {table.Name} VALUES ({string.Join(", ", Enumerable.Range(0, 3 + table.Factors.Count + table.Measures.Count).Select(i => $"$p{i}"))})");
        for (int i = 0; i < ordinals.Count; i++)
        {
            SweepCell cell = cells[ordinals[i]];
            command.Parameters.Clear();
            int next = 0;
            void Value(object? value) => command.Parameters.AddWithValue($"$p{next++}", value ?? DBNull.Value);
            Value(ordinals[i]);
            Value(cell.Key);
            foreach (object factor in cell.Factors) Value(factor);
            foreach (double measure in results[i].Measures) Value(double.IsNaN(measure) ? null : measure);
            Value(results[i].Status);
            command.ExecuteNonQuery();
            if (table.Details.Count > 0) AddDetails(table, ordinals[i], results[i].Details);
        }
        Execute(_connection, "UPDATE sessions SET cells = cells + $n WHERE id = $id", ("$n", ordinals.Count), ("$id", _session));
        transaction.Commit();
        return true;
    });

    private void AddDetails(SweepTable table, int ordinal, IReadOnlyList<double[]> rows)
    {
        using SqliteCommand command = Command($"INSERT INTO {table.DetailsName} VALUES ({ordinal}, $row{string.Concat(table.Details.Select((_, i) => $", $p{i}"))})");
        SqliteParameter number = command.Parameters.Add("$row", SqliteType.Integer);
        SqliteParameter[] values = [.. table.Details.Select((_, i) => command.Parameters.Add($"$p{i}", SqliteType.Real))];
        command.Prepare();
        for (int row = 0; row < rows.Count; row++)
        {
            number.Value = row;
            for (int i = 0; i < values.Length; i++) values[i].Value = rows[row][i];
            command.ExecuteNonQuery();
        }
    }

    /// <summary>All results of a sweep in the order of its cells.</summary>
    public IReadOnlyList<SweepRow> Read(SweepTable table, IReadOnlyList<SweepCell> cells) => Guarded(() =>
    {
        using SqliteCommand command = Command($"SELECT ordinal{string.Concat(table.Measures.Select(name => $", {name}"))}, status FROM {table.Name} ORDER BY ordinal");
        using SqliteDataReader reader = command.ExecuteReader();
        ILookup<long, double[]> details = ReadDetails(table).ToLookup(row => row.Ordinal, row => row.Values);
        List<SweepRow> rows = [];
        while (reader.Read())
        {
            double[] measures = new double[table.Measures.Count];
            for (int i = 0; i < measures.Length; i++) measures[i] = reader.IsDBNull(i + 1) ? double.NaN : reader.GetDouble(i + 1);
            long ordinal = reader.GetInt64(0);
            rows.Add(new SweepRow(table, cells[(int)ordinal], new CellResult(measures, reader.GetString(measures.Length + 1)) { Details = [.. details[ordinal]] }));
        }
        return rows;
    });

    private List<(long Ordinal, double[] Values)> ReadDetails(SweepTable table)
    {
        List<(long, double[])> rows = [];
        if (table.Details.Count == 0) return rows;
        using SqliteCommand command = Command($"SELECT ordinal{string.Concat(table.Details.Select(name => $", {name}"))} FROM {table.DetailsName} ORDER BY ordinal, row");
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read()) rows.Add((reader.GetInt64(0), [.. Enumerable.Range(1, table.Details.Count).Select(reader.GetDouble)]));
        return rows;
    }

    /// <summary>Writes a sweep's results as JSON lines, one a cell in the order of the cells; numbers that are none are null.</summary>
    public static void WriteJsonLines(string path, SweepTable table, IReadOnlyList<SweepRow> rows) => AtomicFile.Write(path, stream =>
    {
        foreach (SweepRow row in rows)
        {
            using (Utf8JsonWriter json = new(stream, Plain))
            {
                json.WriteStartObject();
                for (int i = 0; i < table.Factors.Count; i++)
                {
                    json.WritePropertyName(table.Factors[i]);
                    switch (row.Cell.Factors[i])
                    {
                        case string text: json.WriteStringValue(text); break;
                        case int integer: json.WriteNumberValue(integer); break;
                        case long integer: json.WriteNumberValue(integer); break;
                        default: json.WriteNumberValue((double)row.Cell.Factors[i]); break;
                    }
                }
                foreach (string measure in table.Measures)
                {
                    if (double.IsFinite(row[measure])) json.WriteNumber(measure, row[measure]);
                    else json.WriteNull(measure);
                }
                json.WriteString("status", row.Result.Status);
                json.WriteEndObject();
            }
            stream.WriteByte((byte)'\n');
        }
    });

    public void Dispose() => _connection.Dispose();

    private T Guarded<T>(Func<T> work)
    {
        lock (_lock)
        {
            try
            {
                return work();
            }
            catch (SqliteException exception) when (exception.SqliteErrorCode is 11 or 26 or 1) // damaged, no database, no such column
            {
                throw new InvalidDataException($"{Path} is damaged or was made by another version: {exception.Message}", exception);
            }
            catch (SqliteException exception)
            {
                throw new IOException($"{Path} cannot be used: {exception.Message}", exception);
            }
            catch (InvalidCastException exception)
            {
                throw new InvalidDataException($"{Path} is damaged: {exception.Message}", exception);
            }
        }
    }

    private SqliteCommand Command(string sql)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }

    private static void Execute(SqliteConnection connection, string sql, params (string Name, object Value)[] parameters)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object value) in parameters) command.Parameters.AddWithValue(name, value);
        command.ExecuteNonQuery();
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
