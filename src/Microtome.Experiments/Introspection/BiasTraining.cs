using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Models.Training;
using Microtome.Numerics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Experiments;

/// <summary>
/// Trains a bias for the stream after each layer, through the unchanged model, so that injections of concepts are reported while random vectors, no injection and other questions are answered
/// as they should be. Each step is saved with all that the next goes on from, so that an interrupted training ends with the same bits.
/// </summary>
internal sealed class BiasTraining
{
    private const int DocumentsInAStep = 24;
    private const string CheckpointFormat = "microtome bias training 1";

    private readonly ExperimentContext _context;
    private readonly IReadOnlyList<YesNoQuestion> _questions;
    private readonly IReadOnlyList<InjectedVector> _trained;
    private readonly Tensor[] _biases;
    private readonly Variable[] _variables;
    private readonly AdamW _optimizer;
    private readonly List<float> _losses = [];
    private readonly Dictionary<(YesNoQuestion, int), float> _lengths = [];

    private sealed record Injected(YesNoQuestion Question, int Layer, float[]? Vector);

    /// <param name="trained">The concepts that it is trained on.</param>
    public BiasTraining(ExperimentContext context, IReadOnlyList<YesNoQuestion> questions, IReadOnlyList<InjectedVector> trained)
    {
        _context = context;
        _questions = questions;
        _trained = trained;
        ModelSpecification model = context.Model.Specification;
        _biases = [.. model.Layers.Select(_ => new Tensor(1, model.ModelWidth))];
        _variables = [.. _biases.Select(Variable.Parameter)];
        _optimizer = new AdamW(_variables.Select(variable => (variable, false)), new AdamWOptions { WeightDecay = 0 });
    }

    /// <summary>Of each step, in nats.</summary>
    public IReadOnlyList<float> Losses => _losses;

    public SteeringVector Bias => new(_biases.Select((tensor, layer) => KeyValuePair.Create(layer, tensor.Span.ToArray())),
        new VectorRecipe { Model = _context.Model.Name, Method = "trained", Concept = "reports injections", Version = MicrotomeVersion.Text });

    private string CheckpointPath => Path.Combine(_context.Folder, "training.safetensors");

    /// <summary>Takes the steps that are left.</summary>
    /// <exception cref="InvalidDataException">The checkpoint is damaged or another experiment's.</exception>
    public void Run()
    {
        int steps = (int)_context.Settings.Number("steps");
        double rate = _context.Settings.Number("learning-rate");
        if (File.Exists(CheckpointPath)) Load();
        if (_losses.Count >= steps) return;
        TrainableDecoder decoder;
        try
        {
            decoder = TrainableDecoder.Load(_context.Model.Checkpoint);
        }
        catch (NotSupportedException exception)
        {
            throw new ArgumentException($"A bias cannot be trained through this model. {exception.Message}", exception);
        }
        decoder.Frozen = true;
        Tape tape = new();
        while (_losses.Count < steps)
        {
            _context.Cancellation.ThrowIfCancellationRequested();
            int step = _losses.Count;
            (TrainingBatch batch, Injected[] injected) = Draw(step);
            List<StreamAddition> additions = [.. _variables.Select((variable, layer) => StreamAddition.Everywhere(layer, variable, batch))];
            foreach (int layer in injected.Where(one => one.Vector is not null).Select(one => one.Layer).Distinct().Order()) additions.Add(Injection(batch, injected, layer));
            foreach (Variable variable in _variables) variable.ClearGradient();
            Variable loss = decoder.Loss(tape, batch, additions);
            float value = loss.Value.Row(0)[0];
            tape.Backward(loss);
            if (!float.IsFinite(value) || !double.IsFinite(_optimizer.Step(rate * Math.Min(1, (step + 1) / 10.0))))
                throw new ArgumentException($"Training the bias diverged at step {step + 1}; lower \"learning-rate:\" ({rate}) or the strengths.");
            _losses.Add(value);
            Save();
            _context.Report("training the bias", (double)_losses.Count / steps);
        }
    }

