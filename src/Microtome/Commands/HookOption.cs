using Microtome.Dictionaries;
using Microtome.Dictionaries.Training;
using Microtome.Models;

namespace Microtome.Commands;

/// <summary>Hooks and layers as the command line gives them.</summary>
internal static class HookOption
{
    /// <summary>A hook's name within a layer, for all of the chosen layers, or a whole name, for one.</summary>
    /// <exception cref="ArgumentException">The model has no such hook; the message lists those it has.</exception>
    public static (HookPoint Point, int? Layer) Parse(string? name, ModelSpecification model, DictionaryKind kind)
    {
        bool transcoder = kind is DictionaryKind.Transcoder or DictionaryKind.SkipTranscoder or DictionaryKind.CrossLayer;
        name ??= (transcoder ? HookPoint.MlpIn : HookPoint.ResidPost).Name();
        if (name.StartsWith("blocks.", StringComparison.Ordinal))
        {
            ActivationSite site = ActivationSite.Parse(name, model);
            return (site.Point, site.Layer);
        }
        return (Point(name, model), null);
    }

    /// <summary>What a transcoder predicts.</summary>
    public static HookPoint Output(string? name, ModelSpecification model)
    {
        if (name is not null) return Point(name, model);
        return model.Norm.Placement.HasFlag(NormPlacement.After) ? HookPoint.MlpOut : HookPoint.MlpRawOut;
    }

    public static IReadOnlyList<int> Layers(string? list, int? only, ModelSpecification model)
    {
        if (list is null) return only is { } layer ? [layer] : [.. Enumerable.Range(0, model.Layers.Count)];
        NumberList.TryWhole(list, out int[] layers);
        if (only is not null && !layers.SequenceEqual([only.Value])) throw new ArgumentException($"--hook names layer {only}, but --layers says {list}.");
        return layers.All(number => number < model.Layers.Count) ? layers : throw new ArgumentException($"There is no layer {layers.Max()}; the model has 0 to {model.Layers.Count - 1}.");
    }

    /// <summary>All sites of a comma-separated list: whole names, or names within a layer for all of the chosen layers.</summary>
    public static IReadOnlyList<ActivationSite> Sites(string list, IReadOnlyList<int> layers, ModelSpecification model) =>
    [
        .. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).SelectMany(name =>
            name.StartsWith("blocks.", StringComparison.Ordinal) ? [ActivationSite.Parse(name, model)]
            : Point(name, model) is var point && point.IsInLayer() ? layers.Select(layer => ActivationSite.Parse(point.FullName(layer), model))
            : [ActivationSite.Parse(name, model)]).Distinct(),
    ];

    private static HookPoint Point(string name, ModelSpecification model)
    {
        HookPoint point = HookNames.ParsePoint(name);
        return ActivationSite.Parse(point.FullName(0), model).Point;
    }
}
