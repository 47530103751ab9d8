using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Models.Tests.Safetensors;

public class StreamedTensorTests
{
    [Fact]
    public void A_streamed_tensor_reads_back()
    {
        using TemporaryFolder folder = new();
        SafetensorsWriter writer = new();
        writer.Add("streamed", ElementType.U8, [2, 3], stream =>
        {
            for (byte value = 1; value <= 6; value++) stream.WriteByte(value);
        });
        writer.Add("after", [7f], 1);
        writer.Save(folder["file.safetensors"]);

        using SafetensorsFile file = SafetensorsFile.Open(folder["file.safetensors"]);
        file.Get("streamed").ToInt64().ShouldBe([1, 2, 3, 4, 5, 6]);
        file.Get("after").ToTensor().Span.ToArray().ShouldBe([7f]);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(7)]
    public void A_tensor_that_is_written_with_another_number_of_bytes_leaves_no_file(int bytes)
    {
        using TemporaryFolder folder = new();
        SafetensorsWriter writer = new();
        writer.Add("streamed", ElementType.U8, [2, 3], stream => stream.Write(new byte[bytes]));
        Should.Throw<InvalidOperationException>(() => writer.Save(folder["file.safetensors"])).Message.ShouldContain("'streamed'");
        Directory.EnumerateFileSystemEntries(folder.Path).ShouldBeEmpty();
    }
}
