using System.Buffers.Binary;
using System.Text;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Models.Tests;

public sealed class HostileSafetensorsTests : IDisposable
{
    private const string Good = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}}""";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_file_that_these_tests_damage_is_good()
    {
        using SafetensorsFile file = SafetensorsFile.Open(Write(Good, 16));
        file.Tensors.Keys.ShouldBe(["a", "b"]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void A_file_too_short_for_a_header_is_refused(int length) =>
        Refuses(_folder.Write("short.safetensors", new byte[length]), $"{length} bytes are too few");

    [Theory]
    [InlineData(9UL)]
    [InlineData(100_000_001UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    public void A_header_longer_than_the_file_is_refused(ulong declared)
    {
        byte[] bytes = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, declared);
        Refuses(_folder.Write("long.safetensors", bytes), $"claims {declared} bytes");
    }

    [Fact]
    public void A_truncated_file_is_refused() => Refuses(Write(Good, 15), "tensor 'b' lies at bytes 8 to 16 of 15; the file is truncated");

    [Fact]
    public void A_file_longer_than_its_tensors_is_refused() => Refuses(Write(Good, 17), "1 bytes follow the last tensor");

    [Fact]
    public void Bytes_between_tensors_are_refused() =>
        Refuses(Write(Good.Replace("[8,16]", "[12,20]", StringComparison.Ordinal), 20), "bytes 8 to 12, before tensor 'b', belong to no tensor");

    [Fact]
    public void Overlapping_tensors_are_refused() =>
        Refuses(Write(Good.Replace("[8,16]", "[4,12]", StringComparison.Ordinal), 12), "tensors 'a' and 'b' overlap");

    [Fact]
    public void A_tensor_listed_twice_is_refused() =>
        Refuses(Write(Good.Replace("\"b\"", "\"a\"", StringComparison.Ordinal), 16), "tensor 'a' is listed twice");

    [Theory]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[8,0]}""", "lies at bytes 8 to 0")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}""", "lies at bytes -8 to 0")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}""", "lies at bytes 0 to 9223372036854775807")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[0,99999999999999999999]}""", "not a safetensors header")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[0,8,16]}""", "3 data offsets")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":"0-8"}""", "not a safetensors header")]
    [InlineData("""{"dtype":"F32","shape":[3],"data_offsets":[0,8]}""", "needs 12 bytes, but its range has 8")]
    [InlineData("""{"dtype":"F32","shape":[1],"data_offsets":[0,8]}""", "needs 4 bytes, but its range has 8")]
    [InlineData("""{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}""", "negative dimension, -2")]
    [InlineData("""{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}""", "not a safetensors header")]
    [InlineData("""{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,8]}""", "not a safetensors header")]
    [InlineData("""{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}""", "not a safetensors header")]
    [InlineData("""{"dtype":"F32","shape":[1e400],"data_offsets":[0,8]}""", "not a safetensors header")]
    [InlineData("""{"dtype":"F32","shape":2,"data_offsets":[0,8]}""", "not a safetensors header")]
    [InlineData("""{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}""", "not a safetensors header")]
    [InlineData("""{"dtype":"F32","shape":[2]}""", "entry 'a' has no 'data_offsets'")]
    [InlineData("""{"dtype":"F32","data_offsets":[0,8]}""", "entry 'a' has no 'shape'")]
    [InlineData("""{"shape":[2],"data_offsets":[0,8]}""", "entry 'a' has no 'dtype'")]
    [InlineData("[]", "entry 'a' has no 'dtype'")]
    [InlineData("null", "entry 'a' has no 'dtype'")]
    [InlineData("""{"dtype":null,"shape":[2],"data_offsets":[0,8]}""", "has type , which is not supported")]
    [InlineData("""{"dtype":4,"shape":[2],"data_offsets":[0,8]}""", "not a safetensors header")]
    [InlineData("""{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}""", "type F8_E4M3, which is not supported; known are F64")]
    [InlineData("""{"dtype":"C64","shape":[1],"data_offsets":[0,8]}""", "type C64")]
    [InlineData("""{"dtype":"f32","shape":[2],"data_offsets":[0,8]}""", "type f32")]
    [InlineData("""{"dtype":" F32","shape":[2],"data_offsets":[0,8]}""", "type  F32")]
    [InlineData("""{"dtype":"F64,F32","shape":[2],"data_offsets":[0,8]}""", "type F64,F32")]
    [InlineData("""{"dtype":"1","shape":[2],"data_offsets":[0,8]}""", "type 1")]
    public void An_entry_that_is_not_exactly_right_is_refused(string entry, string reason) =>
        Refuses(Write($$"""{"a":{{entry}}}""", 8), reason);

    [Theory]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("""{"a":1} {}""")]
    [InlineData("""{"__metadata__":{"format":1}}""")]
    [InlineData("""{"__metadata__":[]}""")]
    public void A_header_that_is_not_an_object_of_entries_is_refused(string header) => Refuses(Write(header, 0), "not a safetensors header");

    [Fact]
    public void Deep_nesting_is_refused() =>
        Refuses(Write(string.Concat(Enumerable.Repeat("{\"a\":", 100_000)) + "1" + new string('}', 100_000), 0), "not a safetensors header");

    [Fact]
    public void Names_that_are_not_UTF8_are_refused()
    {
        byte[] header = Encoding.Latin1.GetBytes("{\"\u00FF\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}");
        Refuses(Write(header, 4), "not a safetensors header");
    }

    [Fact]
    public void A_missing_tensor_is_named()
    {
        using SafetensorsFile file = SafetensorsFile.Open(Write(Good, 16));
        Should.Throw<InvalidDataException>(() => file.Get("c")).Message.ShouldContain("no tensor 'c'");
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Should.Throw<FileNotFoundException>(() => SafetensorsFile.Open(_folder["none.safetensors"])).Message.ShouldContain("none.safetensors");

    [Fact]
    public void Damage_of_any_kind_gives_numbers_or_a_clear_error()
    {
        byte[] original = File.ReadAllBytes(Write("""{"__metadata__":{"format":"pt"},""" + Good[1..], 16));
        for (int seed = 0; seed < 5000; seed++)
        {
            string path = _folder.Write("fuzz.safetensors", Mutations.Mutate(original, seed));
            try
            {
                using SafetensorsFile file = SafetensorsFile.Open(path);
                foreach (StoredTensor tensor in file.Tensors.Values) tensor.ToTensor();
            }
            catch (InvalidDataException exception)
            {
                exception.Message.ShouldContain("fuzz.safetensors", customMessage: $"seed {seed}");
            }
        }
    }

    private static void Refuses(string path, string reason)
    {
        string message = Should.Throw<InvalidDataException>(() => SafetensorsFile.Open(path)).Message;
        message.ShouldContain(reason);
        message.ShouldContain(path);
    }

    private string Write(string header, int dataLength) => Write(Encoding.UTF8.GetBytes(header), dataLength);

    private string Write(byte[] header, int dataLength) =>
        _folder.Write("hostile.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. header, .. new byte[dataLength]]);
}
