using System.Globalization;

namespace Microtome.Experiments;

/// <summary>What a sweep's cells have: factors, which are set, and measures, which are found.</summary>
/// <param name="Name">The table's name in the results' file: letters, digits and underscores, as are factors' and measures'.</param>
public sealed record SweepTable(string Name, IReadOnlyList<string> Factors, IReadOnlyList<string> Measures)
{
    /// <summary>Columns of what a cell finds any number of, such as the latents that are active: numbers, in a table of their own, <see cref="DetailsName"/>.</summary>
    public IReadOnlyList<string> Details { get; init; } = [];

    internal string DetailsName => $"{Name}_details";

    /// <exception cref="ArgumentException">A name is empty, has other characters, or comes twice.</exception>
    public void Validate()
    {
        string[] names = ["ordinal", "key", "status", .. Factors, .. Measures];
        string[] details = ["ordinal", "row", .. Details];
        foreach (string name in names.Append(Name).Concat(details))
            if (name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')) throw new ArgumentException($"'{name}' cannot be a column of results; names have letters, digits and underscores.");
        foreach (string[] table in new[] { names, details })
            if (table.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice) throw new ArgumentException($"There are two columns '{twice.Key}'.");
    }

    /// <summary>The cell with these factors.</summary>
    /// <param name="group">Cells of one group are computed together: those that share what can be shared.</param>
    /// <param name="factors">In the table's order: texts, integers or numbers.</param>
    public SweepCell Cell(int group, params IReadOnlyList<object> factors)
    {
        ArgumentNullException.ThrowIfNull(factors);
        if (factors.Count != Factors.Count) throw new ArgumentException($"{Factors.Count} factors are needed, not {factors.Count}.", nameof(factors));
        return new SweepCell(string.Join(' ', Factors.Select((name, i) => $"{name}={Text(factors[i])}")), group, factors);
    }

    private static string Text(object value) => value switch
    {
        string text => text.Replace("\\", @"\\", StringComparison.Ordinal).Replace(" ", @"\s", StringComparison.Ordinal),
        int or long => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        _ => throw new ArgumentException($"A factor cannot be a {value.GetType().Name}."),
    };
}

/// <summary>One cell of a sweep.</summary>
/// <param name="Key">Its factors as text: unique within the sweep.</param>
/// <param name="Group">Cells of one group are computed together.</param>
public sealed record SweepCell(string Key, int Group, IReadOnlyList<object> Factors);

/// <summary>What was found for a cell.</summary>
/// <param name="Measures">In the table's order; NaN where there is none.</param>
/// <param name="Status"><see cref="Fine"/>, or what is wrong with the model's answer.</param>
public sealed record CellResult(IReadOnlyList<double> Measures, string Status = CellResult.Fine)
{
    public const string Fine = "ok";

    /// <summary>Rows of the table's <see cref="SweepTable.Details"/>: finite numbers.</summary>
    public IReadOnlyList<double[]> Details { get; init; } = [];

    public bool IsFine => Status == Fine;
}

/// <summary>A cell with what was found.</summary>
public sealed class SweepRow(SweepTable table, SweepCell cell, CellResult result)
{
    public SweepCell Cell => cell;

    public CellResult Result => result;

    public bool IsFine => result.IsFine;

    /// <summary>The measure of this name.</summary>
    public double this[string measure] => result.Measures[Index(table.Measures, measure)];

    /// <summary>The factor of this name as text.</summary>
    public string Text(string factor) => Convert.ToString(Factor(factor), CultureInfo.InvariantCulture)!;

    public int Integer(string factor) => Convert.ToInt32(Factor(factor), CultureInfo.InvariantCulture);

    public double Number(string factor) => Convert.ToDouble(Factor(factor), CultureInfo.InvariantCulture);

    private object Factor(string name) => cell.Factors[Index(table.Factors, name)];

    private static int Index(IReadOnlyList<string> names, string name)
    {
        for (int i = 0; i < names.Count; i++)
            if (names[i] == name) return i;
        throw new ArgumentException($"There is no column '{name}'; there are {string.Join(", ", names)}.");
    }
}
