using System.Reflection;

namespace Microtome.Experiments;

/// <summary>The program's version, for what results say of their making.</summary>
internal static class MicrotomeVersion
{
    public static string Text { get; } = "microtome " + (typeof(MicrotomeVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "");
}
