using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Microtome.Models.Hub;

/// <summary>
/// The Hub names a file's content by its hash: SHA-256 (64 hexadecimal digits) for large files, and git's object name
/// (40 digits), the SHA-1 of <c>blob size\0</c> and the content, for the others.
/// </summary>
internal sealed class ContentHash : IDisposable
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");
    private readonly IncrementalHash hash;
    private readonly byte[] header;

    /// <param name="name">The hash to come, which tells its kind.</param>
    /// <param name="size">The content's size in bytes, which git hashes first.</param>
    public ContentHash(string name, long size)
    {
        bool isGit = name.Length == 40;
        hash = IncrementalHash.CreateHash(isGit ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256);
        header = isGit ? Encoding.ASCII.GetBytes($"blob {size}\0") : [];
        hash.AppendData(header);
    }

    public static bool IsName(string text) => text.Length is 40 or 64 && !text.AsSpan().ContainsAnyExcept(Digits);

    public static bool IsCommit(string text) => text.Length == 40 && !text.AsSpan().ContainsAnyExcept(Digits);

    public static bool IsShortCommit(string text) => text.Length is >= 5 and < 40 && !text.AsSpan().ContainsAnyExcept(Digits);

    public void Append(ReadOnlySpan<byte> bytes) => hash.AppendData(bytes);

    public void Restart()
    {
        hash.GetHashAndReset();
        hash.AppendData(header);
    }

    public string Finish() => Convert.ToHexStringLower(hash.GetHashAndReset());

    public void Dispose() => hash.Dispose();
}
