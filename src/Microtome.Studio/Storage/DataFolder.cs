using System.Security.Cryptography;

namespace Microtome.Studio.Storage;

/// <summary>Where everything that is kept lies. Paths are made of ids that the program chose, never of what a request says.</summary>
internal sealed class DataFolder
{
    private const int IdLength = 12;
    private const string IdCharacters = "abcdefghijkmnpqrstuvwxyz23456789";

    /// <exception cref="IOException">The folder cannot be made or written to.</exception>
    public DataFolder(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(Path);
            else Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Directory.CreateDirectory(Graphs);
            Directory.CreateDirectory(Models);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The data folder '{path}' cannot be made: {exception.Message} Choose another with --data.", exception);
        }
    }

    public string Path { get; }

    public string Database => System.IO.Path.Combine(Path, "studio.db");

    /// <summary>Where models may be put for requests to choose.</summary>
    public string Models => System.IO.Path.Combine(Path, "models");

    private string Graphs => System.IO.Path.Combine(Path, "graphs");

    public string Graph(string trace) => System.IO.Path.Combine(Graphs, $"{Checked(trace)}.safetensors");

    /// <summary>The feature data that was harvested for a model's dictionary.</summary>
    public string Index(string key) => System.IO.Path.Combine(Path, "indexes", Checked(key));

    public string Vectors(string key) => System.IO.Path.Combine(Path, "vectors", Checked(key));

    public static string NewId() => RandomNumberGenerator.GetString(IdCharacters, IdLength);

    /// <summary>An id that is the same for the same text.</summary>
    public static string IdOf(string text)
    {
        byte[] hash = SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text));
        return string.Create(IdLength, hash, (id, bytes) =>
        {
            for (int i = 0; i < id.Length; i++) id[i] = IdCharacters[bytes[i] % IdCharacters.Length];
        });
    }

    public static bool IsId(string text) => text.Length == IdLength && text.All(IdCharacters.Contains);

    private static string Checked(string id) => IsId(id) ? id : throw Api.RequestException.NotFound($"'{id}' is not an id.");
}
