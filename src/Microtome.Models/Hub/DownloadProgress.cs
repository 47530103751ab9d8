namespace Microtome.Models.Hub;

/// <summary>How far a download has come. Files already in the cache count as done.</summary>
/// <param name="File">The file that moved on, as a path in the repository.</param>
/// <param name="FileBytes">Bytes of that file that are here.</param>
/// <param name="FileSize">Size of that file in bytes.</param>
/// <param name="FilesDone">Files that are complete.</param>
/// <param name="Files">Files asked for.</param>
/// <param name="Bytes">Bytes that are here, of all files.</param>
/// <param name="Size">Size of all files in bytes; null when the server does not tell.</param>
public readonly record struct DownloadProgress(
    string File, long FileBytes, long FileSize, int FilesDone, int Files, long Bytes, long? Size);
