using System.Text.Json;
using System.Text.Json.Serialization;
using Microtome.Models.Tokenizers;
using Microtome.Numerics;

namespace Microtome.Models.Training;

/// <summary>All that decides what comes out of training a language model, beside the texts themselves.</summary>
public sealed record LanguageModelRecipe
{
    /// <summary>A generator's name, or text files.</summary>
    public required IReadOnlyList<string> Sources { get; init; }

    /// <summary>Of the weights' first values and of the order of the texts.</summary>
    public int Seed { get; init; }

    /// <summary>The shape; its vocabulary is the most that is learned, and becomes what was.</summary>
    public required DecoderShape Shape { get; init; }

    public TrainingOptions Training { get; init; } = new();

    /// <summary>How weights are saved.</summary>
    public ElementType Type { get; init; } = ElementType.F32;

    /// <summary>Of the texts, once they are known.</summary>
    public string? Texts { get; init; }
}

/// <summary>
/// Trains a language model in a folder, from a vocabulary to an ordinary Hugging Face checkpoint. The folder holds the recipe (<c>training.json</c>), the
/// tokenizer, the curve, the last checkpoints, and in the end the model.
/// </summary>
public sealed class LanguageModelRun : IDisposable
{
    private const long LargestRecipe = 1 << 20;
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Converters = { new JsonStringEnumConverter<ElementType>() } };
    private readonly string _folder;

    private LanguageModelRun(string folder, LanguageModelRecipe recipe, TrainableDecoder decoder, LanguageTrainer trainer)
    {
        _folder = folder;
        Recipe = recipe;
        Decoder = decoder;
        Trainer = trainer;
    }

    public LanguageModelRecipe Recipe { get; }

    public TrainableDecoder Decoder { get; }

    public LanguageTrainer Trainer { get; }

    /// <summary>Learns a vocabulary, and begins.</summary>
    /// <exception cref="IOException">The folder holds a run already.</exception>
    /// <exception cref="ArgumentException">The recipe is not possible; the message says what is not.</exception>
    public static LanguageModelRun Start(string folder, LanguageModelRecipe recipe, TrainingTexts texts, CancellationToken cancellation = default)
    {
        string path = RecipePath(folder);
        if (File.Exists(path)) throw new IOException($"{folder} holds a training run already; go on with it (--resume), or give another folder.");
        recipe.Training.Validate();
        recipe.Shape.Specification();
        CheckContext(recipe);
        TrainedTokenizer tokenizer = BytePairTrainer.Train(texts.Sample, recipe.Shape.Vocabulary, cancellation);
        recipe = recipe with { Shape = recipe.Shape with { Vocabulary = tokenizer.VocabularySize, EndOfText = tokenizer.EndOfText }, Texts = texts.Fingerprint() };
        tokenizer.Save(folder, recipe.Shape.Context);
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, recipe, Json));
        return Open(folder, recipe, texts);
    }

    /// <summary>The recipe of a folder's run.</summary>
    /// <exception cref="FileNotFoundException">The folder has none.</exception>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static LanguageModelRecipe ReadRecipe(string folder)
    {
        string path = RecipePath(folder);
        if (!File.Exists(path)) throw new FileNotFoundException($"{folder} holds no training run to go on with: it has no {Path.GetFileName(path)}.", path);
        if (new FileInfo(path).Length > LargestRecipe) throw new InvalidDataException($"{path} is larger than {LargestRecipe} bytes; it is not a recipe.");
        try
        {
            return JsonSerializer.Deserialize<LanguageModelRecipe>(File.ReadAllBytes(path), Json) is { Sources: not null, Shape: not null, Training: not null } recipe
                ? recipe
                : throw new InvalidDataException($"{path} is not a recipe.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} is not a recipe: {exception.Message}", exception);
        }
    }

    /// <summary>Goes on with a folder's run from its last checkpoint, or from the beginning where there is none.</summary>
    /// <param name="recipe">As it was read, but for what is to change.</param>
    /// <exception cref="InvalidDataException">The texts are not those of the beginning, or the checkpoint is damaged.</exception>
    public static LanguageModelRun Resume(string folder, LanguageModelRecipe recipe, TrainingTexts texts)
    {
        recipe.Training.Validate();
        CheckContext(recipe);
        if (recipe.Texts != texts.Fingerprint()) throw new InvalidDataException($"The texts of {texts.Name} are not those that training in {folder} began with; it can only go on with the same.");
        LanguageModelRun run = Open(folder, recipe, texts);
        run.Trainer.Resume();
        AtomicFile.Write(RecipePath(folder), stream => JsonSerializer.Serialize(stream, recipe, Json));
        return run;
    }

    /// <summary>Trains to the end and writes the model.</summary>
    /// <inheritdoc cref="LanguageTrainer.Run"/>
    public void Run(Action<TrainingRecord>? progress = null, CancellationToken cancellation = default)
    {
        Trainer.Run(progress, cancellation);
        Decoder.Save(_folder, Recipe.Type, cancellation);
    }

    public void Dispose() => Trainer.Dispose();

    private static LanguageModelRun Open(string folder, LanguageModelRecipe recipe, TrainingTexts texts)
    {
        Tokenizer tokenizer = Tokenizer.Load(folder);
        int end = tokenizer.EndOfText ?? throw new InvalidDataException($"{folder}: the tokenizer's files name no end of text.");
        if (tokenizer.VocabularySize != recipe.Shape.Vocabulary)
            throw new InvalidDataException($"{folder}: the tokenizer has {tokenizer.VocabularySize} tokens, the recipe {recipe.Shape.Vocabulary}.");
        TrainableDecoder decoder = new(recipe.Shape, recipe.Seed);
        IEnumerable<TrainingDocument> Encode(IEnumerable<string> part) => TextDocuments.Encode(part, tokenizer, end, recipe.Shape.Context);
        return new LanguageModelRun(folder, recipe, decoder, new LanguageTrainer(decoder, Encode(texts.Training), Encode(texts.Validation), recipe.Training, folder));
    }

    private static void CheckContext(LanguageModelRecipe recipe)
    {
        if (recipe.Shape.Context > recipe.Training.BatchTokens) throw new ArgumentException($"A batch of {recipe.Training.BatchTokens} tokens does not hold a text of a whole context, {recipe.Shape.Context}.");
    }

    private static string RecipePath(string folder) => Path.Combine(folder, "training.json");
}
