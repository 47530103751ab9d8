namespace Microtome.Parity;

internal static class TokenizerParity
{
    public static IEnumerable<(string Name, Action<Comparison> Compare)> Cases(string folder) => [];
}
