using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

public sealed class HostileNpzTests : IDisposable
{
    private const string Good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(21)]
    [InlineData(150)]
    public void A_truncated_archive_is_refused(int length)
    {
        byte[] bytes = new NpzArchive().Add(new("a.npy", NpzArchive.Npy(1, 2))).Add(new("b.npy", NpzArchive.Npy(1, 2))).ToArray();
        Refuses(bytes[..length], "truncated");
    }

    [Fact]
    public void An_entry_listed_twice_is_refused() =>
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(1))).Add(new("a.npy", NpzArchive.Npy(2))), "'a.npy' is listed twice");

    [Fact]
    public void Overlapping_entries_are_refused() =>
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(1)) { ClaimedLength = 200, ClaimedCompressedLength = 200 }).Add(new("b.npy", NpzArchive.Npy(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))), "'a.npy' and 'b.npy' overlap");

    [Fact]
    public void An_entry_that_starts_outside_the_file_is_refused() =>
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(1)) { ClaimedOffset = 1 << 30 }), "'a.npy' lies outside the file");

    [Fact]
    public void An_entry_that_ends_outside_the_file_is_refused() =>
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(1)) { Zip64 = true, ClaimedLength = long.MaxValue, ClaimedCompressedLength = long.MaxValue }), "'a.npy' claims bytes");

    [Fact]
    public void An_entry_without_a_header_of_its_own_is_refused() =>
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(1)) { ClaimedOffset = 4 }), "'a.npy' has no header at byte 4");

    [Fact]
    public void An_entry_with_two_names_is_refused() =>
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(1)) { LocalName = "b.npy" }), "'a.npy' has another name in its own header");

    [Fact]
    public void An_encrypted_entry_is_refused() =>
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(1)) { Flags = 1 }), "'a.npy' is encrypted");

    [Theory]
    [InlineData(9)]
    [InlineData(14)]
    [InlineData(93)]
    public void Other_compression_methods_are_refused(int method) =>
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(1)) { Method = method }), $"'a.npy' is compressed by method {method}");

    [Fact]
    public void A_stored_entry_of_two_sizes_is_refused() =>
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(1)) { ClaimedLength = 1 }), "'a.npy' is stored");

    [Fact]
    public void A_directory_that_claims_more_entries_than_it_can_hold_is_refused() =>
        Refuses(new NpzArchive { ClaimedEntries = 60_000 }.Add(new("a.npy", NpzArchive.Npy(1))), "60000 entries");

    [Fact]
    public void A_directory_outside_the_file_is_refused() =>
        Refuses(new NpzArchive { ClaimedDirectoryStart = 1 << 20 }.Add(new("a.npy", NpzArchive.Npy(1))), "its directory claims");

    [Theory]
    [InlineData(100, "inflates to fewer")]
    [InlineData(-8, "but")]
    public void A_compressed_entry_whose_size_is_not_the_declared_one_is_refused(int difference, string reason)
    {
        byte[] content = NpzArchive.Npy([.. Enumerable.Range(0, 5000).Select(i => (float)Math.Sin(i))]);
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({5000 + difference / 4},), }}\n";
        byte[] lying = NpzArchive.Npy(header, content[^20_000..]);
        Refuses(new NpzArchive().Add(new("a.npy", lying) { Deflated = true, ClaimedLength = lying.Length + difference }), reason == "but" ? "inflates to more" : reason);
    }

    [Fact]
    public void A_compressed_entry_that_claims_to_expand_impossibly_is_refused() =>
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (250000000,), }", [])) { Deflated = true, ClaimedLength = 1_000_000_066 }), "which");

    [Fact]
    public void A_compressed_entry_with_a_wrong_checksum_is_refused() =>
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(1, 2)) { Deflated = true, ClaimedChecksum = 7 }), "checksum");

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "has 12 bytes, but 8 follow")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "has 4 bytes, but 8 follow")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "not a number from 0")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "not a number from 0")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "cannot be read")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2), }", "',' is needed")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': [2], }", "'(' is needed")]
    [InlineData("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", "True or False")]
    [InlineData("{'descr': '<f4', 'shape': (2,), }", "lacks one of")]
    [InlineData("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "repeated key 'descr'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 'words' }", "unknown or repeated key 'more'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } + {}", "the end is needed")]
    [InlineData("{'descr': __import__('os'), 'fortran_order': False, 'shape': (2,), }", "a quoted word is needed")]
    [InlineData("{'descr': '<V2', 'fortran_order': False, 'shape': (4,), }", "bfloat16")]
    [InlineData("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "'<c8' is not supported")]
    [InlineData("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2, 1), }", "Fortran order")]
    [InlineData("{'descr': '<f4", "closing quote")]
    [InlineData("", "'{' is needed")]
    public void Array_headers_that_are_not_exactly_right_are_refused(string header, string reason)
    {
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(header, new byte[8]))), reason);
        Refuses(new NpzArchive().Add(new("a.npy", NpzArchive.Npy(header, new byte[8])) { Deflated = true }), reason);
    }

    [Fact]
    public void An_array_header_longer_than_its_entry_is_refused()
    {
        byte[] array = NpzArchive.Npy(Good, new byte[8], version: 2);
        array[11] = 0x7F;
        Refuses(new NpzArchive().Add(new("a.npy", array)), "its header claims");
    }

    [Fact]
    public void An_array_of_an_unknown_version_is_refused()
    {
        byte[] array = NpzArchive.Npy(Good, new byte[8]);
        array[6] = 4;
        Refuses(new NpzArchive().Add(new("a.npy", array)), "version 4");
    }

    [Fact]
    public void An_entry_that_is_no_array_is_refused() =>
        Refuses(new NpzArchive().Add(new("a.npy", "plain text, not an array"u8.ToArray())), "does not start as a .npy array");

    [Fact]
    public void Damage_of_any_kind_gives_numbers_or_a_clear_error()
    {
        byte[] original = new NpzArchive { Zip64Directory = true }
            .Add(new("W_enc.npy", NpzArchive.Npy(1, 2, 3)) { Zip64 = true })
            .Add(new("b.npy", NpzArchive.Npy(4, 5, 6, 7)) { Deflated = true })
            .Add(new("c.npy", NpzArchive.Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", new byte[16])) { DataDescriptor = true }).ToArray();
        for (int seed = 0; seed < 4000; seed++)
        {
            string path = _folder.Write("fuzz.npz", Mutations.Mutate(original, seed));
            try
            {
                using NpzFile npz = NpzFile.Open(path);
                foreach (StoredTensor array in npz.Arrays.Values) array.ToTensor();
            }
            catch (InvalidDataException exception)
            {
                exception.Message.ShouldContain("fuzz.npz", customMessage: $"seed {seed}");
            }
        }
    }

    private void Refuses(NpzArchive archive, string reason) => Refuses(archive.ToArray(), reason);

    private void Refuses(byte[] bytes, string reason)
    {
        string path = _folder.Write("hostile.npz", bytes);
        string message = Should.Throw<InvalidDataException>(() => NpzFile.Open(path)).Message;
        message.ShouldContain(reason);
        message.ShouldContain(path);
    }
}
