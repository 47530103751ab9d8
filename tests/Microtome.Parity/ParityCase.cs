namespace Microtome.Parity;

/// <summary>Something that a reference implementation computed, and how to compare with it.</summary>
/// <param name="Kind">The folder it was found in: models, attribution, tokenizers, saes or vectors.</param>
/// <param name="Name">Its folder or file below that.</param>
public sealed record ParityCase(string Kind, string Name, Action<Comparison> Compare)
{
    /// <summary>Makes the comparison; what it throws is a failure.</summary>
    public ParityResult Run()
    {
        Comparison comparison = new();
        try
        {
            Compare(comparison);
            if (comparison.Count == 0) comparison.Fail("nothing to compare");
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            comparison.Fail($"{exception.GetType().Name}: {exception.Message}");
        }
        return new ParityResult(Kind, Name, comparison.Worst, comparison.Where, comparison.Count, comparison.Failure);
    }
}

/// <summary>One comparison: the worst error found over its tolerance, and where.</summary>
/// <param name="Count">How many things were compared.</param>
/// <param name="Failure">What is wrong beyond a number out of tolerance.</param>
public sealed record ParityResult(string Kind, string Name, double Worst, string Where, int Count, string? Failure)
{
    /// <summary>Whether everything is within tolerance.</summary>
    public bool Passed => Failure is null && Worst <= 1;

    public override string ToString() =>
        $"{(Passed ? "ok  " : "FAIL")}  {Kind,-12} {Name,-34} " +
        (Failure is null ? "" : $"{Failure}; ") +
        (Where.Length == 0 ? $"{Count} compared exactly" : $"worst error {Worst:0.0000} of tolerance, in {Where}");
}
