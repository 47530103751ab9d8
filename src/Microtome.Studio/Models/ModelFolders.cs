using Microtome.Dictionaries;
using Microtome.Models.Hub;
using Microtome.Studio.Api;

namespace Microtome.Studio.Models;

/// <summary>The folders from which requests may choose models and dictionaries; a request's path never leads out of them.</summary>
internal sealed class ModelFolders(IEnumerable<string> roots)
{
    private const int Deepest = 3, MostListed = 500;
    private readonly string[] _roots = [.. roots.Select(root => Path.TrimEndingDirectorySeparator(Path.GetFullPath(root))).Distinct()];

    /// <summary>A folder or file below the roots, or a Hub name as it is.</summary>
    /// <exception cref="RequestException">It is neither.</exception>
    public string Resolve(string name)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > 1024 || name.Contains('\0')) throw RequestException.Bad("The name of a model is a Hub name such as owner/name, or a folder.");
        foreach (string root in _roots)
        {
            string path = Path.GetFullPath(name, root);
            if (IsBelow(path, root) && (Directory.Exists(path) || File.Exists(path))) return path;
        }
        if (!Path.IsPathRooted(name) && !Directory.Exists(name) && HubReference.TryParse(name, out _) && name.Contains('/')) return name;
        throw RequestException.Forbidden($"'{name}' is neither owner/name[@revision] on the Hub nor a folder below {string.Join(" or ", _roots)}. Start the studio with --models DIR to allow another folder.");
    }

    public FolderList List()
    {
        List<string> models = [], transcoders = [], indexes = [];
        foreach (string root in _roots) Visit(root, 0, models, transcoders, indexes);
        return new FolderList(models, transcoders, indexes);
    }

    private static void Visit(string folder, int depth, List<string> models, List<string> transcoders, List<string> indexes)
    {
        if (depth > Deepest || models.Count + transcoders.Count + indexes.Count >= MostListed || !Directory.Exists(folder)) return;
        if (File.Exists(Path.Combine(folder, "config.json"))) models.Add(folder);
        if (File.Exists(Path.Combine(folder, "config.yaml"))) transcoders.Add(folder);
        if (NeuronpediaExport.IsAt(folder))
        {
            indexes.Add(folder);
            return;
        }
        if (Path.GetFileName(folder) == "features" || File.Exists(Path.Combine(folder, "0.json")) || File.Exists(Path.Combine(folder, "0.json.gz"))) indexes.Add(folder);
        indexes.AddRange(Directory.EnumerateFiles(folder, "*.features").Order(StringComparer.Ordinal).Take(MostListed));
        EnumerationOptions options = new() { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System };
        foreach (string inside in Directory.EnumerateDirectories(folder, "*", options).Order(StringComparer.Ordinal).Take(MostListed)) Visit(inside, depth + 1, models, transcoders, indexes);
    }

    private static bool IsBelow(string path, string root) => path == root || path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
