namespace Microtome.Parity;

/// <summary>Finds the cases below a folder and compares each.</summary>
public static class ParityRun
{
    private static readonly Dictionary<string, Func<string, IEnumerable<(string Name, Action<Comparison> Compare)>>> Kinds = new()
    {
        ["models"] = ModelParity.Cases,
        ["attribution"] = AttributionParity.Cases,
        ["tokenizers"] = TokenizerParity.Cases,
        ["saes"] = AutoencoderParity.Cases,
        ["vectors"] = VectorParity.Cases,
    };

    /// <summary>The cases in those of the folders models, attribution, tokenizers, saes and vectors that there are below <paramref name="folder"/>.</summary>
    public static IEnumerable<ParityCase> Cases(string folder) => Kinds.Keys.SelectMany(kind => Cases(folder, kind));

    /// <summary>Compares all cases below <paramref name="folder"/> and prints a line for each.</summary>
    /// <returns>True when there is a case in every kind of folder that exists and all of them pass.</returns>
    public static bool Run(string folder, TextWriter output)
    {
        int count = 0, failed = 0, empty = 0;
        foreach (string kind in Kinds.Keys.Where(kind => Directory.Exists(Path.Combine(folder, kind))))
        {
            int before = count;
            foreach (ParityCase one in Cases(folder, kind))
            {
                ParityResult result = one.Run();
                output.WriteLine(result);
                count++;
                if (!result.Passed) failed++;
            }
            if (count > before) continue;
            empty++;
            output.WriteLine($"FAIL  {kind,-12} the folder {Path.Combine(folder, kind)} holds no case");
        }
        output.WriteLine(count == 0 ? $"FAIL  no cases below {Path.GetFullPath(folder)}" : $"{count - failed} of {count} cases agree");
        return count > 0 && failed == 0 && empty == 0;
    }

    private static IEnumerable<ParityCase> Cases(string folder, string kind) =>
        Directory.Exists(Path.Combine(folder, kind)) ? Kinds[kind](Path.Combine(folder, kind)).Select(one => new ParityCase(kind, one.Name, one.Compare)) : [];
}
