using Microtome.Models.Training;

namespace Microtome.Models.Tests.Training;

/// <summary>A decoder and data small enough to train in a test.</summary>
internal static class SmallTraining
{
    public static DecoderShape Shape => new() { Layers = 2, Width = 24, Heads = 4, KeyValueHeads = 2, HeadWidth = 6, MlpWidth = 40, Vocabulary = 50, Context = 32, EndOfText = 49 };

    public static TrainingOptions Options => new() { Steps = 12, BatchTokens = 90, WarmUpSteps = 3, CheckpointEvery = 4, ValidateEvery = 5, ValidationTokens = 200, LearningRate = 1e-2 };

    /// <summary>Counting upwards from a random number, endlessly.</summary>
    public static IEnumerable<TrainingDocument> Documents(int seed)
    {
        Random random = new(seed);
        while (true)
        {
            int start = random.Next(20), length = random.Next(3, 30);
            yield return new TrainingDocument([49, .. Enumerable.Range(start, length).Select(token => token % 49)]);
        }
    }

    public static TrainingBatch Batch(int seed, int documents = 5) => new([.. Documents(seed).Take(documents)]);

    public static LanguageTrainer Trainer(TrainableDecoder decoder, string? folder = null, TrainingOptions? options = null) => new(decoder, Documents(1), Documents(2).Take(20), options ?? Options, folder);

    public static float[] Weights(TrainableDecoder decoder) => [.. decoder.Parameters.SelectMany(parameter => parameter.Value.Span.ToArray())];
}
