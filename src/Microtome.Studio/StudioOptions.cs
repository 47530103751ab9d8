using Microtome.Models.Hub;

namespace Microtome.Studio;

/// <summary>What a studio is started with.</summary>
public sealed record StudioOptions
{
    /// <summary>The folder that holds everything that is kept: the database and graphs.</summary>
    public string DataFolder { get; init; } = DefaultDataFolder;

    /// <summary>The port on 127.0.0.1; 0 for any that is free.</summary>
    public int Port { get; init; }

    /// <summary>A checkpoint's folder or Hub name to begin with; null for the model that comes with the program.</summary>
    public string? Model { get; init; }

    /// <summary>The transcoders for <see cref="Model"/>; null where it has none.</summary>
    public string? Transcoders { get; init; }

    /// <summary>Feature data for <see cref="Model"/>: what <c>microtome index</c> wrote, or a folder of feature JSON.</summary>
    public string? Index { get; init; }

    /// <summary>Folders in which requests may choose models, transcoders and feature data.</summary>
    public IReadOnlyList<string> ModelFolders { get; init; } = [];

    /// <summary>Who else is told of downloads.</summary>
    public Func<string, IProgress<DownloadProgress>>? Downloads { get; init; }

    /// <summary>In the user's local application data.</summary>
    public static string DefaultDataFolder =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "microtome", "studio");
}
