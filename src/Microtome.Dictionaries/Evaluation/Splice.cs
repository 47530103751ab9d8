using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>What stands in for an activation.</summary>
public enum SpliceKind
{
    /// <summary>The activation itself.</summary>
    None,

    /// <summary>The dictionary's reconstruction, of what it reads in the changed pass.</summary>
    Reconstruction,

    /// <summary>Zeros.</summary>
    Zero,

    /// <summary>The activation's mean over the texts.</summary>
    Mean,
}

/// <summary>A forward pass in which activations are replaced.</summary>
/// <param name="Site">The one site whose activation is; all sites' when null.</param>
public readonly record struct SpliceCondition(SpliceKind Kind, int? Site = null);

/// <summary>Builds the hooks that put something else in the place of a dictionary's sites, at every position but the first of each sequence.</summary>
/// <param name="means">Of each site's activation [width]; needed for <see cref="SpliceKind.Mean"/>.</param>
internal sealed class Splice(JudgedDictionary dictionary, IReadOnlyList<float[]> means)
{
    /// <param name="kept">Which rows keep their activation.</param>
    public ForwardHooks Hooks(SpliceCondition condition, bool[] kept)
    {
        ForwardHooks hooks = new();
        if (condition.Kind == SpliceKind.None) return hooks;
        int[] sites = condition.Site is { } one ? [one] : [.. Enumerable.Range(0, dictionary.Sites.Count)];
        List<ActiveFeature>[] active = new List<ActiveFeature>[dictionary.Readers.Count];
        Tensor[] inputs = new Tensor[dictionary.Readers.Count];
        if (condition.Kind == SpliceKind.Reconstruction)
            foreach (int reader in sites.SelectMany(site => dictionary.Sites[site].Readers).Distinct().Order()) // before sites' own hooks, which may be at the same point
                hooks.Add(dictionary.Readers[reader].Point, dictionary.Readers[reader].Layer, (activation, _) =>
                {
                    inputs[reader] = activation.Clone();
                    active[reader] = dictionary.Readers[reader].Encode(inputs[reader].AsMatrix());
                });
        foreach (int index in sites)
        {
            ReconstructedSite site = dictionary.Sites[index];
            hooks.Add(site.Point, site.Layer, (activation, _) =>
            {
                Tensor? replacement = condition.Kind == SpliceKind.Reconstruction ? site.Reconstruct([.. site.Readers.Select(reader => active[reader])], [.. site.Readers.Select(reader => inputs[reader])]) : null;
                for (int row = 0; row < activation.Rows; row++)
                {
                    if (kept[row]) continue;
                    if (replacement is not null) replacement.Row(row).CopyTo(activation.Row(row));
                    else if (condition.Kind == SpliceKind.Mean) means[index].CopyTo(activation.Row(row));
                    else activation.Row(row).Clear();
                }
            });
        }
        return hooks;
    }
}
