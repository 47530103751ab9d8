using System.Globalization;
using Microsoft.Data.Sqlite;
using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>How far an index has come.</summary>
internal readonly record struct IndexProgress(long Contexts, long Tokens, long Document);

/// <summary>An index's SQLite file: its schema, what made it, its contexts and its vocabulary. Used by one thread at a time.</summary>
internal sealed class IndexFile : IDisposable
{
    private const int ApplicationId = 0x4D46_4958; // "MFIX"

    /// <summary>Each brings a file from the version before to the next. A step that was released is never changed.</summary>
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE contexts (id INTEGER PRIMARY KEY, document INTEGER NOT NULL, tokens BLOB NOT NULL);
        CREATE TABLE vocabulary (token INTEGER PRIMARY KEY, text TEXT NOT NULL);
        CREATE TABLE features (layer INTEGER NOT NULL, feature INTEGER NOT NULL, firings INTEGER NOT NULL, sum REAL NOT NULL, minimum REAL NOT NULL, maximum REAL NOT NULL,
            histogram BLOB NOT NULL, strongest BLOB NOT NULL, samples BLOB NOT NULL, PRIMARY KEY (layer, feature));
        CREATE TABLE effects (layer INTEGER NOT NULL, feature INTEGER NOT NULL, rank INTEGER NOT NULL, token INTEGER NOT NULL, effect REAL NOT NULL, PRIMARY KEY (layer, feature, rank)) WITHOUT ROWID;
        """,
        "CREATE TABLE labels (layer INTEGER NOT NULL, feature INTEGER NOT NULL, label TEXT NOT NULL, PRIMARY KEY (layer, feature)) WITHOUT ROWID;",
    ];

    private readonly SqliteConnection _connection;
    private readonly Dictionary<int, string> _texts = [];

    private IndexFile(string path, SqliteConnection connection, bool readOnly)
    {
        Path = path;
        _connection = connection;
        IsReadOnly = readOnly;
    }

    public string Path { get; }

    public bool IsReadOnly { get; }

    public IndexDescription Description { get; private set; } = null!;

    public IndexProgress Progress { get; private set; }

    /// <summary>Opens an index that exists.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no index; the message names the file.</exception>
    public static IndexFile Open(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no feature index {path}; microtome index makes one.", path);
        IndexFile file = Connect(path, IsWritable(path) ? SqliteOpenMode.ReadWrite : SqliteOpenMode.ReadOnly);
        try
        {
            file.Guarded(() =>
            {
                file.Check();
                file.Load();
                return true;
            });
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens the index that was made as described, or makes an empty one.</summary>
    /// <exception cref="InvalidDataException">There is a file that is something else, or was made otherwise; the message says what differs.</exception>
    public static IndexFile OpenOrCreate(string path, IndexDescription description)
    {
        if (File.Exists(path) && new FileInfo(path).Length > 0)
        {
            IndexFile file = Open(path);
            if (file.Description.DifferenceFrom(description) is not { } difference && !file.IsReadOnly) return file;
            string reason = file.IsReadOnly ? "it cannot be written" : file.Description.DifferenceFrom(description)!;
            file.Dispose();
            throw new InvalidDataException($"{path} is an index already, but {reason}. Give another file, or remove this one.");
        }
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        IndexFile created = Connect(path, SqliteOpenMode.ReadWriteCreate);
        try
        {
            created.Guarded(() =>
            {
                created.Execute($"PRAGMA application_id = {ApplicationId}");
                created.Migrate(0);
                created.Execute("INSERT INTO meta VALUES ('description', $value)", ("$value", description.ToJson()));
                created.SetProgress(default);
                created.Description = description;
                return true;
            });
            return created;
        }
        catch
        {
            created.Dispose();
            throw;
        }
    }

    /// <summary>The context with an id; null where it is not there.</summary>
    public TokenContext? Context(long id)
    {
        using SqliteCommand command = Command("SELECT document, tokens FROM contexts WHERE id = $id", ("$id", id));
        using SqliteDataReader row = command.ExecuteReader();
        return row.Read() ? new TokenContext(id, row.GetInt64(0), FeatureEncoding.Tokens(Bytes(row, 1))) : null;
    }

    /// <summary>The text of a token.</summary>
    public string TextOf(int token)
    {
        if (_texts.TryGetValue(token, out string? text)) return text;
        using SqliteCommand command = Command("SELECT text FROM vocabulary WHERE token = $token", ("$token", token));
        return _texts[token] = command.ExecuteScalar() as string ?? throw new InvalidDataException($"token {token} has no text");
    }

    public void SetProgress(IndexProgress progress)
    {
        Execute("INSERT OR REPLACE INTO meta VALUES ('progress', $value)", ("$value", FormattableString.Invariant($"{progress.Contexts} {progress.Tokens} {progress.Document}")));
        Progress = progress;
    }

    public SqliteTransaction BeginTransaction() => _connection.BeginTransaction();

    public SqliteCommand Command(string text, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = text;
        foreach ((string name, object? value) in parameters) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    public int Execute(string text, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteCommand command = Command(text, parameters);
        return command.ExecuteNonQuery();
    }

    public long Scalar(string text)
    {
        using SqliteCommand command = Command(text);
        return command.ExecuteScalar() is long value ? value : throw new InvalidDataException("a number is missing");
    }

    public static byte[] Bytes(SqliteDataReader row, int column) => row.GetValue(column) as byte[] ?? throw new InvalidDataException("a column holds no bytes");

    /// <summary>Runs work on the file and names the file in what goes wrong.</summary>
    public T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (InvalidDataException exception) when (!exception.Message.Contains(Path, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{Path} is damaged: {exception.Message}.", exception);
        }
        catch (SqliteException exception)
        {
            throw exception.SqliteErrorCode switch
            {
                5 or 6 => new IOException($"{Path} is in use by another program; wait until it is done.", exception),
                8 => new IOException($"{Path} cannot be written.", exception),
                13 => new IOException($"There is no room on the disk for {Path}.", exception),
                26 => new InvalidDataException($"{Path} is not a feature index; microtome index makes one.", exception),
                _ => new InvalidDataException($"{Path} is not a feature index or is damaged: {exception.Message}", exception),
            };
        }
        catch (Exception exception) when (exception is InvalidCastException or FormatException or OverflowException)
        {
            throw new InvalidDataException($"{Path} is damaged: {exception.Message}", exception);
        }
    }

    public void Dispose() => _connection.Dispose();

    private static IndexFile Connect(string path, SqliteOpenMode mode)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 30 }.ToString());
        IndexFile file = new(path, connection, mode == SqliteOpenMode.ReadOnly);
        try
        {
            file.Guarded(() =>
            {
                connection.Open();
                return file.Execute("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
            });
            return file;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static bool IsWritable(string path)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return true;
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            return false;
        }
    }

    private void Check()
    {
        if (Scalar("PRAGMA application_id") != ApplicationId) throw new InvalidDataException($"{Path} is not a feature index; microtome index makes one.");
        long version = Scalar("PRAGMA user_version");
        if (version > Steps.Length) throw new InvalidDataException($"{Path} has version {version} of the index's layout; this program knows {Steps.Length}. Use a newer one.");
        if (version < 1) throw new InvalidDataException($"{Path} has no version of the index's layout.");
        if (Scalar("SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')") > 0) throw new InvalidDataException("it has views or triggers, which an index has not");
        if (version < Steps.Length)
        {
            if (IsReadOnly) throw new InvalidDataException($"{Path} has version {version} of the index's layout and cannot be written, so it cannot be brought to version {Steps.Length}.");
            Migrate((int)version);
        }
    }

    private void Migrate(int version)
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        for (; version < Steps.Length; version++) Execute(Steps[version]);
        Execute($"PRAGMA user_version = {Steps.Length}");
        transaction.Commit();
    }

    private void Load()
    {
        Description = IndexDescription.Parse(Meta("description"));
        long[] progress = [.. Meta("progress").Split(' ').Select(word => long.TryParse(word, CultureInfo.InvariantCulture, out long value) && value >= 0 ? value : throw new InvalidDataException("its progress is not a number"))];
        if (progress.Length != 3) throw new InvalidDataException("its progress is incomplete");
        Progress = new IndexProgress(progress[0], progress[1], progress[2]);
    }

    private string Meta(string key)
    {
        using SqliteCommand command = Command("SELECT value FROM meta WHERE key = $key", ("$key", key));
        return command.ExecuteScalar() as string ?? throw new InvalidDataException($"it has no {key}");
    }
}
