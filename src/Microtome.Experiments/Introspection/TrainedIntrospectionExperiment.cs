using Microtome.Dictionaries;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>
/// Whether a bias vector for each layer, trained by gradient through the unchanged model so that injections of some concepts are reported and sham trials are not, makes the model
/// report concepts that it was not trained on.
/// </summary>
internal static class TrainedIntrospectionExperiment
{
    private const int RandomDirections = 20;

    public static ExperimentOutcome Run(ExperimentContext context)
    {
        ExperimentSettings settings = context.Settings;
        InjectedVector[] concepts = [.. context.Vectors.Where(vector => !vector.IsPlacebo)];
        if (concepts.Length < 4) throw new ArgumentException($"There are only {concepts.Length} concepts; to train on some and test on others takes four or more.");
        IReadOnlyList<YesNoQuestion> questions = QuestionSet.Build(context);
        InjectedVector[] shuffled = [.. concepts];
        new Random(settings.Seed).Shuffle(shuffled);
        int heldOut = Math.Clamp((int)Math.Round(concepts.Length * settings.Number("held-out")), 2, concepts.Length - 2);
        InjectedVector[] tested = shuffled[..heldOut], trained = shuffled[heldOut..];

        BiasTraining training = new(context, questions, trained);
        training.Run();
        SteeringVector bias = training.Bias;
        VectorFile.Save(bias, Path.Combine(context.Folder, "bias.safetensors"));

        ExperimentOutcome outcome = new();
        IReadOnlyList<InjectedVector> vectors = [.. tested, .. context.Vectors.Where(vector => vector.IsPlacebo)];
        Steering always = new([.. bias.Directions.Select(one => new Addition(one.Key, one.Value, 1, PositionRange.All))]);
        Separation before = Separation.Measure(ShiftTable.From(InjectedThoughtExperiment.Sweep(context, "without_bias", questions, vectors, context.Layers).Run()), settings.Seed, settings.Resamples);
        IReadOnlyList<SweepRow> rows = InjectedThoughtExperiment.Sweep(context, "cells", questions, vectors, context.Layers, always).Run();
        ShiftTable shifts = ShiftTable.From(rows);
        // What the bias learned at all: concepts that it was trained on, against the same random vectors.
        IReadOnlyList<SweepRow> seen = InjectedThoughtExperiment.Sweep(context, "trained_concepts", questions, trained, context.Layers, always).Run();
        Separation learned = Separation.Measure(ShiftTable.From([.. rows.Where(row => row.Text(ShiftTable.KindFactor) == InjectedVector.PlaceboKind), .. seen]), settings.Seed, settings.Resamples);
        Separation after = Separation.Measure(shifts, settings.Seed, settings.Resamples);
        SeparationReport.Describe(context, outcome, shifts, after);
        outcome.Summary = $"With the trained bias, on {tested.Length} concepts that it was not trained on ({string.Join(", ", tested.Select(vector => vector.Name))}): {outcome.Summary} Without the bias the separation is {TextNumber.Of(before.Concepts)}, and {TextNumber.Of(before.Specificity)} more than random vectors'; with it, on the concepts that it was trained on, {TextNumber.Of(learned.Concepts)} and {TextNumber.Of(learned.Specificity)}.";
        outcome.Add(new Finding("separation_without_bias", "Separation under concepts without the bias", before.Concepts));
        outcome.Add(new Finding("specificity_without_bias", "Concepts less random vectors without the bias; p by permutation", before.Specificity, before.Test.Probability));
        outcome.Add(new Finding("separation_trained", $"Separation under the {trained.Length} concepts that the bias was trained on", learned.Concepts));
        outcome.Add(new Finding("specificity_trained", "These concepts less random vectors; p by permutation", learned.Specificity, learned.Test.Probability));

        double end = training.Losses.TakeLast(10).Average();
        if (end > 0.9 * Math.Log(2)) outcome.Caution($"The bias has hardly learned when to say yes: over the last ten steps answers cost {TextNumber.Of(end)} nats, and tossing a coin for yes or no costs {TextNumber.Of(Math.Log(2))}. That it does not carry over may mean no more than that; give more \"steps:\", of which there were {training.Losses.Count:N0}.");

        outcome.Section("The bias");
        outcome.Paragraph($"Trained on {string.Join(", ", trained.Select(vector => vector.Name))}, and on random vectors and no injection as sham trials, {settings.Number("steps")} steps. It is bias.safetensors, a steering vector for --steer.");
        int every = Math.Max(1, training.Losses.Count / 100);
        outcome.Figure("training", new XyChart("Training of the bias", $"The loss of the answers over the steps; {TextNumber.Of(training.Losses.Take(10).Average())} nats over the first ten, {TextNumber.Of(end)} over the last ten.", new Axis("step"), new Axis("cross-entropy, nats"), [new Series(SeriesKind.Line, null, [.. training.Losses.Select((loss, step) => new DataPoint(step, loss)).Where((_, step) => step % every == 0)])]));
        outcome.Paragraph($"The cosines of the bias with what the nearest latents write, beside the largest that {RandomDirections} random directions have with any latent of the same layer: of thousands of latents some lie near any direction.");
        outcome.Table([">layer", ">length", "nearest latents (cosine with what they write)", ">largest of a random direction"], bias.Directions.Select(one =>
        {
            (string nearest, string random) = context.Dictionary is { } dictionary ? Nearest(dictionary, one.Key, one.Value, settings.Seed) : ("no dictionary", "");
            return new[] { $"{one.Key}", TextNumber.Of(SteeringVector.Norm(one.Value)), nearest, random };
        }));
        return outcome;
    }

    /// <summary>The latents whose decoder rows have the largest cosines, of those of a layer; and the mean and the largest of the largest cosines of random directions.</summary>
    private static (string Nearest, string Random) Nearest(TranscoderSet dictionary, int layer, float[] direction, int seed)
    {
        Transcoder transcoder = dictionary.Layers[layer];
        float[][] directions = [direction, .. Enumerable.Range(0, RandomDirections).Select(i => RandomVectors.Make(direction.Length, [KeyValuePair.Create(0, 1f)], unchecked(seed + 131 + i))[0])];
        double[][] cosines = [.. directions.Select(_ => new double[transcoder.Features])];
        WorkerPool.For(transcoder.Features, feature =>
        {
            float[] row = new float[transcoder.Width];
            transcoder.DecoderRow(feature, layer, row);
            for (int i = 0; i < directions.Length; i++) cosines[i][feature] = SteeringVector.Cosine(row, directions[i]);
        });
        double[] random = [.. cosines.Skip(1).Select(one => one.Max(Math.Abs))];
        string nearest = string.Join(", ", Enumerable.Range(0, transcoder.Features).OrderByDescending(feature => Math.Abs(cosines[0][feature])).Take(4).Select(feature => $"{layer}:{feature} ({TextNumber.Of(cosines[0][feature])})"));
        return (nearest, $"{TextNumber.Of(random.Average())} on average, {TextNumber.Of(random.Max())} at most");
    }
}
