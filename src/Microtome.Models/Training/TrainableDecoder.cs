using System.Globalization;
using Microtome.Numerics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Models.Training;

/// <summary>
/// A decoder that can be trained: pre-norm, RMS norms, grouped-query attention with or without query-key norms, gated MLPs with silu, no
/// biases (Qwen 3, Llama). It computes what <see cref="Transformer"/> computes from the checkpoint that it is saved as.
/// </summary>
public sealed class TrainableDecoder
{
    private readonly TrainableParameter _embedding, _finalNorm;
    private readonly TrainableParameter? _unembedding;
    private readonly TrainableLayer[] _layers;
    private readonly List<TrainableParameter> _parameters = [];
    private readonly RotaryTable[] _rotary;

    /// <summary>Random weights, the same for the same seed: normal, of variance 1 / (3 · inputs) for matrices, of 0.02² for embeddings; what writes to the stream is divided by √(2 · layers), norms scale by 1.</summary>
    /// <exception cref="ArgumentException">The shape has a number that is not possible; the message says which.</exception>
    public TrainableDecoder(DecoderShape shape, int seed) : this(shape.Specification(), shape.Configuration("float32"))
    {
        Random random = new(seed);
        foreach (TrainableParameter parameter in _parameters)
        {
            if (!parameter.IsMatrix)
            {
                parameter.Value.Span.Fill(1);
                continue;
            }
            bool isEmbedding = parameter == _embedding || parameter == _unembedding;
            double deviation = isEmbedding ? 0.02 : Math.Sqrt(1.0 / (3 * parameter.Value.Columns));
            if (_layers.Any(layer => parameter == layer.Output || parameter == layer.Down)) deviation /= Math.Sqrt(2 * _layers.Length);
            foreach (ref float value in parameter.Value.Span) value = (float)(deviation * Normal(random));
        }
    }

    private TrainableDecoder(ModelSpecification specification, byte[] configuration)
    {
        Check(specification);
        Configuration = configuration;
        Specification = specification;
        WeightNames names = specification.Names;
        string prefix = names.Prefixes[0];
        AttentionSpecification attention = specification.Attention;
        int width = specification.ModelWidth, queries = attention.Heads * attention.HeadWidth, keys = attention.KeyValueHeads * attention.HeadWidth;
        _embedding = Add("embedding", width, true, (names.Embedding, specification.VocabularySize));
        _layers = new TrainableLayer[specification.Layers.Count];
        for (int i = 0; i < _layers.Length; i++)
        {
            int layer = i;
            string At(string name) => string.Format(CultureInfo.InvariantCulture, name, layer);
            bool normalized = attention.QueryKeyNorm == QueryKeyNorm.PerHead;
            _layers[i] = new TrainableLayer(
                Add($"{i}.attention.norm", width, false, (At(names.NormBeforeAttention!), 1)),
                Add($"{i}.attention.query_key_value", width, true, (At(names.Query), queries), (At(names.Key), keys), (At(names.Value), keys)),
                normalized ? Add($"{i}.attention.query_norm", attention.HeadWidth, false, (At(names.QueryNorm), 1)) : null,
                normalized ? Add($"{i}.attention.key_norm", attention.HeadWidth, false, (At(names.KeyNorm), 1)) : null,
                Add($"{i}.attention.output", queries, true, (At(names.Output), width)),
                Add($"{i}.mlp.norm", width, false, (At(names.NormBeforeMlp!), 1)),
                Add($"{i}.mlp.gate_up", width, true, (At(names.Gate), specification.Mlp.Width), (At(names.Up), specification.Mlp.Width)),
                Add($"{i}.mlp.down", specification.Mlp.Width, true, (At(names.Down), width)));
        }
        _finalNorm = Add("norm", width, false, (names.FinalNorm, 1));
        _unembedding = specification.TiedUnembedding ? null : Add("unembedding", width, true, (names.Unembedding, specification.VocabularySize));
        _rotary = [.. specification.Layers.Select(layer => layer.Rotary).Distinct().Select(rotary => new RotaryTable(rotary!, specification.ContextLength))];

        TrainableParameter Add(string name, int columns, bool isMatrix, params (string Name, int Rows)[] parts)
        {
            TrainableParameter parameter = new(name, Tensor.Uninitialized(parts.Sum(part => part.Rows), columns), isMatrix,
                [.. parts.Select(part => new ParameterPart($"{(part.Name == names.Unembedding ? "" : prefix)}{part.Name}.weight", part.Rows))]);
            _parameters.Add(parameter);
            return parameter;
        }
    }

    public ModelSpecification Specification { get; }

    /// <summary>The contents of <c>config.json</c>.</summary>
    internal byte[] Configuration { get; }

    /// <summary>All that is trained, in a fixed order.</summary>
    public IReadOnlyList<TrainableParameter> Parameters => _parameters;

    /// <summary>How many numbers are trained.</summary>
    public long ParameterCount => _parameters.Sum(parameter => (long)parameter.Value.Length);

