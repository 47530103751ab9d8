namespace Microtome.Experiments;

/// <summary>A concept to inject: by its word, or by what its vector is made of.</summary>
/// <param name="Name">The word.</param>
/// <param name="File">A steering vector's file, instead of one made from the word.</param>
/// <param name="Latents">A dictionary's latents whose decoder rows are summed, instead.</param>
public sealed record ConceptSetting(string Name, string? File = null, IReadOnlyList<(int Layer, int Feature, float Weight)>? Latents = null);

/// <summary>What an experiment file says, with defaults for what it does not.</summary>
public sealed record ExperimentSettings
{
    /// <summary>The concepts of files that name none.</summary>
    public static IReadOnlyList<string> DefaultConcepts { get; } = ["sea", "fire", "music", "bread", "snow", "gold", "war", "tree", "dog", "rain", "night", "love"];

    public required ExperimentKind Kind { get; init; }

    public string? Title { get; init; }

    /// <summary>A folder or Hub name; null for the model that comes with the program.</summary>
    public string? Model { get; init; }

    /// <summary>A dictionary of latents, a folder or Hub name; null for the one that comes with the program's model.</summary>
    public string? Dictionary { get; init; }

    public IReadOnlyList<ConceptSetting> Concepts { get; init; } = [.. DefaultConcepts.Select(name => new ConceptSetting(name))];

    /// <summary>Sentences with <c>{word}</c>, from which vectors are made; null for those that come with the program.</summary>
    public IReadOnlyList<string>? VectorTemplates { get; init; }

    /// <summary>Words whose mean is subtracted from a concept's; null for those that come with the program.</summary>
    public IReadOnlyList<string>? BaselineWords { get; init; }

    /// <summary>As <see cref="LayerChoice"/> reads them.</summary>
    public string Layers { get; init; } = "spread 8";

    public IReadOnlyList<double> Strengths { get; init; } = [0.25, 0.5, 1, 2, 4];

    /// <summary>What strengths count.</summary>
    public SteeringUnit Unit { get; init; } = SteeringUnit.Share;

    /// <summary>Where vectors are added, as <see cref="TrialPrompt.Positions"/> reads it; null for the kind's own default.</summary>
    public string? Positions { get; init; }

    /// <summary>How many random vectors of the same length are injected too.</summary>
    public int Placebos { get; init; } = 12;

    public int Seed { get; init; }

    /// <summary>How many resamples intervals are made of.</summary>
    public int Resamples { get; init; } = Bootstrap.DefaultResamples;

    public IReadOnlyList<string> Yes { get; init; } = [" yes", " Yes", " YES", "yes", "Yes"];

    public IReadOnlyList<string> No { get; init; } = [" no", " No", " NO", "no", "No"];

    /// <summary>The texts that the file gives.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Prompts { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>The numbers of the kind that the file gives.</summary>
    public IReadOnlyDictionary<string, double> Numbers { get; init; } = new Dictionary<string, double>();

    /// <summary>The texts under a key, or the kind's own.</summary>
    public IReadOnlyList<string> Texts(string key) => Prompts.TryGetValue(key, out IReadOnlyList<string>? texts) ? texts : Kind.Prompts.Single(prompt => prompt.Name == key).Default;

    /// <summary>The one text under a key.</summary>
    public string Text(string key) => Texts(key)[0];

    /// <summary>The number under a key, or the kind's own.</summary>
    public double Number(string key) => Numbers.TryGetValue(key, out double number) ? number : Kind.Numbers.Single(one => one.Name == key).Default;
}
