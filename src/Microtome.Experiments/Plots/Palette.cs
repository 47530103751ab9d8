using System.Globalization;

namespace Microtome.Experiments;

/// <summary>An sRGB colour.</summary>
public readonly record struct Color(byte Red, byte Green, byte Blue)
{
    /// <summary>Such as <c>#0072b2</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"#{Red:x2}{Green:x2}{Blue:x2}");

    /// <summary>Whether black text reads better on it than white (WCAG 2 relative luminance).</summary>
    public bool IsLight
    {
        get
        {
            static double Linear(byte value) => value / 255.0 <= 0.04045 ? value / 255.0 / 12.92 : Math.Pow((value / 255.0 + 0.055) / 1.055, 2.4);
            return 0.2126 * Linear(Red) + 0.7152 * Linear(Green) + 0.0722 * Linear(Blue) > 0.179;
        }
    }

    internal static Color Mix(Color from, Color to, double share)
    {
        byte Part(byte a, byte b) => (byte)Math.Round(a + (b - a) * share);
        return new Color(Part(from.Red, to.Red), Part(from.Green, to.Green), Part(from.Blue, to.Blue));
    }
}

/// <summary>Colours for values from least to greatest.</summary>
public enum ColorScale
{
    Viridis,
    Cividis,

    /// <summary>Blue below the middle, orange-red above it.</summary>
    Diverging,
}

/// <summary>Colours that all common kinds of colour blindness tell apart.</summary>
public static class Palette
{
    /// <summary>The series colours of Okabe and Ito (2008), without black, which is for placebos and references, and without yellow, which white paper swallows.</summary>
    public static IReadOnlyList<Color> OkabeIto { get; } = [Rgb(0x0072B2), Rgb(0xE69F00), Rgb(0x009E73), Rgb(0xCC79A7), Rgb(0xD55E00), Rgb(0x56B4E9)];

    private static readonly Color[] ViridisStops = [Rgb(0x440154), Rgb(0x482878), Rgb(0x3E4A89), Rgb(0x31688E), Rgb(0x26828E), Rgb(0x1F9E89), Rgb(0x35B779), Rgb(0x6DCD59), Rgb(0xB4DE2C), Rgb(0xFDE725)];
    private static readonly Color[] CividisStops = [Rgb(0x00224E), Rgb(0x123570), Rgb(0x3B496C), Rgb(0x575D6D), Rgb(0x707173), Rgb(0x8A8678), Rgb(0xA59C74), Rgb(0xC3B369), Rgb(0xE1CC55), Rgb(0xFEE838)];
    private static readonly Color[] DivergingStops = [Rgb(0x0072B2), Rgb(0x7FB8DA), Rgb(0xF4F4F4), Rgb(0xEBAA78), Rgb(0xD55E00)];

    /// <summary>The colour of a share from 0 to 1; values outside are clamped.</summary>
    public static Color At(ColorScale scale, double share)
    {
        IReadOnlyList<Color> stops = Stops(scale);
        double place = Math.Clamp(share, 0, 1) * (stops.Count - 1);
        int below = Math.Min((int)place, stops.Count - 2);
        return Color.Mix(stops[below], stops[below + 1], place - below);
    }

    internal static IReadOnlyList<Color> Stops(ColorScale scale) => scale switch { ColorScale.Viridis => ViridisStops, ColorScale.Cividis => CividisStops, _ => DivergingStops };

    private static Color Rgb(int value) => new((byte)(value >> 16), (byte)(value >> 8), (byte)value);
}
