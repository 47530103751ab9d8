using System.Globalization;

namespace Microtome.Experiments;

/// <summary>Places values of an axis on a length in pixels, with ticks at round numbers.</summary>
internal sealed class LinearScale
{
    private readonly Axis _axis;
    private readonly double _low, _high, _start, _length;

    /// <param name="values">Everything that the axis has to hold.</param>
    /// <param name="start">The pixel of the least value.</param>
    /// <param name="length">Pixels from there to the greatest; negative for an axis that points up.</param>
    public LinearScale(Axis axis, IEnumerable<double> values, double start, double length, int ticks = 6)
    {
        _axis = axis;
        (_start, _length) = (start, length);
        if (axis.Categories is { } categories)
        {
            (_low, _high) = (-0.5, Math.Max(1, categories.Count) - 0.5);
            Ticks = [.. Enumerable.Range(0, categories.Count).Select(i => ((double)i, categories[i]))];
            return;
        }
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        foreach (double value in values.Where(value => double.IsFinite(value) && (!axis.IsLogarithmic || value > 0))) (low, high) = (Math.Min(low, value), Math.Max(high, value));
        if (low > high) (low, high) = axis.IsLogarithmic ? (1, 10) : (0, 1);
        if (axis.IsLogarithmic)
        {
            (_low, _high) = (Math.Log10(axis.Minimum ?? low), Math.Log10(axis.Maximum ?? high));
            if (_high - _low < 1e-9) (_low, _high) = (_low - 0.5, _high + 0.5);
            // Less than two decades have 1, 2 and 5 of each; more of them only whole ones, and of many only some.
            bool few = _high - _low < 2;
            int first = (int)Math.Floor(_low), last = (int)Math.Ceiling(_high), every = few ? 1 : Math.Max(1, (int)Math.Ceiling((double)(last - first) / ticks));
            if (!few) (_low, _high) = (first, last);
            Ticks = [.. Enumerable.Range(first, last - first + 1).Where(decade => (decade - first) % every == 0).SelectMany(decade => (few ? new[] { 1, 2, 5 } : [1]).Select(lead => lead * Math.Pow(10, decade)))
                .Where(value => Math.Log10(value) >= _low - 1e-9 && Math.Log10(value) <= _high + 1e-9).Select(value => (value, value.ToString("G6", CultureInfo.InvariantCulture)))];
            return;
        }
        if (low == high) (low, high) = (low - 0.5, high + 0.5);
        double step = Step((axis.Maximum ?? high) - (axis.Minimum ?? low), ticks);
        _low = axis.Minimum ?? Math.Floor(low / step + 1e-9) * step;
        _high = axis.Maximum ?? Math.Ceiling(high / step - 1e-9) * step;
        if (!(_high > _low)) _high = _low + 1;
        int digits = Math.Max(0, -(int)Math.Floor(Math.Log10(step) + 1e-9));
        List<(double, string)> marks = [];
        for (double i = Math.Ceiling(_low / step - 1e-9); i * step <= _high + step * 1e-9; i++)
            marks.Add((i * step, Math.Abs(i * step) >= 1e6 ? (i * step).ToString("G3", CultureInfo.InvariantCulture) : (i * step + 0.0).ToString($"F{Math.Min(digits, 10)}", CultureInfo.InvariantCulture)));
        Ticks = marks;
    }

    public IReadOnlyList<(double Value, string Text)> Ticks { get; }

    /// <summary>The pixel where the axis begins.</summary>
    public double Start => _start;

    /// <summary>How long one category is in pixels.</summary>
    public double Band => Math.Abs(_length) / (_high - _low);

    public bool Holds(double value) => double.IsFinite(value) && (!_axis.IsLogarithmic || value > 0);

    /// <summary>The pixel of a value; values beyond the axis are drawn at its ends.</summary>
    public double this[double value]
    {
        get
        {
            double place = _axis.IsLogarithmic ? Math.Log10(value) : value;
            return _start + Math.Clamp((place - _low) / (_high - _low), 0, 1) * _length;
        }
    }

    /// <summary>1, 2 or 5 times a power of ten, so that about so many steps make the range.</summary>
    private static double Step(double range, int ticks)
    {
        if (!(range > 0)) return 1;
        double rough = range / ticks, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double lead = rough / power;
        return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
    }
}
