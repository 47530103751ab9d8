using System.Globalization;
using System.Reflection;
using Microtome.Circuits;
using Microtome.Models;

namespace Microtome.Commands;

/// <summary>
/// The folder that a graph is written to. It is opened before the work begins, so that a place that cannot be written to is found at
/// once; both files appear or neither, and earlier ones stay until both are whole.
/// </summary>
internal sealed class GraphOutput : IDisposable
{
    private readonly string _folder;
    private readonly DirectoryInfo _unfinished;
    private readonly string? _highestNew;

    /// <exception cref="IOException">The folder cannot be made or written to.</exception>
    public GraphOutput(string folder)
    {
        if (File.Exists(folder)) throw new IOException($"'{folder}' is a file; --out needs a folder.");
        _folder = folder;
        DirectoryInfo whole = new(Path.GetFullPath(folder));
        for (DirectoryInfo? parent = whole; parent is { Exists: false }; parent = parent.Parent) _highestNew = parent.FullName;
        _unfinished = new DirectoryInfo(Path.Combine(whole.FullName, $".graph-{Environment.ProcessId}-{Guid.NewGuid():N}.tmp"));
        try
        {
            _unfinished.Create();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw new IOException($"The folder '{folder}' cannot be written to: {exception.Message}", exception);
        }
    }

    /// <returns>The files.</returns>
    public IReadOnlyList<string> Write(PrunedGraph pruned, string slug, CancellationToken cancellation)
    {
        string version = typeof(GraphOutput).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        GraphFile.Save(pruned.Graph, Unfinished("graph.safetensors"), version, new Dictionary<string, string>
        {
            ["node_threshold"] = pruned.NodeThreshold.ToString(CultureInfo.InvariantCulture),
            ["edge_threshold"] = pruned.EdgeThreshold.ToString(CultureInfo.InvariantCulture),
        }, cancellation);
        AtomicFile.Write(Unfinished("graph.json"), stream => GraphJson.Write(pruned, slug, stream));
        cancellation.ThrowIfCancellationRequested();
        return [Finish("graph.json"), Finish("graph.safetensors")];
    }

    /// <summary>Removes what was not finished, and folders that were made for nothing.</summary>
    public void Dispose()
    {
        _unfinished.Refresh();
        if (_unfinished.Exists) _unfinished.Delete(recursive: true);
        if (_highestNew is null) return;
        for (DirectoryInfo? made = _unfinished.Parent; made is not null && made.FullName.Length >= _highestNew.Length; made = made.Parent)
        {
            if (!made.Exists) continue;
            if (made.EnumerateFileSystemInfos().Any()) return;
            made.Delete();
        }
    }

    private string Unfinished(string name) => Path.Combine(_unfinished.FullName, name);

    private string Finish(string name)
    {
        string path = Path.Combine(_folder, name);
        File.Move(Unfinished(name), path, overwrite: true);
        return path;
    }
}