    /// <summary>Whether the weights stay as they are: then no gradients are computed for them.</summary>
    public bool Frozen { get; set; }

    /// <summary>The weights of a checkpoint, as float32.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or of another shape than the configuration asks for.</exception>
    /// <exception cref="NotSupportedException">The model is of a kind that cannot be trained; the message says why.</exception>
    public static TrainableDecoder Load(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        TrainableDecoder decoder = new(checkpoint.Specification, File.ReadAllBytes(Path.Combine(checkpoint.Folder, "config.json")));
        _ = TransformerWeights.Load(checkpoint); // checks names, shapes and types
        IReadOnlyList<string> prefixes = checkpoint.Specification.Names.Prefixes;
        foreach (TrainableParameter parameter in decoder._parameters)
        {
            int row = 0;
            foreach (ParameterPart part in parameter.Parts)
            {
                string name = part.Name.StartsWith(prefixes[0], StringComparison.Ordinal) ? part.Name[prefixes[0].Length..] : part.Name;
                StoredTensor tensor = prefixes.Select(prefix => checkpoint.Find(prefix + name)).FirstOrDefault(found => found is not null) ?? checkpoint.Get(part.Name);
                tensor.ToTensor().Span.CopyTo(parameter.Value.Span.Slice(row * parameter.Value.Columns, part.Rows * parameter.Value.Columns));
                row += part.Rows;
            }
        }
        return decoder;
    }

    /// <summary>Writes <c>config.json</c>, <c>generation_config.json</c> and <c>model.safetensors</c>, as Hugging Face lays them out.</summary>
    /// <param name="type">F32, or BF16, to which weights are rounded.</param>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public void Save(string folder, ElementType type = ElementType.F32, CancellationToken cancellation = default) => DecoderCheckpoint.Write(this, folder, type, cancellation);

    /// <summary>Makes all gradients zero.</summary>
    public void ClearGradients()
    {
        foreach (TrainableParameter parameter in _parameters) parameter.Variable.ClearGradient();
    }

    /// <summary>The mean cross-entropy of the batch's targets, by their weights, in nats.</summary>
    /// <param name="additions">Vectors added to the stream, if any.</param>
    /// <param name="losses">Where each row's own loss is written, if wanted.</param>
    /// <returns>[1, 1]; <see cref="Tape.Backward"/> of it fills the gradients</returns>
    /// <exception cref="ArgumentException">A document is longer than the context, or has a token outside the vocabulary.</exception>
    public Variable Loss(Tape tape, TrainingBatch batch, IReadOnlyList<StreamAddition>? additions = null, float[]? losses = null) =>
        tape.LinearCrossEntropy(Forward(tape, batch, additions), Use(_unembedding ?? _embedding), batch.Targets, losses);

    /// <summary>The logits of each row [rows, vocabulary].</summary>
    /// <inheritdoc cref="Loss"/>
    public Variable Logits(Tape tape, TrainingBatch batch, IReadOnlyList<StreamAddition>? additions = null) =>
        tape.Linear(Forward(tape, batch, additions), Use(_unembedding ?? _embedding));

    /// <summary>The stream after the final norm [rows, width].</summary>
    /// <inheritdoc cref="Loss"/>
    public Variable Forward(Tape tape, TrainingBatch batch, IReadOnlyList<StreamAddition>? additions = null)
    {
        ArgumentNullException.ThrowIfNull(tape);
        ArgumentNullException.ThrowIfNull(batch);
        Check(batch, additions);
        float epsilon = Specification.Norm.Epsilon;
        Variable stream = tape.Gather(Use(_embedding), batch.Tokens); // [rows, width]
        stream = AddTo(stream, -1);
        for (int i = 0; i < _layers.Length; i++)
        {
            TrainableLayer layer = _layers[i];
            Variable attended = Attend(tape, tape.RmsNorm(stream, Use(layer.AttentionNorm), epsilon), i, batch);
            stream = tape.Linear(attended, Use(layer.Output), stream);
            Variable gateUp = tape.Linear(tape.RmsNorm(stream, Use(layer.MlpNorm), epsilon), Use(layer.GateUp)); // [rows, 2 · MLP width]
            stream = tape.Linear(tape.GatedSilu(gateUp), Use(layer.Down), stream);
            stream = AddTo(stream, i);
        }
        return tape.RmsNorm(stream, Use(_finalNorm), epsilon);

        Variable AddTo(Variable value, int layer)
        {
            foreach (StreamAddition addition in additions ?? [])
                if (addition.Layer == layer) value = tape.AddRows(value, addition.Table, addition.Indices);
            return value;
        }
    }

