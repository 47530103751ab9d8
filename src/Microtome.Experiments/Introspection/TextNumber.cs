using System.Globalization;

namespace Microtome.Experiments;

/// <summary>Numbers in reports.</summary>
internal static class TextNumber
{
    /// <summary>Three significant digits or so.</summary>
    public static string Of(double value) => double.IsNaN(value) ? "unknown" : Math.Abs(value) switch
    {
        >= 1000 => value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 100 => value.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        >= 0.01 => value.ToString("0.00", CultureInfo.InvariantCulture),
        0 => "0",
        _ => value.ToString("G2", CultureInfo.InvariantCulture),
    };

    public static string Of(Interval interval) => double.IsNaN(interval.Estimate) ? "unknown" : $"{Of(interval.Estimate)} [{Of(interval.Low)}, {Of(interval.High)}]";

    public static string Percent(double share) => double.IsNaN(share) ? "unknown" : share.ToString("0.0 %", CultureInfo.InvariantCulture);

    public static string Probability(double p) => p < 0.001 ? p.ToString("0.0E+0", CultureInfo.InvariantCulture) : p.ToString("0.000", CultureInfo.InvariantCulture);
}
