using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Models.Tests.Safetensors;

public sealed class SafetensorsCancellationTests
{
    [Fact]
    public void Cancelling_in_the_middle_of_a_tensor_leaves_no_file()
    {
        using TemporaryFolder folder = new();
        using CancellationTokenSource source = new();
        SafetensorsWriter writer = new();
        writer.Add("half", ElementType.U8, [8], stream =>
        {
            stream.Write(new byte[4]);
            source.Cancel();
            stream.Write(new byte[4]);
        });
        Should.Throw<OperationCanceledException>(() => writer.Save(folder["file.safetensors"], source.Token));
        Directory.EnumerateFileSystemEntries(folder.Path).ShouldBeEmpty();
    }
}
