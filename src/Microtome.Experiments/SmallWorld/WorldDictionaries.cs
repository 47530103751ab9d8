using Microtome.Dictionaries;
using Microtome.Dictionaries.Training;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments.SmallWorld;

/// <summary>The dictionaries that ship with the small world's model, and what they are trained on: documents of the world, drawn with another seed than the model's.</summary>
/// <param name="Tokens">How many tokens each is trained on; the transcoders, which have the most latents, on twice as many.</param>
public sealed record WorldDictionaries(WorldModel Recipe, long Tokens)
{
    private const int Layers = 5, MiddleLayer = 2, ActiveLatents = 16, Documents = 140_000, MixedTokens = 65_536;
    private const double LearningRate = 3e-3;

    /// <summary>A transcoder for each layer.</summary>
    public DictionaryTrainingPlan Transcoders => Plan(DictionaryKind.Transcoder, HookPoint.MlpIn, [.. Enumerable.Range(0, Layers)], 2048) with { Schedule = new TrainingSchedule { Tokens = 2 * Tokens } };

    public DictionaryTrainingPlan CrossLayer => Plan(DictionaryKind.CrossLayer, HookPoint.MlpIn, [.. Enumerable.Range(0, Layers)], 512);

    /// <summary>Autoencoders of three widths of the stream after the middle layer.</summary>
    public DictionaryTrainingPlan Autoencoders => Plan(DictionaryKind.Autoencoder, HookPoint.ResidPost, [MiddleLayer], 256, 512, 1024);

    /// <summary>The activations of the world's documents that a plan needs; the first position of each, where every text begins alike, is left out.</summary>
    public ActivationSource Activations(LoadedModel model, DictionaryTrainingPlan plan)
    {
        int[][] texts = [.. Recipe.World.Documents(Recipe.Seed + 4).Take((int)Math.Min(Documents, plan.Schedule.Tokens)).Select(model.Prompts.EncodeForTracing)];
        return new LiveActivations(model, plan.Sites(), "the small world", first => texts.Skip((int)Math.Min(first, texts.Length)), (int)Math.Min(MixedTokens, plan.Schedule.Tokens), Recipe.Seed);
    }

    private DictionaryTrainingPlan Plan(DictionaryKind kind, HookPoint input, IReadOnlyList<int> layers, params IReadOnlyList<int> latents) => new()
    {
        Kind = kind,
        Input = input,
        Output = kind == DictionaryKind.Autoencoder ? null : HookPoint.MlpOut,
        Layers = layers,
        Dictionaries = [.. latents.Select(count => new DictionaryOptions { Activation = DictionaryActivation.BatchTopK, Latents = count, K = ActiveLatents, LearningRate = LearningRate, Seed = Recipe.Seed })],
        Schedule = new TrainingSchedule { Tokens = Tokens },
        Type = ElementType.BF16,
    };
}
