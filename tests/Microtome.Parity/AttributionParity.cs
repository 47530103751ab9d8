namespace Microtome.Parity;

internal static class AttributionParity
{
    public static IEnumerable<(string Name, Action<Comparison> Compare)> Cases(string folder) => [];
}
