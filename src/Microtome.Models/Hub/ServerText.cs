namespace Microtome.Models.Hub;

/// <summary>Text from a server on its way into a message on a terminal.</summary>
internal static class ServerText
{
    private const int MaximumLength = 200;

    /// <summary>The text in quotes, without control characters and not too long.</summary>
    public static string Quote(string text)
    {
        string shown = string.Create(Math.Min(text.Length, MaximumLength), text, static (span, source) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = char.IsControl(source[i]) ? '\uFFFD' : source[i];
        });
        return text.Length > MaximumLength ? $"'{shown}…'" : $"'{shown}'";
    }
}
