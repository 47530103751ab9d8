namespace Microtome.Testing;

/// <summary>Where tests find real files: the shared folder beside the repository when it is there, the small copies inside it when not.</summary>
public static class TestFiles
{
    /// <summary>The folder that holds Microtome.slnx.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>Whether only what is in the repository counts, as where there is nothing but a clone: the environment variable <c>MICROTOME_TESTS_ALONE</c>.</summary>
    private static bool IsAlone { get; } = Environment.GetEnvironmentVariable("MICROTOME_TESTS_ALONE") is "1";

    /// <summary>The first that exists of <c>../shared/path</c> and <c>tests/data/path</c>; null when neither does.</summary>
    public static string? Find(string path)
    {
        foreach (string root in new[] { Path.Combine(Repository, "..", "shared"), Path.Combine(Repository, "tests", "data") }.Skip(IsAlone ? 1 : 0))
        {
            string candidate = Path.GetFullPath(Path.Combine(root, path));
            if (File.Exists(candidate) || Directory.Exists(candidate)) return candidate;
        }
        return null;
    }

    /// <summary>As <see cref="Find"/>, and throws when the file is in neither place.</summary>
    public static string Get(string path) =>
        Find(path) ?? throw new FileNotFoundException($"Neither ../shared/{path} nor tests/data/{path} exists.", path);

    private static string FindRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Microtome.slnx"))) return folder.FullName;
        throw new DirectoryNotFoundException("No folder above the tests holds Microtome.slnx.");
    }
}
