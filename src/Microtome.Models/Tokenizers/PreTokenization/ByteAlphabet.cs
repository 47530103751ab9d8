namespace Microtome.Models.Tokenizers;

/// <summary>GPT-2's printable stand-ins for the 256 bytes: Latin-1's visible characters for themselves, U+0100 and on for the others.</summary>
internal static class ByteAlphabet
{
    /// <summary>The stand-in for a space.</summary>
    public const char Space = 'Ġ';

    private static readonly char[] s_characters = new char[256];
    private static readonly short[] s_bytes = new short[0x144];

    static ByteAlphabet()
    {
        Array.Fill(s_bytes, (short)-1);
        int hidden = 0;
        for (int value = 0; value < 256; value++)
        {
            bool visible = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            s_characters[value] = (char)(visible ? value : 256 + hidden++);
            s_bytes[s_characters[value]] = (short)value;
        }
    }

    public static char Character(byte value) => s_characters[value];

    /// <summary>The byte that a character stands for; -1 when it stands for none.</summary>
    public static int Byte(char character) => character < s_bytes.Length ? s_bytes[character] : -1;
}
