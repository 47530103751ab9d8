using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Models.Training;
using Microtome.Numerics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Experiments;

/// <summary>
/// Whether a bias vector for each layer, trained by gradient through the unchanged model so that injections of some concepts are reported and sham trials are not, makes the model
/// report concepts that it was not trained on.
/// </summary>
internal static class TrainedIntrospectionExperiment
{
    private const int DocumentsInAStep = 24;

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

        string file = Path.Combine(context.Folder, "bias.safetensors");
        SteeringVector bias;
        List<(double Step, double Loss)> curve = [];
        if (File.Exists(file)) bias = VectorFile.Load(file); // the sweep that follows goes on with the bias that it began with
        else VectorFile.Save(bias = Train(context, questions, trained, curve), file);

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
        if (curve.Count > 0)
            outcome.Figure("training", new XyChart("Training of the bias", "The loss of the answers over the steps.", new Axis("step"), new Axis("cross-entropy, nats"), [new Series(SeriesKind.Line, null, [.. curve.Select(point => new DataPoint(point.Step, point.Loss))])]));
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

    private static SteeringVector Train(ExperimentContext context, IReadOnlyList<YesNoQuestion> questions, InjectedVector[] trained, List<(double, double)> curve)
    {
        ExperimentSettings settings = context.Settings;
        TrainableDecoder decoder;
        try
        {
            decoder = TrainableDecoder.Load(context.Model.Checkpoint);
        }
        catch (NotSupportedException exception)
        {
            throw new ArgumentException($"A bias cannot be trained through this model. {exception.Message}", exception);
        }
        decoder.Frozen = true;
        int layers = decoder.Specification.Layers.Count, width = decoder.Specification.ModelWidth, steps = (int)settings.Number("steps");
        Tensor[] biases = [.. Enumerable.Range(0, layers).Select(_ => new Tensor(1, width))];
        Variable[] variables = [.. biases.Select(Variable.Parameter)];
        AdamW optimizer = new(variables.Select(variable => (variable, false)), new AdamWOptions { WeightDecay = 0 });
        Tape tape = new();
        Random random = new(settings.Seed);
        Dictionary<(YesNoQuestion, int), float> lengths = [];
        float LengthAt(YesNoQuestion question, int layer)
        {
            if (settings.Unit != SteeringUnit.Share) return 1;
            if (!lengths.TryGetValue((question, layer), out float length)) lengths.Add((question, layer), length = StreamLength(context, question, layer));
            return length;
        }
        for (int step = 0; step < steps; step++)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            List<TrainingDocument> documents = [];
            List<(YesNoQuestion Question, int Layer, float[]? Vector)> injected = [];
            for (int i = 0; i < DocumentsInAStep; i++)
            {
                // Half of the trials ask the introspective question, half any of the controls; half have a concept, a quarter a random vector, a quarter nothing.
                YesNoQuestion[] pool = [.. questions.Where(question => question.Role == QuestionRole.Introspective == (i % 2 == 0))];
                if (pool.Length == 0) pool = [.. questions];
                YesNoQuestion question = pool[random.Next(pool.Length)];
                int layer = context.Layers[random.Next(context.Layers.Count)], kind = random.Next(4);
                double strength = settings.Strengths[random.Next(settings.Strengths.Count)];
                float[]? vector = kind switch
                {
                    < 2 => Scaled(trained[random.Next(trained.Length)].Vector[layer], strength, settings.Unit, LengthAt(question, layer)),
                    2 => Scaled(RandomVectors.Like(trained[0].Vector.At([layer]), random.Next())[layer], strength, settings.Unit, LengthAt(question, layer)),
                    _ => null,
                };
                bool yes = question.Role switch { QuestionRole.Introspective => kind < 2, QuestionRole.True => true, _ => false };
                int[] tokens = [.. question.Prompt.Tokens, question.Prompt.Options.FirstTokensOf(yes ? 0 : 1)[0]];
                float[] weights = new float[tokens.Length];
                weights[^1] = 1;
                documents.Add(new TrainingDocument(tokens, weights));
                injected.Add((question, layer, vector));
            }
            TrainingBatch batch = new(documents);
            List<StreamAddition> additions = [.. variables.Select((variable, layer) => StreamAddition.Everywhere(layer, variable, batch))];
            foreach (int layer in injected.Where(one => one.Vector is not null).Select(one => one.Layer).Distinct().Order()) additions.Add(Injection(batch, injected, layer, width));
            foreach (Variable variable in variables) variable.ClearGradient();
            Variable loss = decoder.Loss(tape, batch, additions);
            double value = loss.Value.Row(0)[0];
            tape.Backward(loss);
            if (!double.IsFinite(value) || !double.IsFinite(optimizer.Step(settings.Number("learning-rate") * Math.Min(1, (step + 1) / 10.0))))
                throw new ArgumentException($"Training the bias diverged at step {step + 1}; lower \"learning-rate:\" ({settings.Number("learning-rate")}) or the strengths.");
            if (step % Math.Max(1, steps / 100) == 0) curve.Add((step, value));
            context.Report("training the bias", (double)(step + 1) / steps);
        }
        return new SteeringVector(biases.Select((tensor, layer) => KeyValuePair.Create(layer, tensor.Span.ToArray())), new VectorRecipe { Model = context.Model.Name, Method = "trained", Concept = "reports injections", Version = MicrotomeVersion.Text });
    }

    private static StreamAddition Injection(TrainingBatch batch, List<(YesNoQuestion Question, int Layer, float[]? Vector)> injected, int layer, int width)
    {
        Tensor table = new(injected.Count, width);
        int[] indices = new int[batch.Rows];
        for (int i = 0; i < injected.Count; i++)
        {
            bool here = injected[i].Layer == layer && injected[i].Vector is not null;
            if (here) injected[i].Vector!.CopyTo(table.Row(i));
            for (int position = 0; position < batch.Documents[i].Length; position++)
                indices[batch.Documents[i].Start + position] = here && injected[i].Question.Positions.Contains(position) ? i : -1;
        }
        return new StreamAddition(layer, Tape.Constant(table), indices);
    }

    private static float[] Scaled(float[] direction, double strength, SteeringUnit unit, float length)
    {
        float norm = SteeringVector.Norm(direction);
        return SteeringVector.Scaled(direction, unit == SteeringUnit.Vector ? (float)strength : norm > 0 ? (float)strength * length / norm : 0);
    }

    /// <summary>The stream's mean length at the injected positions.</summary>
    private static float StreamLength(ExperimentContext context, YesNoQuestion question, int layer)
    {
        float sum = 0;
        int count = 0;
        ForwardHooks reading = new ForwardHooks().Add(HookPoint.ResidPost, layer, (stream, _) =>
        {
            for (int position = 0; position < stream.Rows; position++)
            {
                if (!question.Positions.Contains(position)) continue;
                sum += SteeringVector.Norm(stream.Row(position));
                count++;
            }
        });
        context.Model.Transformer.Forward(question.Prompt.Tokens, reading, logits: LogitRows.None, cancellation: context.Cancellation);
        return count == 0 ? 0 : sum / count;
    }
}
