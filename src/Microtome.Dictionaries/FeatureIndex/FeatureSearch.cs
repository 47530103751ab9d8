namespace Microtome.Dictionaries;

/// <summary>Finds features in sources that have no index of their texts, by reading one after another.</summary>
internal static class FeatureSearch
{
    /// <summary>How many features are read at most.</summary>
    public const int MostRead = 5000;

    /// <inheritdoc cref="IFeatureSource.Search"/>
    public static IReadOnlyList<FeatureSummary> Among(IEnumerable<FeatureData> features, string text, int most)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(most);
        List<FeatureSummary> found = [];
        foreach (FeatureData data in features.Take(MostRead))
        {
            bool named = Contains(data.Label, text);
            if (!named && text.Length > 0 && !data.Promoted.Any(effect => Contains(effect.Token, text))) continue;
            found.Add(new FeatureSummary(data.Layer, data.Feature, data.Label, data.Maximum, data.Density, [.. data.Promoted.Take(3).Select(effect => effect.Token)]));
        }
        return [.. found.OrderByDescending(summary => Contains(summary.Label, text)).Take(most)];
    }

    public static bool Contains(string? label, string text) => label?.Contains(text, StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>What is said where somebody wants to change a label of such a source.</summary>
    public static InvalidOperationException CannotLabel(string path) =>
        new($"{path} is a folder of feature data, whose labels are not changed; microtome index makes a file whose labels can be.");
}
