using Microtome.Dictionaries;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>
/// Whether a bias vector for each layer, trained by gradient through the unchanged model so that injections of some concepts are reported and sham trials are not, makes the model
/// report concepts that it was not trained on.
/// </summary>
internal static class TrainedIntrospectionExperiment
{
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
        ShiftTable shifts = ShiftTable.From(InjectedThoughtExperiment.Sweep(context, "cells", questions, vectors, context.Layers, always).Run());
        Separation after = Separation.Measure(shifts, settings.Seed, settings.Resamples);
        SeparationReport.Describe(context, outcome, shifts, after);
        outcome.Summary = $"With the trained bias, on {tested.Length} concepts that it was not trained on ({string.Join(", ", tested.Select(vector => vector.Name))}): {outcome.Summary} Without the bias the separation is {TextNumber.Of(before.Concepts)}, less random vectors' {TextNumber.Of(before.Specificity)}.";
        outcome.Add(new Finding("separation_without_bias", "Separation under concepts without the bias", before.Concepts));
        outcome.Add(new Finding("specificity_without_bias", "Concepts less random vectors without the bias; p by permutation", before.Specificity, before.Test.Probability));
        if (tested.Length < 8) outcome.Caution($"Only {tested.Length} concepts were held out.");

        outcome.Section("The bias");
        outcome.Paragraph($"Trained on {string.Join(", ", trained.Select(vector => vector.Name))}, and on random vectors and no injection as sham trials, {settings.Number("steps")} steps. It is bias.safetensors, a steering vector for --steer.");
        int every = Math.Max(1, training.Losses.Count / 100);
        outcome.Figure("training", new XyChart("Training of the bias", "The loss of the answers over the steps.", new Axis("step"), new Axis("cross-entropy, nats"), [new Series(SeriesKind.Line, null, [.. training.Losses.Select((loss, step) => new DataPoint(step, loss)).Where((_, step) => step % every == 0)])]));
        outcome.Table([">layer", ">length", "nearest latents (cosine with what they write)"], bias.Directions.Select(one => new[] { $"{one.Key}", TextNumber.Of(SteeringVector.Norm(one.Value)), context.Dictionary is { } dictionary ? Nearest(dictionary, one.Key, one.Value) : "no dictionary" }));
        return outcome;
    }

    /// <summary>The latents whose decoder rows have the largest cosines, of those of a layer.</summary>
    private static string Nearest(TranscoderSet dictionary, int layer, float[] direction)
    {
        Transcoder transcoder = dictionary.Layers[layer];
        double[] cosines = new double[transcoder.Features];
        WorkerPool.For(cosines.Length, feature =>
        {
            float[] row = new float[transcoder.Width];
            transcoder.DecoderRow(feature, layer, row);
            cosines[feature] = SteeringVector.Cosine(row, direction);
        });
        return string.Join(", ", Enumerable.Range(0, cosines.Length).OrderByDescending(feature => Math.Abs(cosines[feature])).Take(4).Select(feature => $"{layer}:{feature} ({TextNumber.Of(cosines[feature])})"));
    }
}
