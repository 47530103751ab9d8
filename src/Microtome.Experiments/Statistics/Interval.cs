using System.Globalization;

namespace Microtome.Experiments;

/// <summary>An estimate and the bounds between which the quantity lies with a given confidence.</summary>
/// <param name="Estimate">NaN where there was nothing to estimate from; so are the bounds then.</param>
/// <param name="Level">The confidence, such as 0.95.</param>
public readonly record struct Interval(double Estimate, double Low, double High, double Level = 0.95)
{
    /// <summary>What is known from no observations.</summary>
    public static Interval Unknown { get; } = new(double.NaN, double.NaN, double.NaN);

    /// <summary>Whether the whole interval lies above a value; false where it is unknown.</summary>
    public bool IsAbove(double value) => Low > value;

    /// <summary>Whether the whole interval lies below a value; false where it is unknown.</summary>
    public bool IsBelow(double value) => High < value;

    public bool Contains(double value) => Low <= value && value <= High;

    /// <summary>The same interval of a quantity that increases with this one.</summary>
    public Interval Map(Func<double, double> increasing)
    {
        ArgumentNullException.ThrowIfNull(increasing);
        return new(increasing(Estimate), increasing(Low), increasing(High), Level);
    }

    /// <summary>Such as <c>0.42 [0.31, 0.55]</c>.</summary>
    public override string ToString() => ToString("0.00");

    /// <param name="format">Of each number.</param>
    public string ToString(string format)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        return double.IsNaN(Estimate) ? "unknown" : $"{Estimate.ToString(format, culture)} [{Low.ToString(format, culture)}, {High.ToString(format, culture)}]";
    }
}
