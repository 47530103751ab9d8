namespace Microtome.Tests;

/// <summary>A fact about signals, limits and devices that only Unix has.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute()
    {
        if (OperatingSystem.IsWindows()) Skip = "Needs Unix.";
    }
}
