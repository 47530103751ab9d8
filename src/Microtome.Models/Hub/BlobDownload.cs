using System.Net;

namespace Microtome.Models.Hub;

/// <summary>Fetches one file's content into <c>blobs/hash</c>, by way of <c>blobs/hash.incomplete</c>, from which a later try goes on.</summary>
internal sealed class BlobDownload(
    HubConnection connection, HubOptions options, HubReference reference, string path, FileDescription description, ProgressMeter meter)
{
    private const int BufferSize = 256 << 10;

    // So much content makes up for a failure: a large file over a poor line may need many connections.
    private const long ContentThatCounts = 1 << 20;

    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(BufferSize);
    private long Size => description.Size;

    /// <summary>Leaves the checked content at <paramref name="blob"/>. The caller holds the blob's lock.</summary>
    public async Task RunAsync(string blob, CancellationToken cancellationToken)
    {
        string incomplete = blob + ".incomplete";
        Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
        for (bool isLastTry = false; ; isLastTry = true)
        {
            string actual = await FillAsync(incomplete, cancellationToken);
            if (actual == description.Hash) break;
            File.Delete(incomplete);
            if (isLastTry)
                throw new HubException(
                    $"{path} of {reference} arrived damaged twice: its hash should be {description.Hash} and is {actual}. "
                    + "The download was removed; try again later, or over another network.");
        }
        File.Move(incomplete, blob, overwrite: true);
    }

    private async Task<string> FillAsync(string incomplete, CancellationToken cancellationToken)
    {
        if (HubCache.SizeOf(incomplete) > Size) File.Delete(incomplete);
        RequireSpace(incomplete, Size - (HubCache.SizeOf(incomplete) ?? 0));
        await using FileStream file = new(incomplete, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        using ContentHash hash = new(description.Hash, Size);
        for (int read; (read = await file.ReadAsync(buffer, cancellationToken)) > 0;) hash.Append(buffer.AsSpan(0, read));

        for (int failures = 0; file.Position < Size;)
        {
            long start = file.Position;
            try
            {
                await ContinueAsync(file, hash, cancellationToken);
            }
            catch (HubException e) when (e.IsTransient)
            {
                failures = file.Position - start >= ContentThatCounts ? 1 : failures + 1;
                if (failures >= options.Attempts) throw;
                await Task.Delay(connection.Pause(failures, e), cancellationToken);
            }
        }
        // A blob is trusted by its name from now on, also after a power cut.
        file.Flush(flushToDisk: true);
        return hash.Finish();
    }

    /// <summary>One request, for what the file still lacks.</summary>
    private async Task ContinueAsync(FileStream file, ContentHash hash, CancellationToken cancellationToken)
    {
        long start = file.Position;
        using HttpResponseMessage response = await connection.OpenAsync(reference, description.Commit, path, start, cancellationToken);
        bool continues = response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == start;
        if (start > 0 && !continues)
        {
            file.SetLength(0);
            hash.Restart();
        }
        // Asked for the rest, a server may send the whole file again, which is as good; anything else is of no use.
        if (response.StatusCode != HttpStatusCode.OK && !continues)
            throw Interrupted($"the server answered {(int)response.StatusCode} with the wrong range");

        using CancellationTokenSource stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await using Stream content = await response.Content.ReadAsStreamAsync(cancellationToken);
            while (file.Position < Size)
            {
                stall.CancelAfter(options.Timeout);
                int wanted = (int)Math.Min(buffer.Length, Size - file.Position);
                int read = await content.ReadAsync(buffer.AsMemory(0, wanted), stall.Token);
                if (read == 0) throw Interrupted("the server closed the connection");
                hash.Append(buffer.AsSpan(0, read));
                Write(file, buffer.AsSpan(0, read));
                meter.Advance(path, file.Position, Size);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Interrupted($"nothing came for {options.Timeout.TotalSeconds:0.#} seconds");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw Interrupted(e.Message);
        }

        HubException Interrupted(string why) => new($"{path} of {reference} stopped at byte {file.Position} of {Size}: {why}. Run again to go on from there.")
        {
            IsTransient = true,
        };
    }

    private void Write(FileStream file, ReadOnlySpan<byte> bytes)
    {
        try
        {
            file.Write(bytes);
        }
        catch (IOException e)
        {
            throw new HubException(
                $"{path} of {reference} cannot be written to {file.Name} after byte {file.Position} of {Size}: {e.Message} "
                + "Free some space, or set HF_HUB_CACHE to a folder on another disk, and run again to go on from there.", e);
        }
    }

    private void RequireSpace(string file, long needed)
    {
        long free;
        try
        {
            string root = OperatingSystem.IsWindows() ? Path.GetPathRoot(file)! : Path.GetDirectoryName(file)!;
            free = new DriveInfo(root).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return; // Not every file system can say; writing will tell.
        }
        if (free < needed)
            throw new HubException(
                $"{path} of {reference} needs {needed} more bytes and the disk of {file} has {free} free. "
                + "Free some space, or set HF_HUB_CACHE to a folder on another disk.");
    }
}
