using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>A vector to inject, and whether it is a concept's or a placebo.</summary>
internal sealed record InjectedVector(string Name, bool IsPlacebo, SteeringVector Vector)
{
    public const string ConceptKind = "concept", PlaceboKind = "placebo", NoKind = "none";

    public string Kind => IsPlacebo ? PlaceboKind : ConceptKind;

    /// <summary>The change that adds it after a layer.</summary>
    public Steering At(int layer, double strength, PositionRange positions, SteeringUnit unit) =>
        new([new Addition(layer, Vector[layer], (float)strength, positions, unit)]);

    /// <summary>The settings' concepts and their placebos, each as long as one of the concepts, in turn.</summary>
    /// <exception cref="ArgumentException">A vector has another width than the model's stream, or no direction for a layer.</exception>
    public static IReadOnlyList<InjectedVector> Make(ExperimentContext context)
    {
        ExperimentSettings settings = context.Settings;
        ModelSpecification model = context.Model.Specification;
        string[] words = [.. settings.Concepts.Where(concept => concept.File is null && concept.Latents is null).Select(concept => concept.Name)];
        Dictionary<string, SteeringVector> made = [];
        if (words.Length > 0)
        {
            ConceptTemplates templates = new(settings.VectorTemplates ?? ConceptTemplates.Default.Templates, settings.BaselineWords ?? ConceptTemplates.Default.Baseline);
            IReadOnlyList<SteeringVector> vectors = ConceptVectors.Make(context.Model, words, templates, context.Progress("making the concepts' vectors"), context.Cancellation);
            for (int i = 0; i < words.Length; i++) made.Add(words[i], vectors[i]);
        }
        List<InjectedVector> all = [];
        foreach (ConceptSetting concept in settings.Concepts)
        {
            SteeringVector vector = concept.File is { } file ? VectorFile.Load(file) : concept.Latents is { } latents ? FromLatents(context, concept, latents) : made[concept.Name];
            if (vector.Width != model.ModelWidth) throw new ArgumentException($"The vector of '{concept.Name}' has width {vector.Width}, but the model's stream has {model.ModelWidth}: it was made for another model.");
            foreach (int layer in context.Layers)
                if (!vector.Directions.ContainsKey(layer)) throw new ArgumentException($"The vector of '{concept.Name}' has no direction for layer {layer}; it has {vector.LayersText}. Name its layers with \"layers:\".");
            all.Add(new InjectedVector(concept.Name, false, vector));
        }
        int concepts = all.Count;
        if (all.Find(concept => Enumerable.Range(0, settings.Placebos).Any(i => concept.Name == PlaceboName(i))) is { } taken) throw new ArgumentException($"The concept '{taken.Name}' has the name of a random vector; give it another.");
        for (int i = 0; i < settings.Placebos; i++)
            all.Add(new InjectedVector(PlaceboName(i), true, RandomVectors.Like(all[i % concepts].Vector, unchecked(settings.Seed * 1_000_003 + i))));
        return all;
    }

    /// <summary>Says which concepts' vectors point almost the same way, as those of words do that the model does not know; null where none do.</summary>
    /// <param name="layer">Where they are compared.</param>
    public static string? Alike(IReadOnlyList<InjectedVector> vectors, int layer)
    {
        const double same = 0.9;
        const int shown = 6;
        InjectedVector[] concepts = [.. vectors.Where(vector => !vector.IsPlacebo)];
        (string Pair, float Cosine)[] pairs = [.. Enumerable.Range(0, concepts.Length).SelectMany(i => Enumerable.Range(0, i).Select(j => ($"{concepts[j].Name} and {concepts[i].Name}", SteeringVector.Cosine(concepts[j].Vector[layer], concepts[i].Vector[layer]))))];
        (string Pair, float Cosine)[] alike = [.. pairs.Where(pair => pair.Cosine > same).OrderByDescending(pair => pair.Cosine)];
        if (alike.Length == 0) return null;
        string names = string.Join(", ", alike.Take(shown).Select(pair => $"{pair.Pair} ({TextNumber.Of(pair.Cosine)})"));
        return $"After layer {layer} vectors of different concepts point almost the same way: {names}{(alike.Length > shown ? ", …" : "")}, {alike.Length} of {pairs.Length} pairs with a cosine above {TextNumber.Of(same)}. They are hardly evidence of their own, so that intervals over concepts are too narrow; words that the model knows have vectors of their own.";
    }

    private static string PlaceboName(int number) => $"random {number}";

    private static SteeringVector FromLatents(ExperimentContext context, ConceptSetting concept, IReadOnlyList<(int Layer, int Feature, float Weight)> latents)
    {
        if (context.Dictionary is null) throw new ArgumentException($"The concept '{concept.Name}' is made of latents, but there is no dictionary; name one with \"dictionary:\".");
        SteeringVector vector = LatentVectors.Make(context.Dictionary, latents);
        // What a latent writes is a direction of the stream, so that it can be added after any layer.
        float[] sum = vector.Directions.Values.First();
        return new SteeringVector(Enumerable.Range(0, context.Model.Specification.Layers.Count).Select(layer => KeyValuePair.Create(layer, vector.Directions.GetValueOrDefault(layer) ?? sum)), vector.Recipe);
    }
}
