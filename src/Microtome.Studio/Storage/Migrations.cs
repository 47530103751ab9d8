namespace Microtome.Studio.Storage;

/// <summary>How the schema came to be. Entries are only ever added: each makes version i + 1 of version i.</summary>
internal static class Migrations
{
    public static IReadOnlyList<string> All { get; } =
    [
        """
        CREATE TABLE traces (
            id TEXT PRIMARY KEY, title TEXT NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL, error TEXT, model TEXT NOT NULL, dictionary TEXT NOT NULL,
            prompt TEXT NOT NULL, tokens TEXT NOT NULL, targets TEXT NOT NULL, created TEXT NOT NULL, seconds REAL, features INTEGER, active_features INTEGER,
            edges INTEGER, replacement REAL, completeness REAL, parameters TEXT NOT NULL);
        CREATE TABLE labels (
            dictionary TEXT NOT NULL, layer INTEGER NOT NULL, feature INTEGER NOT NULL, source TEXT NOT NULL, text TEXT NOT NULL, changed TEXT NOT NULL,
            PRIMARY KEY (dictionary, layer, feature, source)) WITHOUT ROWID;
        CREATE TABLE models (id TEXT PRIMARY KEY, model TEXT NOT NULL, transcoders TEXT, feature_data TEXT, added TEXT NOT NULL);
        """,
        """
        CREATE TABLE stories (trace TEXT PRIMARY KEY REFERENCES traces (id) ON DELETE CASCADE, body TEXT NOT NULL, changed TEXT NOT NULL);
        CREATE TABLE presets (id TEXT PRIMARY KEY, name TEXT NOT NULL, model TEXT NOT NULL, steering TEXT NOT NULL, settings TEXT NOT NULL, changed TEXT NOT NULL);
        """,
        """
        CREATE TABLE vectors (name TEXT NOT NULL, model TEXT NOT NULL, layers TEXT NOT NULL, norms TEXT NOT NULL, added TEXT NOT NULL, PRIMARY KEY (name, model)) WITHOUT ROWID;
        """,
    ];
}
