namespace Microtome.Parity;

/// <summary>One comparison: its name, the worst error found over its tolerance, and where.</summary>
public sealed record ParityResult(string Kind, string Name, double Worst, string Where, string? Failure)
{
    /// <summary>Whether everything is within tolerance.</summary>
    public bool Passed => Failure is null && Worst <= 1;
}

/// <summary>Finds the cases below a folder and compares each.</summary>
public static class ParityRun
{
    /// <summary>Compares all cases below <paramref name="folder"/> and prints a line for each.</summary>
    /// <returns>True when there is a case in every kind of folder that exists and all of them pass.</returns>
    public static bool Run(string folder, TextWriter output)
    {
        List<ParityResult> results = [];
        bool empty = false;
        foreach ((string kind, Func<string, IEnumerable<(string Name, Action<Comparison> Compare)>> cases) in new[]
        {
            ("models", ModelParity.Cases),
            ("attribution", AttributionParity.Cases),
            ("tokenizers", (Func<string, IEnumerable<(string, Action<Comparison>)>>)TokenizerParity.Cases),
        })
        {
            string path = Path.Combine(folder, kind);
            if (!Directory.Exists(path)) continue;
            int before = results.Count;
            foreach ((string name, Action<Comparison> compare) in cases(path))
            {
                ParityResult result = Compare(kind, name, compare);
                results.Add(result);
                output.WriteLine(Line(result));
            }
            if (results.Count > before) continue;
            empty = true;
            output.WriteLine($"FAIL  {kind,-12} the folder {path} holds no case");
        }
        int failed = results.Count(result => !result.Passed);
        if (results.Count == 0) output.WriteLine($"FAIL  no cases below {Path.GetFullPath(folder)}");
        else output.WriteLine($"{results.Count - failed} of {results.Count} cases agree");
        return results.Count > 0 && failed == 0 && !empty;
    }

    private static ParityResult Compare(string kind, string name, Action<Comparison> compare)
    {
        Comparison comparison = new();
        try
        {
            compare(comparison);
            return new ParityResult(kind, name, comparison.Worst, comparison.Where, comparison.Count == 0 ? "nothing to compare" : comparison.Failure);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return new ParityResult(kind, name, double.NaN, "", $"{exception.GetType().Name}: {exception.Message}");
        }
    }

    private static string Line(ParityResult result) =>
        $"{(result.Passed ? "ok  " : "FAIL")}  {result.Kind,-12} {result.Name,-34} " +
        (result.Failure is null ? "" : $"{result.Failure}; ") +
        (result.Where.Length == 0 ? result.Failure is null ? "identical" : "" : $"worst error {result.Worst:0.0000} of tolerance, in {result.Where}");
}
