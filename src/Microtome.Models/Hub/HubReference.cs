using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Microtome.Models.Hub;

/// <summary>A model repository on the Hub, or a folder or file in it, at a revision.</summary>
/// <remarks>
/// Written <c>owner/name</c>, <c>owner/name@revision</c>, <c>owner/name/folder@revision</c>,
/// <c>hf://owner/name/file?revision=revision</c> or <c>hf://owner/name@revision/file</c>. Old repositories have no owner: <c>gpt2</c>.
/// </remarks>
public sealed record HubReference
{
    internal const string DefaultRevision = "main";
    private const string Scheme = "hf://";
    private const int MaximumNameLength = 96;
    private const int MaximumRevisionLength = 255;
    private static readonly SearchValues<char> ForbiddenInRevision = SearchValues.Create(" ~^:?*[");

    /// <summary>Makes a reference from its parts.</summary>
    /// <exception cref="ArgumentException">A part breaks the Hub's rules for it.</exception>
    public HubReference(string? owner, string name, string? revision = null, string? path = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        (Owner, Name, Revision, Path) = (owner, name, revision, path);
        if (Problem() is { } problem) throw new ArgumentException($"Not a reference to a Hub repository: {problem}.");
    }

    private HubReference((string? Owner, string Name, string? Revision, string? Path) parts) =>
        (Owner, Name, Revision, Path) = parts;

    /// <summary>The user or organization; null for an old repository that has none.</summary>
    public string? Owner { get; }

    /// <summary>The name under the owner.</summary>
    public string Name { get; }

    /// <summary>A branch, a tag, or a full or shortened commit hash; null for the main branch.</summary>
    public string? Revision { get; }

    /// <summary>A folder or file in the repository, separated by '/'; null for all of it.</summary>
    public string? Path { get; }

    /// <summary><c>owner/name</c>, or <c>name</c> alone.</summary>
    public string Repository => Owner is null ? Name : $"{Owner}/{Name}";

    /// <summary>Reads a reference.</summary>
    /// <exception cref="FormatException">The text is none; the message says why.</exception>
    public static HubReference Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out HubReference? reference, out string? problem)
            ? reference
            : throw new FormatException($"{ServerText.Quote(text)} is not a reference to a Hub repository: {problem}.");
    }

    /// <summary>Reads a reference if the text is one.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out HubReference? reference) =>
        TryParse(text, out reference, out _);

    /// <summary>A file or folder below this reference.</summary>
    /// <exception cref="ArgumentException">The path is empty, absolute, or leads out of the repository.</exception>
    public HubReference Below(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return new HubReference(Owner, Name, Revision, Path is null ? path : $"{Path}/{path}");
    }

    /// <summary>The reference as <see cref="Parse"/> reads it.</summary>
    public override string ToString() =>
        Repository + (Path is null ? "" : "/" + Path) + (Revision is null ? "" : "@" + Revision);

    private static bool TryParse(
        string? text, [NotNullWhen(true)] out HubReference? reference, [NotNullWhen(false)] out string? problem)
    {
        reference = null;
        problem = "it is empty";
        if (string.IsNullOrEmpty(text)) return false;
        bool isUri = text.StartsWith(Scheme, StringComparison.Ordinal);
        var parts = isUri ? SplitUri(text[Scheme.Length..], out problem) : SplitPlain(text, out problem);
        if (problem is not null) return false;
        HubReference candidate = new(parts);
        problem = candidate.Problem();
        if (problem is not null) return false;
        reference = candidate;
        return true;
    }

    private static (string? Owner, string Name, string? Revision, string? Path) SplitPlain(string text, out string? problem)
    {
        problem = null;
        int at = text.IndexOf('@');
        string? revision = at < 0 ? null : text[(at + 1)..];
        string[] segments = (at < 0 ? text : text[..at]).Split('/', 3);
        return segments.Length == 1
            ? (null, segments[0], revision, null)
            : (segments[0], segments[1], revision, segments.Length == 3 ? segments[2] : null);
    }

    private static (string? Owner, string Name, string? Revision, string? Path) SplitUri(string rest, out string? problem)
    {
        problem = null;
        string? revision = null;
        int question = rest.IndexOf('?');
        if (question >= 0)
        {
            string query = rest[(question + 1)..];
            rest = rest[..question];
            const string parameter = "revision=";
            if (!query.StartsWith(parameter, StringComparison.Ordinal) || query.Contains('&'))
                problem = "the only parameter it may have is ?revision=";
            else if (query.Length > parameter.Length)
                revision = Uri.UnescapeDataString(query[parameter.Length..]);
        }
        string[] segments = rest.Split('/', 3);
        if (segments.Length < 2)
        {
            problem ??= "hf:// needs an owner and a name";
            return (null, rest, revision, null);
        }
        string name = segments[1];
        int at = name.IndexOf('@');
        if (at >= 0)
        {
            if (revision is not null) problem ??= "it has two revisions";
            revision = Uri.UnescapeDataString(name[(at + 1)..]);
            name = name[..at];
        }
        return (segments[0], name, revision, segments.Length == 3 ? segments[2] : null);
    }

    private string? Problem()
    {
        if (Owner is "datasets" or "spaces") return $"{Owner} are not models";
        if (Owner is not null && NameProblem(Owner) is { } ownerProblem) return $"the owner {ServerText.Quote(Owner)} {ownerProblem}";
        if (NameProblem(Name) is { } nameProblem) return $"the name {ServerText.Quote(Name)} {nameProblem}";
        if (Name.EndsWith(".git", StringComparison.Ordinal)) return "its name ends with .git";
        if (Revision is not null && RevisionProblem(Revision) is { } revisionProblem)
            return $"the revision {ServerText.Quote(Revision)} {revisionProblem}";
        if (Path is not null && RepositoryPath.Problem(Path) is { } pathProblem)
            return $"the path {ServerText.Quote(Path)} cannot be used, {pathProblem}";
        return null;
    }

    private static string? NameProblem(string name)
    {
        if (name.Length is 0 or > MaximumNameLength) return $"must have 1 to {MaximumNameLength} characters";
        foreach (char c in name)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
                return "may have only letters, digits, '-', '_' and '.'";
        if (name[0] is '-' or '.' || name[^1] is '-' or '.') return "must not begin or end with '-' or '.'";
        if (name.Contains("--") || name.Contains("..")) return "must not contain '--' or '..'";
        return null;
    }

    // Git's own rules for the name of a branch or tag, which also keep the file under refs/ inside its folder.
    private static string? RevisionProblem(string revision)
    {
        if (revision.Length is 0 or > MaximumRevisionLength) return $"must have 1 to {MaximumRevisionLength} characters";
        if (RepositoryPath.Problem(revision) is { } problem) return $"cannot be used, {problem}";
        if (revision.AsSpan().ContainsAny(ForbiddenInRevision) || revision.Contains("..") || revision.Contains("@{"))
            return "has characters that git does not allow";
        foreach (string segment in revision.Split('/'))
            if (segment[0] == '.' || segment[^1] == '.' || segment.EndsWith(".lock", StringComparison.Ordinal))
                return "is not a name that git allows";
        return null;
    }
}
