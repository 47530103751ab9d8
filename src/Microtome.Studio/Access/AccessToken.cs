using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Microtome.Studio.Access;

/// <summary>The secret that lets a page or a script in.</summary>
internal sealed class AccessToken
{
    private readonly byte[] _bytes;

    public AccessToken()
    {
        Text = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));
        _bytes = Encoding.ASCII.GetBytes(Text);
    }

    public string Text { get; }

    /// <summary>Compares in a time that does not tell how much is right.</summary>
    public bool Is(string? candidate) =>
        candidate is { Length: > 0 and < 256 } && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(candidate), _bytes);
}
