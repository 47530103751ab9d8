namespace Microtome.Numerics;

/// <summary>
/// Room for signals on threads that use tiles. Once a thread has used them, the kernel saves 8 KB more when a signal interrupts it, and the
/// 12 KB that the runtime keeps for the signals behind its NullReferenceException would not hold that: it would end the process.
/// </summary>
internal static unsafe class SignalStack
{
    private const int Size = 64 << 10;

    [ThreadStatic]
    private static bool t_enlarged;

    /// <summary>Gives this thread a larger stack for signals. The runtime frees it when the thread ends, as it does its own.</summary>
    public static void Enlarge()
    {
        if (t_enlarged) return;
        t_enlarged = true;
        LinuxCalls.SignalStackRange range;
        if (LinuxCalls.AlternateStack(null, &range) != 0 || (range.Flags & LinuxCalls.StackDisabled) != 0 || range.Size >= Size) return;
        nint memory = LinuxCalls.Map(0, Size, LinuxCalls.Read | LinuxCalls.Write, LinuxCalls.PrivateAnonymous, -1, 0);
        if (memory == LinuxCalls.MapFailed) return;
        range = new LinuxCalls.SignalStackRange { Start = memory, Size = Size };
        // The page that an overflow runs into is part of the stack, so that whoever frees the stack frees it too. The old stack is left mapped:
        // it may belong to somebody else.
        bool replaced = LinuxCalls.Protect(memory, Environment.SystemPageSize, 0) == 0 && LinuxCalls.AlternateStack(&range, null) == 0;
        if (!replaced) _ = LinuxCalls.Unmap(memory, Size);
    }
}
