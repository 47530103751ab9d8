using Microsoft.Data.Sqlite;

namespace Microtome.Studio.Storage;

/// <summary>
/// The SQLite file of a data folder. Its <c>user_version</c> says how many migrations it has had; those that it lacks are applied, each whole or
/// not at all, when it is opened.
/// </summary>
internal sealed class StudioDatabase : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Lock _lock = new();

    /// <exception cref="InvalidDataException">The file is not a studio's database, or a newer program's.</exception>
    public StudioDatabase(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 10 }.ToString());
        try
        {
            _connection.Open();
            Execute("PRAGMA journal_mode = WAL");
            Execute("PRAGMA foreign_keys = ON");
            Migrate(path);
        }
        catch (SqliteException exception)
        {
            _connection.Dispose();
            throw new InvalidDataException($"{path} cannot be used as the studio's database: {exception.Message} Move it away, or choose another folder with --data.", exception);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public int Version => Convert.ToInt32(Scalar("PRAGMA user_version"), System.Globalization.CultureInfo.InvariantCulture);

    /// <returns>How many rows changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        lock (_lock)
        {
            using SqliteCommand command = Command(sql, parameters);
            return command.ExecuteNonQuery();
        }
    }

    public List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        lock (_lock)
        {
            using SqliteCommand command = Command(sql, parameters);
            using SqliteDataReader reader = command.ExecuteReader();
            List<T> rows = [];
            while (reader.Read()) rows.Add(read(reader));
            return rows;
        }
    }

    public object? Scalar(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        lock (_lock)
        {
            using SqliteCommand command = Command(sql, parameters);
            return command.ExecuteScalar();
        }
    }

    /// <summary>Runs statements that take effect together.</summary>
    public void Together(Action work)
    {
        lock (_lock)
        {
            Execute("BEGIN IMMEDIATE");
            try
            {
                work();
                Execute("COMMIT");
            }
            catch
            {
                Execute("ROLLBACK");
                throw;
            }
        }
    }

    public void Dispose()
    {
        lock (_lock) _connection.Dispose();
    }

    private SqliteCommand Command(string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        SqliteCommand command = _connection.CreateCommand();
#pragma warning disable CA2100 // every statement is a constant of this program
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach ((string name, object? value) in parameters) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    private void Migrate(string path)
    {
        Together(() =>
        {
            int version = Version;
            if (version > Migrations.All.Count)
                throw new InvalidDataException($"{path} was written by a newer Microtome (schema {version}; this program knows {Migrations.All.Count}). Use that one, or another folder with --data.");
            for (; version < Migrations.All.Count; version++) Execute(Migrations.All[version]);
            Execute($"PRAGMA user_version = {version}");
        });
    }
}
