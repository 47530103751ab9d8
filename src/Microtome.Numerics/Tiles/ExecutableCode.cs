namespace Microtome.Numerics;

/// <summary>Machine code in pages that can be executed and no longer written. They stay for the life of the process.</summary>
internal static unsafe class ExecutableCode
{
    /// <summary>The address of a copy of the code, or null where the system forbids it.</summary>
    public static byte* TryMap(ReadOnlySpan<byte> code)
    {
        nint page = Environment.SystemPageSize, length = (code.Length + page - 1) / page * page;
        nint memory = LinuxCalls.Map(0, length, LinuxCalls.Read | LinuxCalls.Write, LinuxCalls.PrivateAnonymous, -1, 0);
        if (memory == LinuxCalls.MapFailed) return null;
        code.CopyTo(new Span<byte>((byte*)memory, code.Length));
        if (LinuxCalls.Protect(memory, length, LinuxCalls.Read | LinuxCalls.Execute) == 0) return (byte*)memory;
        _ = LinuxCalls.Unmap(memory, length);
        return null;
    }
}
