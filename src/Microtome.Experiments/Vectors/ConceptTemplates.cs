namespace Microtome.Experiments;

/// <summary>The sentences that a concept's word is put into, and the words that it is compared with. Both are plain text files with one entry a line; lines that begin with # are remarks.</summary>
public sealed record ConceptTemplates
{
    private const string Place = "{word}";
    private const long LargestFile = 1 << 20;

    /// <exception cref="ArgumentException">There are no templates or no words, or a template has no place for the word.</exception>
    public ConceptTemplates(IReadOnlyList<string> templates, IReadOnlyList<string> baseline)
    {
        if (templates.Count == 0) throw new ArgumentException("There are no templates.", nameof(templates));
        if (templates.FirstOrDefault(template => !template.Contains(Place, StringComparison.Ordinal)) is { } without)
            throw new ArgumentException($"The template \"{without}\" has no {Place}, where the word goes.", nameof(templates));
        if (baseline.Count == 0) throw new ArgumentException("There are no baseline words.", nameof(baseline));
        Templates = templates;
        Baseline = baseline;
    }

    /// <summary>Those that come with the program.</summary>
    public static ConceptTemplates Default { get; } = new(Embedded("concept-templates.txt"), Embedded("baseline-words.txt"));

    /// <summary>Each with <c>{word}</c> in it.</summary>
    public IReadOnlyList<string> Templates { get; }

    /// <summary>Words whose mean is subtracted.</summary>
    public IReadOnlyList<string> Baseline { get; }

    /// <summary>Entries from files; those that come with the program where a file is not given.</summary>
    /// <exception cref="InvalidDataException">A file is too large.</exception>
    public static ConceptTemplates Load(string? templates, string? baseline) =>
        new(templates is null ? Default.Templates : Read(templates), baseline is null ? Default.Baseline : Read(baseline));

    /// <summary>The templates with a word in them.</summary>
    public IEnumerable<string> Fill(string word) => Templates.Select(template => template.Replace(Place, word, StringComparison.Ordinal));

    internal static IReadOnlyList<string> Read(string path) => new FileInfo(path) is { Exists: true, Length: > LargestFile } file
        ? throw new InvalidDataException($"{path} has {file.Length} bytes; a list of texts has at most {LargestFile}.")
        : Entries(File.ReadLines(path));

    internal static IReadOnlyList<string> Embedded(string name)
    {
        using StreamReader reader = new(typeof(ConceptTemplates).Assembly.GetManifestResourceStream($"vectors/{name}")!);
        return Entries(reader.ReadToEnd().Split('\n'));
    }

    private static IReadOnlyList<string> Entries(IEnumerable<string> lines) =>
        [.. lines.Select(line => line.Trim('\r', '\n', '\uFEFF')).Where(line => line.Trim().Length > 0 && !line.StartsWith('#'))];
}
