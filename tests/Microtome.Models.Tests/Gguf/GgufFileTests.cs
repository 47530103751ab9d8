using System.Text;
using Microtome.Models.Gguf;

namespace Microtome.Models.Tests.Gguf;

public sealed class GgufFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_again()
    {
        using GgufFile file = GgufFile.Open(Good());
        file.Text("general.architecture").ShouldBe("controlvector");
        file.Metadata["controlvector.layer_count"].ShouldBe(2UL);
        file.Names.ShouldBe(["direction.1", "direction.2"]);
        file.Get("direction.1").Shape.ToArray().ShouldBe([3L]);
        file.Get("direction.2").ToTensor().Span.ToArray().ShouldBe([4f, -5f, 6.5f]);
    }

    [Fact]
    public void Every_kind_of_metadata_is_read()
    {
        byte[] bytes = Bytes(writer =>
        {
            Header(writer, tensors: 0, entries: 13);
            Entry(writer, "u8", 0, () => writer.Write((byte)200));
            Entry(writer, "i8", 1, () => writer.Write((sbyte)-2));
            Entry(writer, "u16", 2, () => writer.Write((ushort)40000));
            Entry(writer, "i16", 3, () => writer.Write((short)-3));
            Entry(writer, "u32", 4, () => writer.Write(7u));
            Entry(writer, "i32", 5, () => writer.Write(-7));
            Entry(writer, "f32", 6, () => writer.Write(1.5f));
            Entry(writer, "bool", 7, () => writer.Write((byte)1));
            Entry(writer, "text", 8, () => Text(writer, "héllo"));
            Entry(writer, "list", 9, () =>
            {
                writer.Write(8u);
                writer.Write(2UL);
                Text(writer, "a");
                Text(writer, "b");
            });
            Entry(writer, "u64", 10, () => writer.Write(ulong.MaxValue));
            Entry(writer, "i64", 11, () => writer.Write(long.MinValue));
            Entry(writer, "f64", 12, () => writer.Write(0.1));
        });
        using GgufFile file = GgufFile.Open(_folder.Write("all.gguf", bytes));
        file.Metadata.Values.Where(value => value is not List<object>).ShouldBe([200UL, -2L, 40000UL, -3L, 7UL, -7L, 1.5, true, "héllo", ulong.MaxValue, long.MinValue, 0.1]);
        file.Metadata["list"].ShouldBe(new List<object> { "a", "b" });
    }

    [Theory]
    [InlineData(0u, 4)]
    [InlineData(1u, 2)]
    [InlineData(30u, 2)]
    public void Tensors_of_floating_point_types_are_read_with_their_outermost_size_first(uint type, int size)
    {
        byte[] bytes = Bytes(writer =>
        {
            Header(writer, tensors: 1, entries: 0);
            TensorEntry(writer, "x", [3, 2], type, 0);
            Align(writer);
            writer.Write(new byte[6 * size]);
        });
        using GgufFile file = GgufFile.Open(_folder.Write("x.gguf", bytes));
        file.Get("x").Shape.ToArray().ShouldBe([2L, 3L]);
        file.Get("x").ToTensor().Span.ToArray().ShouldBe(new float[6]);
    }

    [Fact]
    public void A_quantised_tensor_is_listed_but_not_read()
    {
        byte[] bytes = Bytes(writer =>
        {
            Header(writer, tensors: 1, entries: 0);
            TensorEntry(writer, "x", [32], 8, 0);
        });
        using GgufFile file = GgufFile.Open(_folder.Write("q.gguf", bytes));
        file.Names.ShouldBe(["x"]);
        Should.Throw<InvalidDataException>(() => file.Get("x")).Message.ShouldContain("GGML type 8; F32 (0), F16 (1) and BF16 (30) can be read");
        Should.Throw<InvalidDataException>(() => file.Get("y")).Message.ShouldContain("no tensor 'y'");
    }

    [Theory]
    [InlineData("GGUX")]
    [InlineData("")]
    public void Other_files_are_refused(string text) =>
        Should.Throw<InvalidDataException>(() => GgufFile.Open(_folder.Write("other.gguf", text.PadRight(text.Length * 10)))).Message.ShouldContain("is not a GGUF file");

    [Fact]
    public void Counts_beyond_the_file_are_refused()
    {
        Refused(Bytes(writer => Header(writer, tensors: ulong.MaxValue, entries: 0)), "claims 18446744073709551615 tensors");
        Refused(Bytes(writer => Header(writer, tensors: 0, entries: 1UL << 40)), "claims 1099511627776 metadata entries");
        Refused(Bytes(writer =>
        {
            Header(writer, tensors: 0, entries: 1);
            Entry(writer, "list", 9, () =>
            {
                writer.Write(0u);
                writer.Write(1UL << 62);
            });
        }), "claims 4611686018427387904 elements");
        Refused(Bytes(writer =>
        {
            Header(writer, tensors: 0, entries: 1);
            writer.Write(1UL << 50);
            writer.Write(new byte[16]);
        }), "a text claims 1125899906842624 bytes");
    }

    [Fact]
    public void A_tensor_beyond_the_file_is_refused() => Refused(Bytes(writer =>
    {
        Header(writer, tensors: 1, entries: 0);
        TensorEntry(writer, "x", [1UL << 40, 1UL << 40, 1UL << 40, 1UL << 40], 0, 0);
    }), "does not lie within the 0 bytes of data; the file is truncated");

    [Fact]
    public void Deeply_nested_arrays_are_refused() => Refused(Bytes(writer =>
    {
        Header(writer, tensors: 0, entries: 1);
        Text(writer, "deep");
        writer.Write(9u);
        for (int i = 0; i < 1000; i++)
        {
            writer.Write(9u);
            writer.Write(1UL);
        }
    }), "arrays are nested more than 4 deep");

    [Fact]
    public void A_damaged_file_is_refused_or_read_but_never_crashes()
    {
        byte[] good = File.ReadAllBytes(Good());
        for (int seed = 0; seed < 1500; seed++)
        {
            string path = _folder.Write("damaged.gguf", Mutations.Mutate(good, seed));
            try
            {
                using GgufFile file = GgufFile.Open(path);
                foreach (string name in file.Tensors.Keys) file.Get(name).ToTensor();
            }
            catch (InvalidDataException exception)
            {
                exception.Message.ShouldContain(path);
            }
        }
    }

    private string Good()
    {
        GgufWriter writer = new();
        writer.Add("general.architecture", "controlvector");
        writer.Add("controlvector.layer_count", 2);
        writer.AddVector("direction.1", [1, 2, 3]);
        writer.AddVector("direction.2", [4, -5, 6.5f]);
        writer.Save(_folder["good.gguf"]);
        return _folder["good.gguf"];
    }

    private void Refused(byte[] bytes, string why) =>
        Should.Throw<InvalidDataException>(() => GgufFile.Open(_folder.Write("bad.gguf", bytes))).Message.ShouldContain(why);

    private static byte[] Bytes(Action<BinaryWriter> write)
    {
        using MemoryStream stream = new();
        using (BinaryWriter writer = new(stream, Encoding.UTF8, leaveOpen: true)) write(writer);
        return stream.ToArray();
    }

    private static void Header(BinaryWriter writer, ulong tensors, ulong entries)
    {
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write(tensors);
        writer.Write(entries);
    }

    private static void Entry(BinaryWriter writer, string key, uint type, Action value)
    {
        Text(writer, key);
        writer.Write(type);
        value();
    }

    private static void TensorEntry(BinaryWriter writer, string name, ulong[] sizes, uint type, ulong offset)
    {
        Text(writer, name);
        writer.Write((uint)sizes.Length);
        foreach (ulong size in sizes) writer.Write(size);
        writer.Write(type);
        writer.Write(offset);
    }

    private static void Text(BinaryWriter writer, string text)
    {
        writer.Write((ulong)Encoding.UTF8.GetByteCount(text));
        writer.Write(Encoding.UTF8.GetBytes(text));
    }

    private static void Align(BinaryWriter writer)
    {
        while (writer.BaseStream.Position % 32 != 0) writer.Write((byte)0);
    }
}
