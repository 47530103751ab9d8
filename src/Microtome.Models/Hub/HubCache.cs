namespace Microtome.Models.Hub;

/// <summary>
/// The cache as the <c>huggingface_hub</c> library lays it out: in the folder <c>models--owner--name</c> the contents in
/// <c>blobs/hash</c>, the commit of each branch or tag in <c>refs/revision</c>, and the files of each commit as links in
/// <c>snapshots/commit/path</c>; beside it <c>.locks/models--owner--name/hash.lock</c>.
/// </summary>
internal sealed class HubCache(string folder, bool symbolicLinks)
{
    private const int MaximumRefLength = 128;
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(50);

    public string Folder { get; } = folder;

    public string SnapshotFolder(HubReference reference, string commit) => Path.Combine(RepositoryFolder(reference), "snapshots", commit);

    public string SnapshotFile(HubReference reference, string commit, string path) =>
        RepositoryPath.Join(SnapshotFolder(reference, commit), path);

    public string Blob(HubReference reference, string hash) => Path.Combine(RepositoryFolder(reference), "blobs", hash);

    /// <summary>The commit that the reference's revision had when it was last looked up; null when the cache does not know.</summary>
    public string? FindCommit(HubReference reference)
    {
        string revision = reference.Revision ?? HubReference.DefaultRevision;
        if (ReadRef(RefFile(reference, revision)) is { } commit) return commit;
        string snapshots = SnapshotFolder(reference, "");
        if (ContentHash.IsCommit(revision)) return Directory.Exists(Path.Combine(snapshots, revision)) ? revision : null;
        if (!ContentHash.IsShortCommit(revision) || !Directory.Exists(snapshots)) return null;
        string[] matches = [.. Directory.EnumerateDirectories(snapshots, revision + "*").Select(Path.GetFileName).OfType<string>().Where(ContentHash.IsCommit)];
        return matches.Length == 1 ? matches[0] : null;
    }

    /// <summary>Notes the commit of a branch or tag, unless that is what the cache says already.</summary>
    public void WriteRef(HubReference reference, string commit)
    {
        string revision = reference.Revision ?? HubReference.DefaultRevision;
        if (revision == commit) return;
        string file = RefFile(reference, revision);
        if (ReadRef(file) == commit) return;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        string temporary = $"{file}.{Guid.NewGuid():N}.tmp";
        File.WriteAllText(temporary, commit);
        File.Move(temporary, file, overwrite: true);
    }

    /// <summary>Notes that a commit has no such file.</summary>
    public void WriteMissing(HubReference reference, string commit, string path)
    {
        string file = MissingFile(reference, commit, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.Open(file, FileMode.OpenOrCreate).Dispose();
    }

    /// <summary>Whether a commit is known to have no such file.</summary>
    public bool IsMissing(HubReference reference, string commit, string path) => File.Exists(MissingFile(reference, commit, path));

    /// <summary>The one who holds the result is the one who writes the blob, among all processes that use the cache.</summary>
    public async Task<IDisposable> LockAsync(HubReference reference, string hash, CancellationToken cancellationToken)
    {
        string file = Path.Combine(Folder, ".locks", Path.GetFileName(RepositoryFolder(reference)), hash + ".lock");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        while (true)
        {
            try
            {
                // Without sharing, this is an exclusive flock on Unix, the lock that other tools take.
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (IsHeldByAnother(e))
            {
                await Task.Delay(LockPoll, cancellationToken);
            }
        }
    }

    /// <summary>Makes a blob appear in a snapshot. The caller holds the blob's lock.</summary>
    /// <param name="snapshotFile">Where it is to appear.</param>
    /// <param name="blob">The blob.</param>
    /// <param name="isNew">Whether nothing else can refer to the blob yet, so that it may be moved where links are impossible.</param>
    public void Place(string snapshotFile, string blob, bool isNew)
    {
        string parent = Path.GetDirectoryName(snapshotFile)!;
        Directory.CreateDirectory(parent);
        string temporary = Path.Combine(parent, $".{Guid.NewGuid():N}.tmp");
        if (!TryLink(temporary, Path.GetRelativePath(parent, blob)))
        {
            if (isNew) temporary = blob;
            else File.Copy(blob, temporary);
        }
        File.Move(temporary, snapshotFile, overwrite: true);
    }

    /// <summary>The files of a snapshot that are really there, as paths in the repository.</summary>
    public IEnumerable<string> FilesOf(HubReference reference, string commit)
    {
        string snapshot = SnapshotFolder(reference, commit);
        if (!Directory.Exists(snapshot)) return [];
        return Directory.EnumerateFiles(snapshot, "*", SearchOption.AllDirectories)
            .Where(file => SizeOf(file) is not null)
            .Select(file => Path.GetRelativePath(snapshot, file).Replace(Path.DirectorySeparatorChar, '/'));
    }

    /// <summary>The size in bytes of a file or of what a link leads to; null when that is not there.</summary>
    public static long? SizeOf(string file)
    {
        // A link exists, for File.Exists too, when what it leads to is gone.
        FileInfo info = new(file);
        if (info.LinkTarget is not null && info.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target) info = target;
        return info.Exists ? info.Length : null;
    }

    private bool TryLink(string link, string target)
    {
        if (!symbolicLinks) return false;
        try
        {
            File.CreateSymbolicLink(link, target);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            // Windows without developer mode, and file systems that have no links.
            return false;
        }
    }

    private static string? ReadRef(string file)
    {
        FileInfo info = new(file);
        if (!info.Exists || info.Length > MaximumRefLength) return null;
        string commit = File.ReadAllText(file).Trim();
        return ContentHash.IsCommit(commit) ? commit : null;
    }

    // EWOULDBLOCK on Linux and macOS, ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION on Windows.
    private static bool IsHeldByAnother(IOException e) =>
        OperatingSystem.IsWindows() ? e.HResult is unchecked((int)0x80070020) or unchecked((int)0x80070021) : e.HResult is 11 or 35;

    private string RepositoryFolder(HubReference reference) =>
        Path.Combine(Folder, "models--" + reference.Repository.Replace("/", "--"));

    private string RefFile(HubReference reference, string revision) =>
        RepositoryPath.Join(Path.Combine(RepositoryFolder(reference), "refs"), revision);

    private string MissingFile(HubReference reference, string commit, string path) =>
        RepositoryPath.Join(Path.Combine(RepositoryFolder(reference), ".no_exist", commit), path);
}
