using System.Runtime.InteropServices;

namespace Microtome.Numerics;

/// <summary>The functions of Linux's C library that the matrix unit needs; constants are those of x64.</summary>
internal static unsafe partial class LinuxCalls
{
    public const nint ArchPrctl = 158, GetSupportedState = 0x1021, RequestState = 0x1023;
    public const int TileData = 18; // the state component of tiles

    public const int Read = 1, Write = 2, Execute = 4;
    public const int PrivateAnonymous = 0x22;
    public const int StackDisabled = 2;

    public static readonly nint MapFailed = -1;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint SystemCall(nint number, nint first, nint second);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nint address, nint length);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    public static partial int Protect(nint address, nint length, int protection);

    [LibraryImport("libc", EntryPoint = "sigaltstack", SetLastError = true)]
    public static partial int AlternateStack(SignalStackRange* replacement, SignalStackRange* current);

    /// <summary>stack_t</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SignalStackRange
    {
        public nint Start;
        public int Flags;
        public nint Size;
    }
}
