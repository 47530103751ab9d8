using Microtome.Models.SmallWorld;
using Microtome.Models.Tokenizers;
using Microtome.Models.Training;

namespace Microtome.Experiments.SmallWorld;

/// <summary>How the model of the small world is made: its vocabulary, its shape, what it reads and how it is trained.</summary>
/// <param name="Seed">Of the world, the weights and the order of documents.</param>
/// <param name="Steps">How long it is trained.</param>
public sealed record WorldModel(int Seed = World.StandardSeed, int Steps = 5000)
{
    /// <summary>What a token that is no part of an answer counts in training, against one that is: most of them are drawn at random and cannot be predicted.</summary>
    private const float PromptWeight = 0.2f;

    /// <summary>The longest text.</summary>
    public const int Context = 128;

    private const int VocabularySize = 3712, TokenizerDocuments = 40_000;

    public World World { get; } = new(Seed);

    public TrainingOptions Training => new()
    {
        Steps = Steps,
        BatchTokens = 3072,
        LearningRate = 3e-3,
        WarmUpSteps = Math.Min(200, Steps / 10 + 1),
        Optimizer = new AdamWOptions { WeightDecay = 0.4 },
        CheckpointEvery = 250,
        ValidateEvery = 250,
    };

    /// <summary>Learns the vocabulary from documents of the world.</summary>
    public TrainedTokenizer TrainTokenizer(CancellationToken cancellation = default) =>
        BytePairTrainer.Train(World.Documents(Seed + 1).Take(TokenizerDocuments), VocabularySize, cancellation);

    public DecoderShape Shape(Tokenizer tokenizer) => new()
    {
        Layers = 5,
        Width = 128,
        Heads = 4,
        KeyValueHeads = 2,
        MlpWidth = 512,
        Vocabulary = tokenizer.VocabularySize,
        Context = Context,
        EndOfText = EndOfText(tokenizer),
    };

    /// <summary>A trainer at its first step, or, with <see cref="LanguageTrainer.Resume"/>, where it stopped.</summary>
    /// <param name="folder">Where checkpoints and the curve go.</param>
    public LanguageTrainer Trainer(TrainableDecoder decoder, Tokenizer tokenizer, string? folder) =>
        new(decoder, Documents(tokenizer, Seed + 2), Documents(tokenizer, Seed + 3), Training, folder);

    /// <summary>Documents as the model reads them, each between two ends of text, answers counting most.</summary>
    public IEnumerable<TrainingDocument> Documents(Tokenizer tokenizer, int seed)
    {
        int end = EndOfText(tokenizer);
        foreach (WorldDocument document in World.MarkedDocuments(seed))
        {
            IReadOnlyList<Token> tokens = tokenizer.EncodeWithOffsets(document.Text);
            int[] ids = [end, .. tokens.Select(token => token.Id), end];
            float[] weights = new float[ids.Length];
            Array.Fill(weights, PromptWeight);
            for (int i = 0; i < tokens.Count; i++)
                if (document.Answers.Any(answer => tokens[i].Start < answer.End.Value && tokens[i].End > answer.Start.Value)) weights[i + 1] = 1;
            yield return new TrainingDocument(ids, weights);
        }
    }

    private static int EndOfText(Tokenizer tokenizer) => tokenizer.Find(BytePairTrainer.EndOfText) ?? throw new ArgumentException($"The tokenizer has no {BytePairTrainer.EndOfText}.", nameof(tokenizer));
}
