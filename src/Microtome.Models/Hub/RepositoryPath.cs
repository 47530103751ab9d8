using System.Buffers;
using System.IO.Enumeration;

namespace Microtome.Models.Hub;

/// <summary>Paths inside a repository come from a server or from a user's text; none may lead out of the folder it is joined to.</summary>
internal static class RepositoryPath
{
    private const int MaximumLength = 1024;
    private static readonly SearchValues<char> Forbidden = SearchValues.Create(
        "\\\u007f" + string.Concat(Enumerable.Range(0, 32).Select(i => (char)i)));

    /// <summary>What is wrong with a relative path of folders and a file separated by '/'; null when nothing is.</summary>
    public static string? Problem(string path)
    {
        if (path.Length == 0) return "it is empty";
        if (path.Length > MaximumLength) return $"it has {path.Length} characters, more than {MaximumLength}";
        if (path.AsSpan().ContainsAny(Forbidden)) return "it has a backslash or a control character";
        if (path[0] == '/') return "it is absolute";
        if (path.Length > 1 && path[1] == ':' && char.IsAsciiLetter(path[0])) return "it begins with a drive letter";
        foreach (string segment in path.Split('/'))
        {
            if (segment.Length == 0) return "it has an empty folder name";
            if (segment is "." or "..") return $"it has the folder name '{segment}'";
            if (OperatingSystem.IsWindows() && IsForbiddenOnWindows(segment)) return $"Windows does not allow the name '{segment}'";
        }
        return null;
    }

    /// <summary>Joins a checked path to a folder, in the system's notation.</summary>
    /// <exception cref="HubException">The path would lead out of the folder.</exception>
    public static string Join(string folder, string path)
    {
        if (Problem(path) is { } problem)
            throw new HubException($"The file name {ServerText.Quote(path)} is refused: {problem}. Nothing was written for it.");
        string root = Path.GetFullPath(folder);
        string joined = Path.GetFullPath(Path.Combine(root, path.Replace('/', Path.DirectorySeparatorChar)));
        if (!joined.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw new HubException($"The file name {ServerText.Quote(path)} is refused: it leads out of {root}.");
        return joined;
    }

    /// <summary>Whether a path matches a pattern: <c>*</c> and <c>?</c> stay within one name, a name <c>**</c> stands for any number of folders.</summary>
    public static bool Matches(string path, string pattern) => Matches(path.Split('/'), pattern.Split('/'));

    private static bool Matches(ReadOnlySpan<string> path, ReadOnlySpan<string> pattern)
    {
        if (pattern.IsEmpty) return path.IsEmpty;
        if (pattern[0] != "**")
            return !path.IsEmpty && FileSystemName.MatchesSimpleExpression(pattern[0], path[0], ignoreCase: false)
                && Matches(path[1..], pattern[1..]);
        if (pattern.Length == 1) return !path.IsEmpty;
        for (int skipped = 0; skipped < path.Length; skipped++)
            if (Matches(path[skipped..], pattern[1..])) return true;
        return false;
    }

    private static bool IsForbiddenOnWindows(string segment)
    {
        if (segment.IndexOfAny(Path.GetInvalidFileNameChars()) >= 0 || segment[^1] is '.' or ' ') return true;
        string device = segment.Split('.')[0].TrimEnd().ToUpperInvariant();
        return device is "CON" or "PRN" or "AUX" or "NUL" or "CONIN$" or "CONOUT$"
            || (device.Length == 4 && (device.StartsWith("COM") || device.StartsWith("LPT")) && char.IsDigit(device[3]));
    }
}
