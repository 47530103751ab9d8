using System.Runtime.CompilerServices;
using Microtome.Numerics;

namespace Microtome.Numerics.Tests.Tiles;

public sealed unsafe class SignalStackTests
{
    [Fact]
    public void A_thread_with_an_enlarged_stack_for_signals_still_catches_null_references_and_ends()
    {
        if (!OperatingSystem.IsLinux() || System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture != System.Runtime.InteropServices.Architecture.X64) return;
        for (int i = 0; i < 20; i++)
        {
            nint size = 0;
            bool caught = false;
            Thread thread = new(() =>
            {
                SignalStack.Enlarge();
                LinuxCalls.SignalStackRange range;
                if (LinuxCalls.AlternateStack(null, &range) == 0) size = range.Size;
                try
                {
                    _ = Length(null!);
                }
                catch (NullReferenceException)
                {
                    caught = true;
                }
            });
            thread.Start();
            thread.Join();
            size.ShouldBeGreaterThanOrEqualTo(64 << 10);
            caught.ShouldBeTrue();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Length(string text) => text.Length;
}