    /// <param name="x">[rows, width]</param>
    /// <returns>[rows, heads · head width]</returns>
    private Variable Attend(Tape tape, Variable x, int index, TrainingBatch batch)
    {
        TrainableLayer layer = _layers[index];
        AttentionSpecification attention = Specification.Attention;
        int queries = attention.Heads * attention.HeadWidth, keys = attention.KeyValueHeads * attention.HeadWidth;
        Variable[] parts = tape.Split(tape.Linear(x, Use(layer.QueryKeyValue)), queries, keys, keys);
        (Variable query, Variable key, Variable value) = (parts[0], parts[1], parts[2]);
        if (layer.QueryNorm is not null) query = tape.RmsNorm(query, Use(layer.QueryNorm), Specification.Norm.Epsilon);
        if (layer.KeyNorm is not null) key = tape.RmsNorm(key, Use(layer.KeyNorm), Specification.Norm.Epsilon);
        RotaryTable rotary = _rotary.First(table => table.Rotary == Specification.Layers[index].Rotary);
        query = tape.Rotate(query, attention.HeadWidth, rotary.Cosines.AsMatrix(), rotary.Sines.AsMatrix(), batch.Positions);
        key = tape.Rotate(key, attention.HeadWidth, rotary.Cosines.AsMatrix(), rotary.Sines.AsMatrix(), batch.Positions);
        return tape.Attention(query, key, value, attention.HeadWidth, attention.Scale, batch.Documents);
    }

    private Variable Use(TrainableParameter parameter) => Frozen ? parameter.Fixed : parameter.Variable;

    private void Check(TrainingBatch batch, IReadOnlyList<StreamAddition>? additions)
    {
        foreach (RowSpan document in batch.Documents)
            if (document.Length > Specification.ContextLength) throw new ArgumentException($"A document has {document.Length} tokens; the model's context holds {Specification.ContextLength}.", nameof(batch));
        foreach (int token in batch.Tokens)
            if ((uint)token >= (uint)Specification.VocabularySize) throw new ArgumentException($"The token {token} is outside the vocabulary of {Specification.VocabularySize}.", nameof(batch));
        foreach (StreamAddition addition in additions ?? [])
            if (addition.Layer < -1 || addition.Layer >= _layers.Length) throw new ArgumentException($"There is no layer {addition.Layer}; the model's are 0 to {_layers.Length - 1}, and -1 stands for the embeddings.", nameof(additions));
    }

    private static void Check(ModelSpecification model)
    {
        AttentionSpecification attention = model.Attention;
        string? obstacle =
            model.Norm.Kind != NormKind.RootMeanSquare || model.Norm.Placement != NormPlacement.Before || model.Norm.UnitOffset ? "norms other than RMS before each block"
            : attention.QueryKeyValueBias || attention.OutputBias || model.Mlp.Bias ? "biases"
            : attention.SoftCap is not null || model.LogitSoftCap is not null ? "soft caps"
            : attention.QueryKeyNorm == QueryKeyNorm.AllHeads ? "query-key norms over all heads"
            : attention.Sinks ? "attention sinks"
            : model.Mlp.Experts is not null ? "experts"
            : !model.Mlp.Gated || model.Mlp.Activation != Activation.Silu ? "MLPs other than gated ones with silu"
            : model.ParallelResidual || model.LearnedPositions || model.EmbeddingScale != 1 ? "parallel blocks, learned positions or scaled embeddings"
            : model.Layers.Any(layer => layer.Rotary is null || layer.ScaleDivisor != 1 || layer.Window is { } window && window < model.ContextLength) ? "sliding windows or layers without rotary embedding"
            : null;
        if (obstacle is not null) throw new NotSupportedException($"A {model.Family} model has {obstacle}, which cannot be trained here; models of the kinds qwen3 and llama can.");
    }

    private static double Normal(Random random)
    {
        double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
        return radius * Math.Cos(2 * Math.PI * random.NextDouble());
    }
}

/// <summary>One layer's parameters.</summary>
internal sealed record TrainableLayer(
    TrainableParameter AttentionNorm, TrainableParameter QueryKeyValue, TrainableParameter? QueryNorm, TrainableParameter? KeyNorm, TrainableParameter Output,
    TrainableParameter MlpNorm, TrainableParameter GateUp, TrainableParameter Down);

/// <summary>Cosines and sines of all positions' angles.</summary>
internal sealed class RotaryTable
{
    public RotaryTable(RotarySpecification rotary, int positions)
    {
        Rotary = rotary;
        int pairs = rotary.InverseFrequencies.Length;
        Cosines = Tensor.Uninitialized(positions, pairs);
        Sines = Tensor.Uninitialized(positions, pairs);
        for (int position = 0; position < positions; position++)
        {
            for (int i = 0; i < pairs; i++)
            {
                (double sine, double cosine) = Math.SinCos(position * rotary.InverseFrequencies[i]);
                (Cosines.Row(position)[i], Sines.Row(position)[i]) = ((float)cosine * rotary.Magnitude, (float)sine * rotary.Magnitude);
            }
        }
    }

    public RotarySpecification Rotary { get; }

    /// <summary>[positions, pairs]</summary>
    public Tensor Cosines { get; }

    /// <summary>[positions, pairs]</summary>
    public Tensor Sines { get; }
}
