using Microtome.Models;
using Microtome.Models.Training;
using Microtome.Numerics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Experiments;

/// <summary>How a vector is trained.</summary>
public sealed record VectorTraining
{
    /// <summary>The layers that get a direction of their own.</summary>
    public required IReadOnlyList<int> Layers { get; init; }

    /// <summary>The most that each direction may be long; longer ones are shortened after every step.</summary>
    public float Length { get; init; } = 4;

    public int Steps { get; init; } = 200;

    public double LearningRate { get; init; } = 0.05;
}

/// <summary>
/// Vectors trained by gradient (Subramani et al. 2022, "Extracting Latent Steering Vectors from Pretrained Language Models", arXiv 2205.05124): added at
/// every position but the first, they make given texts follow given prompts. The weights stay as they are.
/// </summary>
public static class TrainedVectors
{
    private const int HeldOutOfEvery = 5;

    /// <summary>Trains on the examples; with ten or more of them every fifth is held out, and the recipe's notes say the loss on those too.</summary>
    /// <param name="examples">Prompts and what should follow them.</param>
    /// <param name="progress">Told the fraction done.</param>
    /// <exception cref="ArgumentException">There is nothing to train on, a layer does not exist, the model cannot be trained through, or training diverges.</exception>
    public static SteeringVector Make(LoadedModel model, IReadOnlyList<(string Prompt, string Target)> examples, VectorTraining training, string concept = "", IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        if (examples.Count == 0) throw new ArgumentException("There are no examples to train on.", nameof(examples));
        if (training.Layers.Count == 0) throw new ArgumentException("Say at which layers the vector is trained.", nameof(training));
        foreach (int layer in training.Layers)
            if ((uint)layer >= (uint)model.Specification.Layers.Count) throw new ArgumentException($"There is no layer {layer}; the model's are 0 to {model.Specification.Layers.Count - 1}.", nameof(training));
        TrainableDecoder decoder;
        try
        {
            decoder = TrainableDecoder.Load(model.Checkpoint);
        }
        catch (NotSupportedException exception)
        {
            throw new ArgumentException($"No vector can be trained through this model. {exception.Message}", exception);
        }
        decoder.Frozen = true;
        TrainingDocument[] documents = [.. examples.Select(example => Document(model, example.Prompt, example.Target))];
        bool holdsOut = documents.Length >= 2 * HeldOutOfEvery;
        TrainingDocument[] held = [.. documents.Where((_, i) => holdsOut && i % HeldOutOfEvery == 0)], kept = [.. documents.Where((_, i) => !holdsOut || i % HeldOutOfEvery != 0)];

        Tensor[] directions = [.. training.Layers.Select(_ => new Tensor(1, model.Specification.ModelWidth))];
        Variable[] variables = [.. directions.Select(Variable.Parameter)];
        AdamW optimizer = new(variables.Select(variable => (variable, false)), new AdamWOptions { WeightDecay = 0 });
        Tape tape = new();
        double before = Loss(kept), heldBefore = holdsOut ? Loss(held) : 0;
        TrainingBatch batch = new(kept);
        for (int step = 0; step < training.Steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (Variable variable in variables) variable.ClearGradient();
            Variable loss = decoder.Loss(tape, batch, Additions(batch));
            double value = loss.Value.Row(0)[0];
            tape.Backward(loss);
            double rate = training.LearningRate * Math.Min(1, (step + 1) / 10.0) * (1 - 0.9 * step / training.Steps);
            if (!double.IsFinite(value) || !double.IsFinite(optimizer.Step(rate))) throw new ArgumentException($"Training diverged at step {step + 1}; lower the learning rate ({training.LearningRate}).", nameof(training));
            foreach (Tensor direction in directions)
                if (SteeringVector.Norm(direction.Span) is var norm && norm > training.Length) SteeringVector.Scaled(direction.Span, training.Length / norm).CopyTo(direction.Span);
            progress?.Report((step + 1.0) / training.Steps);
        }
        Dictionary<string, string> notes = new() { ["loss, nats a token"] = FormattableString.Invariant($"{before:0.000} without, {Loss(kept):0.000} with") };
        if (holdsOut) notes["loss on held-out examples"] = FormattableString.Invariant($"{heldBefore:0.000} without, {Loss(held):0.000} with");
        return new SteeringVector(training.Layers.Select((layer, i) => KeyValuePair.Create(layer, directions[i].Span.ToArray())), new VectorRecipe
        {
            Model = model.Name,
            Family = model.Specification.Family,
            Method = "trained",
            Concept = concept,
            Positive = [.. examples.Select(example => example.Prompt + example.Target)],
            Notes = notes,
            Version = MicrotomeVersion.Text,
        });

        StreamAddition[] Additions(TrainingBatch of) => [.. training.Layers.Select((layer, i) => StreamAddition.ByDocument(layer, variables[i], of, new int[of.Documents.Count], firstPosition: 1))];

        double Loss(TrainingDocument[] some)
        {
            TrainingBatch all = new(some);
            double value = decoder.Loss(tape, all, Additions(all)).Value.Row(0)[0];
            tape.Reset();
            return value;
        }
    }

    /// <summary>Only the target's tokens count.</summary>
    private static TrainingDocument Document(LoadedModel model, string prompt, string target)
    {
        if (target.Length == 0) throw new ArgumentException($"Nothing should follow the prompt \"{prompt}\".");
        int[] before = model.Prompts.Encode(prompt), tokens = model.Prompts.Encode(prompt + target);
        int shared = before.AsSpan().CommonPrefixLength(tokens);
        if (shared == 0 || shared >= tokens.Length) throw new ArgumentException($"The text \"{target}\" adds no token to the prompt \"{prompt}\".");
        return new TrainingDocument(tokens, [.. tokens.Select((_, i) => i >= shared ? 1f : 0f)]);
    }
}
