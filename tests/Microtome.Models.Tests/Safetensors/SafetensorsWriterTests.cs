using System.Diagnostics;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Models.Tests;

public sealed class SafetensorsWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back()
    {
        Random random = new(1);
        ElementType[] types = Enum.GetValues<ElementType>();
        for (int round = 0; round < 100; round++)
        {
            SafetensorsWriter writer = new();
            Dictionary<string, (ElementType Type, long[] Shape, byte[] Bytes)> expected = [];
            for (int count = random.Next(6); count > 0; count--)
            {
                ElementType type = types[random.Next(types.Length)];
                long[] shape = [.. Enumerable.Range(0, random.Next(5)).Select(_ => (long)random.Next(5))];
                byte[] bytes = new byte[shape.Aggregate(1L, (a, b) => a * b) * type.Size()];
                random.NextBytes(bytes);
                string name = $"\"häuser\"\n\u2028.{random.Next()}";
                expected[name] = (type, shape, bytes);
                writer.Add(name, type, bytes, shape);
            }
            writer.Metadata["quote \" and \u00E9"] = $"round {round}\n";
            writer.Save(_folder["a.safetensors"]);

            using SafetensorsFile file = SafetensorsFile.Open(_folder["a.safetensors"]);
            file.Metadata.ShouldBe(writer.Metadata);
            file.Tensors.Keys.ShouldBe(expected.Keys, ignoreOrder: true);
            foreach ((string name, (ElementType type, long[] shape, byte[] bytes)) in expected)
            {
                StoredTensor tensor = file.Get(name);
                tensor.Type.ShouldBe(type);
                tensor.Shape.ToArray().ShouldBe(shape);
                Bytes(tensor).ShouldBe(bytes);
            }
        }
    }

    [Fact]
    public void Tensors_floats_and_integers_are_written_as_they_are()
    {
        SafetensorsWriter writer = new();
        writer.Add("tensor", Tensor.From([1, float.NaN, -0f, float.PositiveInfinity], 2, 2));
        writer.Add("floats", new float[] { 1.5f, -2 }, 2);
        writer.Add("integers", new int[] { int.MinValue, 7 }, 2, 1);
        writer.Save(_folder["a.safetensors"]);

        using SafetensorsFile file = SafetensorsFile.Open(_folder["a.safetensors"]);
        file.Get("tensor").ToTensor().Span.ToArray().Select(BitConverter.SingleToInt32Bits)
            .ShouldBe(new[] { 1, float.NaN, -0f, float.PositiveInfinity }.Select(BitConverter.SingleToInt32Bits));
        file.Get("floats").ToTensor().Span.ToArray().ShouldBe([1.5f, -2]);
        file.Get("integers").ToInt64().ShouldBe([int.MinValue, 7]);
    }

    [Fact]
    public void Two_tensors_cannot_have_one_name()
    {
        SafetensorsWriter writer = new();
        writer.Add("a", new float[1], 1);
        Should.Throw<ArgumentException>(() => writer.Add("a", new int[1], 1)).Message.ShouldContain("'a'");
    }

    [Fact]
    public void No_tensor_can_be_called_like_the_metadata() =>
        Should.Throw<ArgumentException>(() => new SafetensorsWriter().Add("__metadata__", new float[1], 1));

    [Fact]
    public void Bytes_that_do_not_fill_the_shape_are_refused() =>
        Should.Throw<ArgumentException>(() => new SafetensorsWriter().Add("a", ElementType.F32, new byte[7], 2)).Message.ShouldContain("7 bytes do not fill F32 [2]");

    [Fact]
    public void Negative_dimensions_are_refused() =>
        Should.Throw<ArgumentOutOfRangeException>(() => new SafetensorsWriter().Add("a", ElementType.F32, new byte[4], -1, -1));

    [Fact]
    public void A_cancelled_write_leaves_the_old_file_and_no_other()
    {
        string path = _folder.Write("a.safetensors", "old");
        SafetensorsWriter writer = new();
        writer.Add("a", new float[100], 100);

        Should.Throw<OperationCanceledException>(() => writer.Save(path, new CancellationToken(canceled: true)));

        File.ReadAllText(path).ShouldBe("old");
        Directory.GetFiles(_folder.Path).ShouldBe([path]);
    }

    [Fact]
    public void A_write_that_throws_midway_leaves_nothing()
    {
        Should.Throw<IOException>(() => AtomicFile.Write(_folder["a.bin"], stream =>
        {
            stream.Write(new byte[3 << 20]);
            throw new IOException("No space left on device");
        }));

        Directory.GetFileSystemEntries(_folder.Path).ShouldBeEmpty();
    }

    [Fact]
    public void A_write_onto_a_folder_leaves_nothing_beside_it()
    {
        Directory.CreateDirectory(_folder["a.safetensors"]);
        SafetensorsWriter writer = new();
        writer.Add("a", new float[1], 1);

        Should.Throw<Exception>(() => writer.Save(_folder["a.safetensors"]));

        Directory.GetFiles(_folder.Path).ShouldBeEmpty();
    }

    /// <summary>A small file system of its own stands for a full disk, where the machine allows to mount one.</summary>
    [Fact]
    public void A_full_disk_leaves_nothing()
    {
        if (!OperatingSystem.IsLinux() || Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", _folder.Path) != 0) return;
        try
        {
            SafetensorsWriter writer = new();
            writer.Add("a", new Tensor(1 << 20));

            Should.Throw<IOException>(() => writer.Save(_folder["a.safetensors"]));

            Directory.GetFileSystemEntries(_folder.Path).ShouldBeEmpty();
        }
        finally
        {
            Run("umount", _folder.Path);
        }
    }

    private static unsafe byte[] Bytes(StoredTensor tensor)
    {
        byte[] bytes = new ReadOnlySpan<byte>(tensor.Data, (int)tensor.Bytes).ToArray();
        GC.KeepAlive(tensor);
        return bytes;
    }

    private static int Run(string command, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
