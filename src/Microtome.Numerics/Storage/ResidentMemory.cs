using System.Globalization;
using System.Runtime.InteropServices;

namespace Microtome.Numerics;

/// <summary>
/// How much of the computer's memory the process holds, and a bound on it. Pages of mapped files count while they are held; work
/// that streams through files larger than the bound calls <see cref="Trim"/> now and then, which gives them back. They are read again when needed.
/// </summary>
public static partial class ResidentMemory
{
    private const int DontNeed = 4; // MADV_DONTNEED
    private static readonly Lock RegistryLock = new();
    private static readonly List<WeakReference<MappedFile>> Files = [];

    /// <summary>The bound in bytes; none when null.</summary>
    public static long? Limit { get; set; }

    /// <summary>What the process holds now, in bytes, as the operating system counts it.</summary>
    public static long Current => FromStatus("VmRSS:") ?? Environment.WorkingSet;

    /// <summary>The most that the process has held.</summary>
    public static long Peak => FromStatus("VmHWM:") ?? System.Diagnostics.Process.GetCurrentProcess().PeakWorkingSet64;

    /// <summary>Gives the pages of mapped files back when the process holds more than nine tenths of the bound.</summary>
    public static void Trim()
    {
        if (Limit is not { } limit || Current < limit / 10 * 9) return;
        lock (RegistryLock)
        {
            Files.RemoveAll(reference => !reference.TryGetTarget(out _));
            foreach (WeakReference<MappedFile> reference in Files)
                if (reference.TryGetTarget(out MappedFile? file)) file.ReleasePages();
        }
    }

    internal static void Register(MappedFile file)
    {
        lock (RegistryLock) Files.Add(new WeakReference<MappedFile>(file));
    }

    /// <summary>Must come before a file is unmapped: its addresses may belong to other memory afterwards.</summary>
    internal static void Unregister(MappedFile file)
    {
        lock (RegistryLock) Files.RemoveAll(reference => !reference.TryGetTarget(out MappedFile? target) || ReferenceEquals(target, file));
    }

    /// <summary>Gives pages back to the system; where it offers no way, does nothing.</summary>
    internal static unsafe void ReleasePages(byte* start, long length)
    {
        if (!OperatingSystem.IsLinux() || length == 0) return;
        nint page = Environment.SystemPageSize, aligned = (nint)start / page * page;
        _ = Advise(aligned, (nuint)(length + ((nint)start - aligned)), DontNeed);
    }

    private static long? FromStatus(string key)
    {
        const string Status = "/proc/self/status";
        if (!OperatingSystem.IsLinux()) return null;
        foreach (string line in File.ReadLines(Status))
            if (line.StartsWith(key, StringComparison.Ordinal)) return long.Parse(line.AsSpan(key.Length).TrimEnd("kB").Trim(), CultureInfo.InvariantCulture) * 1024;
        return null;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
