using System.Text.Json;
using Microtome.Models.Tokenizers;

namespace Microtome.Models.Tests.Tokenizers;

/// <summary>A text and what the reference makes of it.</summary>
internal sealed record ReferenceCase(string Text, int[] Ids, int[] IdsWithSpecial, string Decoded, string? DecodedWithoutSpecial, (int, int)[] Offsets)
{
    public static ReferenceCase Read(JsonElement element) => new(
        element.GetProperty("text").GetString()!,
        Integers(element.GetProperty("ids")),
        Integers(element.GetProperty("ids_with_special")),
        element.GetProperty("decoded").GetString()!,
        element.TryGetProperty("decoded_skip", out JsonElement skipped) ? skipped.GetString() : null,
        [.. element.GetProperty("offsets").EnumerateArray().Select(pair => (pair[0].GetInt32(), pair[1].GetInt32()))]);

    /// <summary>What the tokenizer does differently; nothing when it does the same.</summary>
    public IEnumerable<string> Differences(Tokenizer tokenizer)
    {
        string shown = JsonSerializer.Serialize(Text);
        int[] ids = tokenizer.Encode(Text);
        if (!ids.SequenceEqual(Ids))
        {
            yield return $"{shown}: ids [{string.Join(", ", ids)}] should be [{string.Join(", ", Ids)}]";
            yield break;
        }
        int[] withSpecial = tokenizer.Encode(Text, addSpecialTokens: true);
        if (!withSpecial.SequenceEqual(IdsWithSpecial)) yield return $"{shown}: with special tokens [{string.Join(", ", withSpecial)}] should be [{string.Join(", ", IdsWithSpecial)}]";
        (int, int)[] offsets = [.. Tokenizer.CodePointOffsets(Text, tokenizer.EncodeWithOffsets(Text)).Select(token => (token.Start, token.End))];
        if (!offsets.SequenceEqual(Offsets)) yield return $"{shown}: offsets {string.Join(" ", offsets)} should be {string.Join(" ", Offsets)}";
        string decoded = tokenizer.Decode(Ids);
        if (decoded != Decoded) yield return $"{shown}: decoded {JsonSerializer.Serialize(decoded)} should be {JsonSerializer.Serialize(Decoded)}";
        if (DecodedWithoutSpecial is null) yield break;
        string skipped = tokenizer.Decode(IdsWithSpecial, skipSpecialTokens: true);
        if (skipped != DecodedWithoutSpecial) yield return $"{shown}: without special tokens {JsonSerializer.Serialize(skipped)} should be {JsonSerializer.Serialize(DecodedWithoutSpecial)}";
    }

    private static int[] Integers(JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetInt32())];
}
