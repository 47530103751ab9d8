using System.Globalization;
using Microtome.Experiments;
using Microtome.Studio.Api;
using Microtome.Studio.Models;

namespace Microtome.Studio.Steering;

/// <summary>Sliders as edits of a model's stream.</summary>
internal sealed class SteeringPlan(StudioRooms rooms)
{
    private const int MostItems = 200;

    /// <exception cref="RequestException">An item is not one.</exception>
    public static void CheckItems(IReadOnlyList<SteerItem>? items)
    {
        if (items is null || items.Count > MostItems) throw RequestException.Bad($"Give 'steering': at most {MostItems} items.");
        foreach (SteerItem item in items)
        {
            if (item?.Kind is not ("feature" or "group" or "vector")) throw RequestException.Bad($"The kind '{item?.Kind}' is not known; known are feature, group and vector.");
            if (item.Action is not ("add" or "set" or "scale") || (item.Kind == "vector" && item.Action != "add")) throw RequestException.Bad($"A {item.Kind} cannot be steered by '{item.Action}'; features and groups by add, set and scale, vectors by add.");
            if (!double.IsFinite(item.Strength) || Math.Abs(item.Strength) > 1e6) throw RequestException.Bad("A strength must be a number from -1000000 to 1000000.");
            if (item.Kind == "feature" && (item.Layer is null || item.Feature is null)) throw RequestException.Bad("A feature is steered by 'layer' and 'feature'.");
            if (item.Kind == "group" && (item.Trace is null || item.Group is null)) throw RequestException.Bad("A group is steered by 'trace' and 'group'.");
            if (item.Kind == "vector" && item.Name is null) throw RequestException.Bad("A vector is steered by 'name'.");
        }
    }

    /// <summary>The steering of a request; null where nothing is steered.</summary>
    public Experiments.Steering? Of(IReadOnlyList<SteerItem> items, ModelInUse model)
    {
        CheckItems(items);
        Dictionary<(int Layer, int Feature), LatentChange> latents = [];
        List<SteeringEdit> edits = [];
        foreach (SteerItem item in items)
        {
            if (item.Kind == "vector")
            {
                SteeringVector vector = rooms.Vectors.Get(item.Name!, model);
                foreach (int layer in item.Layer is { } one ? [one] : vector.Directions.Keys)
                    edits.Add(new Addition(layer, vector.Directions.Count == 1 ? vector.Directions.First().Value : vector[layer], (float)item.Strength, PositionRange.AllButFirst));
                continue;
            }
            foreach ((int layer, int feature) in item.Kind == "feature" ? [(item.Layer!.Value, item.Feature!.Value)] : FeaturesOf(item))
            {
                float strength = (float)item.Strength;
                LatentChange before = latents.GetValueOrDefault((layer, feature), new LatentChange(1, 0));
                // In the order of the sliders: what was added before is scaled too, and a set activation forgets it.
                latents[(layer, feature)] = item.Action switch
                {
                    "set" => LatentChange.Clamp(strength),
                    "scale" => new LatentChange(before.Factor * strength, before.Value * strength),
                    _ => before with { Value = before.Value + strength },
                };
            }
        }
        if (latents.Count > 0)
        {
            Dictionaries.TranscoderSet dictionary = model.NeedReplacement().Transcoders;
            foreach (((int layer, int feature), LatentChange change) in latents)
            {
                if ((uint)layer >= (uint)dictionary.Layers.Count) throw RequestException.Bad($"There is no layer {layer}; the model's are 0 to {dictionary.Layers.Count - 1}.");
                edits.Add(new LatentEdit(dictionary, layer, feature, change, PositionRange.AllButFirst));
            }
        }
        return edits.Count == 0 ? null : new Experiments.Steering(edits);
    }

    private HashSet<(int Layer, int Feature)> FeaturesOf(SteerItem item)
    {
        rooms.Store.Get(item.Trace!);
        IReadOnlyList<string> nodes = rooms.Stories.Get(item.Trace!).Groups.FirstOrDefault(group => group.Name == item.Group)?.Nodes ?? throw RequestException.NotFound($"The story has no group '{item.Group}'.");
        HashSet<(int Layer, int Feature)> features = [];
        foreach (string[] parts in nodes.Select(node => node.Split('_')))
            if (parts.Length == 3 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int feature))
                features.Add((layer, feature));
        return features.Count > 0 ? features : throw RequestException.Bad($"The group '{item.Group}' has no features.");
    }
}
