using System.Text;

namespace Microtome.Models.Tests.Tokenizers;

/// <summary>Random texts of words, spaces, digits, accents and characters from all over Unicode.</summary>
internal static class RandomText
{
    private static readonly string[] s_parts =
        ["the", "forward", " ", "  ", "\n", "\r\n", "\t", "'s", "123", "é", "e\u0301", "日本", "😀", "한국", "\u200d", "\u00a0", "▁", "<s>", "<|endoftext|>", "\0"];

    public static string Next(Random random, bool withLoneSurrogates)
    {
        StringBuilder text = new();
        for (int i = random.Next(12); i >= 0; i--)
        {
            int kind = random.Next(withLoneSurrogates ? 5 : 4);
            if (kind < 2) text.Append(s_parts[random.Next(s_parts.Length)]);
            else if (kind == 2) text.Append((char)random.Next(32, 127));
            else if (kind == 3) text.Append(new Rune(random.Next(2) == 0 ? random.Next(0x80, 0xD800) : random.Next(0xE000, 0x110000)).ToString());
            else text.Append((char)random.Next(0xD800, 0xE000)).Append('.');
        }
        return text.ToString();
    }
}