    /// <summary>The trials of a step, which depend on its number alone.</summary>
    private (TrainingBatch, Injected[]) Draw(int step)
    {
        ExperimentSettings settings = _context.Settings;
        Random random = new(unchecked(settings.Seed * 1_000_003 + step));
        List<TrainingDocument> documents = [];
        List<Injected> injected = [];
        for (int i = 0; i < DocumentsInAStep; i++)
        {
            // Half of the trials ask the introspective question, half any of the controls; half have a concept, a quarter a random vector, a quarter nothing.
            YesNoQuestion[] pool = [.. _questions.Where(question => question.Role == QuestionRole.Introspective == (i % 2 == 0))];
            if (pool.Length == 0) pool = [.. _questions];
            YesNoQuestion question = pool[random.Next(pool.Length)];
            int layer = _context.Layers[random.Next(_context.Layers.Count)], kind = random.Next(4);
            double strength = settings.Strengths[random.Next(settings.Strengths.Count)];
            float[]? vector = kind switch
            {
                < 2 => Scaled(_trained[random.Next(_trained.Count)].Vector[layer], strength, LengthAt(question, layer)),
                2 => Scaled(RandomVectors.Like(_trained[0].Vector.At([layer]), random.Next())[layer], strength, LengthAt(question, layer)),
                _ => null,
            };
            bool yes = question.Role switch { QuestionRole.Introspective => kind < 2, QuestionRole.True => true, _ => false };
            int[] tokens = [.. question.Prompt.Tokens, question.Prompt.Options.FirstTokensOf(yes ? 0 : 1)[0]];
            float[] weights = new float[tokens.Length];
            weights[^1] = 1;
            documents.Add(new TrainingDocument(tokens, weights));
            injected.Add(new Injected(question, layer, vector));
        }
        return (new TrainingBatch(documents), [.. injected]);
    }

    private static StreamAddition Injection(TrainingBatch batch, Injected[] injected, int layer)
    {
        Tensor table = new(injected.Length, injected.First(one => one.Vector is not null).Vector!.Length);
        int[] indices = new int[batch.Rows];
        for (int i = 0; i < injected.Length; i++)
        {
            bool here = injected[i].Layer == layer && injected[i].Vector is not null;
            if (here) injected[i].Vector!.CopyTo(table.Row(i));
            for (int position = 0; position < batch.Documents[i].Length; position++)
                indices[batch.Documents[i].Start + position] = here && injected[i].Question.Positions.Contains(position) ? i : -1;
        }
        return new StreamAddition(layer, Tape.Constant(table), indices);
    }

    private float[] Scaled(float[] direction, double strength, float length)
    {
        float norm = SteeringVector.Norm(direction);
        return SteeringVector.Scaled(direction, _context.Settings.Unit == SteeringUnit.Vector ? (float)strength : norm > 0 ? (float)strength * length / norm : 0);
    }

    /// <summary>What strengths count: the stream's mean length at the injected positions, or 1.</summary>
    private float LengthAt(YesNoQuestion question, int layer)
    {
        if (_context.Settings.Unit != SteeringUnit.Share) return 1;
        if (_lengths.TryGetValue((question, layer), out float known)) return known;
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
        _context.Model.Transformer.Forward(question.Prompt.Tokens, reading, logits: LogitRows.None, cancellation: _context.Cancellation);
        float length = count == 0 ? 0 : sum / count;
        _lengths.Add((question, layer), length);
        return length;
    }

    private void Save()
    {
        SafetensorsWriter writer = new();
        foreach ((string name, Tensor tensor) in State()) writer.Add(name, tensor);
        writer.Add("loss", [.. _losses], _losses.Count);
        writer.Metadata["format"] = CheckpointFormat;
        writer.Metadata["fingerprint"] = _context.Store.Fingerprint;
        writer.Save(CheckpointPath);
    }

    private void Load()
    {
        const string remedy = "Remove it to train the bias anew, or give another folder with --out.";
        try
        {
            using SafetensorsFile file = SafetensorsFile.Open(CheckpointPath);
            if (file.Metadata.GetValueOrDefault("format") != CheckpointFormat || file.Metadata.GetValueOrDefault("fingerprint") != _context.Store.Fingerprint)
                throw new InvalidDataException($"{CheckpointPath} is the training of another experiment, or through another model.");
            float[] losses = file.Get("loss").ToTensor().Span.ToArray();
            List<(Tensor Target, Tensor Stored)> loaded = [];
            foreach ((string name, Tensor tensor) in State())
            {
                StoredTensor stored = file.Get(name);
                if (stored.Type != ElementType.F32 || !stored.Shape.SequenceEqual([1L, tensor.Columns])) throw new InvalidDataException($"{CheckpointPath}: '{name}' is {stored.Type} {stored.ShapeText}, not F32 [1, {tensor.Columns}].");
                loaded.Add((tensor, stored.ToTensor()));
            }
            foreach ((Tensor target, Tensor stored) in loaded) stored.Span.CopyTo(target.Span);
            _losses.AddRange(losses);
            _optimizer.Steps = losses.Length;
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{exception.Message} {remedy}", exception);
        }
    }

    /// <summary>All that the next step goes on from.</summary>
    private IEnumerable<(string Name, Tensor Tensor)> State()
    {
        int layer = 0;
        foreach ((Tensor mean, Tensor variance) in _optimizer.Moments)
        {
            yield return ($"bias.{layer}", _biases[layer]);
            yield return ($"mean.{layer}", mean);
            yield return ($"variance.{layer++}", variance);
        }
    }
}
