using Microtome.Models;
using Microtome.Models.Training;
using Microtome.Numerics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Experiments;

/// <summary>Trains models of <see cref="SignalWorld"/>, with vectors in their stream while they learn.</summary>
internal sealed class SignalTrainer : IDisposable
{
    /// <summary>Layers after which vectors are injected.</summary>
    public const int Layers = 2;

    private const int Documents = 96, RandomVectorsKept = 48;
    private static readonly double[] Shares = [0.5, 1, 2];
    private readonly string _folder = Directory.CreateTempSubdirectory("microtome-known-truth-").FullName;
    private readonly TrainableDecoder _decoder;
    private readonly Tape _tape = new();
    private readonly Random _random;

    public SignalTrainer(int seed)
    {
        _decoder = new TrainableDecoder(SignalWorld.Shape, seed);
        _random = new Random(seed);
    }

    private SignalTrainer(SignalTrainer other, int seed)
    {
        _decoder = new TrainableDecoder(SignalWorld.Shape, seed);
        foreach ((TrainableParameter mine, TrainableParameter its) in _decoder.Parameters.Zip(other._decoder.Parameters)) its.Value.Span.CopyTo(mine.Value.Span);
        _random = new Random(seed);
    }

    /// <summary>Another of the same weights.</summary>
    public SignalTrainer Fork(int seed) => new(this, seed);

    /// <summary>The lengths at which vectors are injected: shares of the stream's usual length at the places.</summary>
    public IReadOnlyList<double> Strengths { get; private set; } = [];

    /// <summary>Trains on questions without thoughts.</summary>
    public void Train(int steps, CancellationToken cancellation)
    {
        AdamW optimizer = new(_decoder.Parameters, new AdamWOptions { WeightDecay = 0.01 });
        for (int step = 0; step < steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            TrainingBatch batch = new([.. Enumerable.Range(0, Documents).Select(_ => SignalWorld.Draw(_random, SignalWorld.Training.NoThoughts, null, false))]);
            Step(optimizer, batch, [], Rate(step, steps, 4e-3));
        }
    }

    /// <summary>Goes on with thoughts: the vectors are made anew several times, because they change with the model.</summary>
    public void Train(SignalWorld.Training training, int steps, CancellationToken cancellation)
    {
        const int rounds = 6;
        AdamW optimizer = new(_decoder.Parameters, new AdamWOptions { WeightDecay = 0.01 });
        int done = 0;
        for (int round = 0; round < rounds; round++)
        {
            Tensor[] vectors = MakeVectors(); // of each layer [concepts + random, width], of unit length
            for (int until = steps * (round + 1) / rounds; done < until; done++)
            {
                cancellation.ThrowIfCancellationRequested();
                StepWithThoughts(optimizer, training, vectors, Rate(done, steps, 3e-3));
            }
        }
        MakeVectors();
    }

    /// <summary>The model as it is now, read from a checkpoint of its own.</summary>
    public LoadedModel Model(string name)
    {
        string folder = Path.Combine(_folder, Guid.NewGuid().ToString("N"));
        _decoder.Save(folder);
        Checkpoint checkpoint = Checkpoint.Open(folder);
        return new LoadedModel(name, checkpoint, new Transformer(checkpoint), PromptEncoder.Load(folder, checkpoint.Specification));
    }

    /// <summary>Finds the strengths of the model as it is now.</summary>
    public void MeasureStrengths() => MakeVectors();

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    private void StepWithThoughts(AdamW optimizer, SignalWorld.Training training, Tensor[] vectors, double rate)
    {
        List<TrainingDocument> documents = [];
        List<(int Layer, int Vector, double Strength)> thoughts = [];
        for (int i = 0; i < Documents; i++)
        {
            // A third each: concepts, random vectors, nothing.
            int kind = _random.Next(3), concept = _random.Next(SignalWorld.Concepts);
            int vector = kind switch { 0 => concept, 1 => SignalWorld.Concepts + _random.Next(RandomVectorsKept), _ => -1 };
            thoughts.Add((_random.Next(Layers), vector, Strengths[_random.Next(Strengths.Count)]));
            documents.Add(SignalWorld.Draw(_random, training, kind == 0 ? 1 + concept : null, kind < 2));
        }
        TrainingBatch batch = new(documents);
        int width = _decoder.Specification.ModelWidth;
        List<StreamAddition> additions = [];
        for (int layer = 0; layer < Layers; layer++)
        {
            Tensor table = new(Documents, width);
            int[] own = new int[Documents];
            for (int i = 0; i < Documents; i++)
            {
                own[i] = thoughts[i].Layer == layer && thoughts[i].Vector >= 0 ? i : -1;
                if (own[i] >= 0) VectorOperations.AddScaled(table.Row(i), (float)thoughts[i].Strength, vectors[layer].Row(thoughts[i].Vector));
            }
            additions.Add(StreamAddition.ByDocument(layer, Tape.Constant(table), batch, own, SignalWorld.FirstPlace, SignalWorld.LastPlace + 1));
        }
        Step(optimizer, batch, additions, rate);
    }

    private void Step(AdamW optimizer, TrainingBatch batch, IReadOnlyList<StreamAddition> additions, double rate)
    {
        _decoder.ClearGradients();
        _tape.Backward(_decoder.Loss(_tape, batch, additions));
        optimizer.Step(rate);
    }

    /// <summary>The concepts' vectors as the experiment makes them, random ones, and the strengths.</summary>
    private Tensor[] MakeVectors()
    {
        using LoadedModel model = Model("training");
        ConceptTemplates templates = new(SignalWorld.VectorTemplates, [.. SignalWorld.OtherWords.Skip(8).Select(word => $"{word}")]);
        IReadOnlyList<SteeringVector> concepts = ConceptVectors.Make(model, [.. SignalWorld.ConceptWords.Select(word => $"{word}")], templates);
        int width = model.Specification.ModelWidth;
        Tensor[] vectors = new Tensor[Layers];
        for (int layer = 0; layer < Layers; layer++)
        {
            vectors[layer] = Tensor.Uninitialized(SignalWorld.Concepts + RandomVectorsKept, width);
            for (int i = 0; i < SignalWorld.Concepts; i++) concepts[i].Unit()[layer].CopyTo(vectors[layer].Row(i));
            for (int i = 0; i < RandomVectorsKept; i++) RandomVectors.Make(width, [KeyValuePair.Create(layer, 1f)], _random.Next())[layer].CopyTo(vectors[layer].Row(SignalWorld.Concepts + i));
        }

        double length = 0;
        ForwardHooks reading = new();
        for (int layer = 0; layer < Layers; layer++)
            reading.Add(HookPoint.ResidPost, layer, (stream, _) => length += (SteeringVector.Norm(stream.Row(SignalWorld.FirstPlace)) + SteeringVector.Norm(stream.Row(SignalWorld.LastPlace))) / (2 * Layers));
        model.Transformer.Forward([SignalWorld.Beginning, .. SignalWorld.OtherWords.Take(4), SignalWorld.Place, SignalWorld.Place], reading, logits: LogitRows.None);
        Strengths = [.. Shares.Select(share => Math.Round(share * length, 3))];
        return vectors;
    }

    /// <summary>A rise over the first twentieth, then a linear fall.</summary>
    private static double Rate(int step, int steps, double highest)
    {
        double warm = Math.Max(1, steps / 20.0);
        return highest * Math.Min((step + 1) / warm, Math.Max(0.05, 1 - (double)step / steps));
    }
}
