using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

public sealed class NpzFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("npz/stored.npz")]
    [InlineData("npz/compressed.npz")]
    public void Every_number_type_that_NumPy_saves_is_read(string path)
    {
        using NpzFile npz = NpzFile.Open(TestFiles.Get(path));

        npz.Arrays.Keys.ShouldBe(["W_enc", "W_dec", "b_enc", "b_dec", "threshold", "half", "double", "int64", "int32", "int16", "int8", "uint8", "bool", "scalar", "empty", "cube"], ignoreOrder: true);
        Check("W_enc", ElementType.F32, [3, 5], Ramp(15));
        Check("W_dec", ElementType.F32, [5, 3], Ramp(15));
        Check("threshold", ElementType.F32, [5], Ramp(5));
        Check("half", ElementType.F16, [2, 3], Ramp(6));
        Check("double", ElementType.F64, [7], Ramp(7));
        Check("int64", ElementType.I64, [2], [-1, 1L << 40]);
        Check("int32", ElementType.I32, [2], [-2, 1 << 20]);
        Check("int16", ElementType.I16, [2], [-3, 300]);
        Check("int8", ElementType.I8, [2], [-4, 5]);
        Check("uint8", ElementType.U8, [2], [250, 6]);
        Check("bool", ElementType.Bool, [2], [1, 0]);
        Check("scalar", ElementType.F32, [], [2.5f]);
        Check("empty", ElementType.F32, [0, 4], []);
        Check("cube", ElementType.F32, [2, 3, 4], Ramp(24));

        void Check(string name, ElementType type, long[] shape, float[] values)
        {
            StoredTensor array = npz.Arrays[name];
            array.Type.ShouldBe(type, name);
            array.Shape.ToArray().ShouldBe(shape, name);
            array.ToTensor().Span.ToArray().ShouldBe(values, name);
        }
    }

    [Theory]
    [InlineData("npz/fortran.npz")]
    [InlineData("npz/fortran-compressed.npz")]
    public void A_matrix_saved_column_by_column_is_read_row_by_row(string path)
    {
        using NpzFile npz = NpzFile.Open(TestFiles.Get(path));

        npz.Arrays["matrix"].Shape.ToArray().ShouldBe([3, 5]);
        npz.Arrays["matrix"].ToTensor().Span.ToArray().ShouldBe(Ramp(15));
    }

    [Theory]
    [InlineData("npz/object.npz", "pickled Python objects")]
    [InlineData("npz/text.npz", "'<U2' is not supported")]
    [InlineData("npz/records.npz", "structured type")]
    [InlineData("npz/big-endian.npz", "big-endian")]
    public void Arrays_of_other_things_than_plain_numbers_are_refused(string path, string reason)
    {
        string message = Should.Throw<InvalidDataException>(() => NpzFile.Open(TestFiles.Get(path))).Message;

        message.ShouldContain(reason);
        message.ShouldContain("'array.npy'");
    }

    [Fact]
    public unsafe void Uncompressed_arrays_stay_in_the_mapped_file()
    {
        string path = TestFiles.Get("npz/stored.npz");
        using NpzFile npz = NpzFile.Open(path);

        nint first = npz.Arrays.Values.Min(array => (nint)array.Data), last = npz.Arrays.Values.Max(array => (nint)array.Data);
        (last - first).ShouldBeLessThan((nint)new FileInfo(path).Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Unaligned_arrays_are_read_and_multiplied_like_aligned_ones(int misalignment)
    {
        const int Rows = 9, Columns = 37;
        float[] values = [.. Enumerable.Range(0, Rows * Columns).Select(i => i % 23 - 11f)];
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({Rows}, {Columns}), }}{new string(' ', misalignment)}";
        byte[] data = NpzArchive.Npy(header, [.. values.SelectMany(BitConverter.GetBytes)]);
        using NpzFile npz = Open(new NpzArchive().Add(new("w.npy", data)));
        Tensor input = Tensor.From([.. Enumerable.Range(0, Rows).Select(i => i - 4f)], 1, Rows), output = new(1, Columns);

        MatrixProduct.Multiply(input.AsMatrix(), npz.Arrays["w"].AsMatrix(), output.AsMatrix());

        output.Span.ToArray().ShouldBe([.. Enumerable.Range(0, Columns).Select(j => Enumerable.Range(0, Rows).Sum(i => (i - 4f) * values[i * Columns + j]))]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Zip64_data_descriptors_and_comments_are_understood(bool deflated)
    {
        using NpzFile npz = Open(new NpzArchive { Zip64Directory = true, Comment = "made by a test"u8.ToArray() }
            .Add(new("wide.npy", NpzArchive.Npy(1, 2)) { Zip64 = true, Deflated = deflated })
            .Add(new("streamed.npy", NpzArchive.Npy(3, 4)) { DataDescriptor = true, Deflated = deflated })
            .Add(new("notes.txt", "not an array"u8.ToArray())));

        npz.Arrays.Keys.ShouldBe(["wide", "streamed"]);
        npz.Arrays["wide"].ToTensor().Span.ToArray().ShouldBe([1, 2]);
        npz.Arrays["streamed"].ToTensor().Span.ToArray().ShouldBe([3, 4]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_version_of_the_array_header_is_read(int version)
    {
        byte[] array = NpzArchive.Npy("{\"shape\":(2,),'descr' : '<f4','fortran_order':False}", [0, 0, 128, 63, 0, 0, 0, 64], version);
        using NpzFile npz = Open(new NpzArchive().Add(new("a.npy", array)));

        npz.Arrays["a"].ToTensor().Span.ToArray().ShouldBe([1, 2]);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Should.Throw<FileNotFoundException>(() => NpzFile.Open(_folder["params.npz"])).Message.ShouldContain("params.npz");

    private static float[] Ramp(int count) => [.. Enumerable.Range(0, count).Select(i => i / 4f - 1)];

    private NpzFile Open(NpzArchive archive) => NpzFile.Open(_folder.Write("a.npz", archive.ToArray()));
}
