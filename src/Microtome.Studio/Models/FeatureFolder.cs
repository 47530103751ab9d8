namespace Microtome.Studio.Models;

/// <summary>Tells folders of feature data.</summary>
internal static class FeatureFolder
{
    public static bool IsOne(string folder) => false;
}
