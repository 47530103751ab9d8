using System.Globalization;
using Microtome.Numerics;

namespace Microtome.Models;

/// <summary>A transformer's weights by what they do. Matrices are views of the mapped checkpoint.</summary>
public sealed class TransformerWeights
{
    private TransformerWeights(StoredTensor embedding, Tensor? positions, Normalization finalNorm, Linear unembedding, LayerWeights[] layers)
    {
        Embedding = embedding;
        Positions = positions;
        FinalNorm = finalNorm;
        Unembedding = unembedding;
        Layers = layers;
    }

    /// <summary>[vocabulary, width], before the specification's embedding scale.</summary>
    public StoredTensor Embedding { get; }

    /// <summary>[context, width]</summary>
    public Tensor? Positions { get; }

    public Normalization FinalNorm { get; }

    public Linear Unembedding { get; }

    public IReadOnlyList<LayerWeights> Layers { get; }

    /// <exception cref="InvalidDataException">A tensor is missing or of another shape than the configuration asks for.</exception>
    public static TransformerWeights Load(Checkpoint checkpoint)
    {
        ModelSpecification model = checkpoint.Specification;
        WeightNames names = model.Names;
        string? prefix = names.Prefixes.FirstOrDefault(candidate => checkpoint.Find($"{candidate}{names.Embedding}.weight") is not null)
            ?? throw new InvalidDataException($"{checkpoint.Folder} has no tensor '{names.Prefixes[0]}{names.Embedding}.weight', which a {model.Family} model needs.");
        WeightReader reader = new(checkpoint, prefix);

        StoredTensor embedding = reader.Get($"{names.Embedding}.weight", model.VocabularySize, model.ModelWidth);
        LayerWeights[] layers = new LayerWeights[model.Layers.Count];
        for (int layer = 0; layer < layers.Length; layer++) layers[layer] = LayerWeights.Load(reader, layer);
        return new TransformerWeights(
            embedding,
            names.Positions is null ? null : reader.Get($"{names.Positions}.weight", model.ContextLength, model.ModelWidth).ToTensor(),
            reader.Norm(names.FinalNorm, 0, model.ModelWidth)!,
            reader.Unembedding(embedding),
            layers);
    }
}

/// <summary>One layer's weights.</summary>
public sealed class LayerWeights
{
    private LayerWeights(Mlp mlp) => Mlp = mlp;

    public Normalization? NormBeforeAttention { get; private init; }

    public Normalization? NormAfterAttention { get; private init; }

    public Normalization? NormBeforeMlp { get; private init; }

    public Normalization? NormAfterMlp { get; private init; }

    /// <summary>[width, heads · head width]</summary>
    public required Linear Query { get; init; }

    /// <summary>[width, key-value heads · head width]</summary>
    public required Linear Key { get; init; }

    /// <summary>[width, key-value heads · head width]</summary>
    public required Linear Value { get; init; }

    /// <summary>[heads · head width, width]</summary>
    public required Linear Output { get; init; }

    public Normalization? QueryNorm { get; private init; }

    public Normalization? KeyNorm { get; private init; }

    /// <summary>[heads]</summary>
    public Tensor? Sinks { get; private init; }

    internal Mlp Mlp { get; }

    internal static LayerWeights Load(WeightReader reader, int layer)
    {
        ModelSpecification model = reader.Model;
        WeightNames names = model.Names;
        AttentionSpecification attention = model.Attention;
        int queries = attention.Heads * attention.HeadWidth, keys = attention.KeyValueHeads * attention.HeadWidth;
        Linear[] queryKeyValue = names.QueryKeyValue is not null
            ? reader.Fused(names.QueryKeyValue, layer)
            :
            [
                reader.Linear(names.Query, layer, model.ModelWidth, queries, attention.QueryKeyValueBias),
                reader.Linear(names.Key, layer, model.ModelWidth, keys, attention.QueryKeyValueBias),
                reader.Linear(names.Value, layer, model.ModelWidth, keys, attention.QueryKeyValueBias),
            ];
        bool allHeads = attention.QueryKeyNorm == QueryKeyNorm.AllHeads;
        bool normalized = attention.QueryKeyNorm != QueryKeyNorm.None;
        return new LayerWeights(Mlp.Load(reader, layer))
        {
            NormBeforeAttention = reader.Norm(names.NormBeforeAttention, layer, model.ModelWidth),
            NormAfterAttention = reader.Norm(names.NormAfterAttention, layer, model.ModelWidth),
            NormBeforeMlp = reader.Norm(names.NormBeforeMlp, layer, model.ModelWidth),
            NormAfterMlp = reader.Norm(names.NormAfterMlp, layer, model.ModelWidth),
            Query = queryKeyValue[0],
            Key = queryKeyValue[1],
            Value = queryKeyValue[2],
            Output = reader.Linear(names.Output, layer, queries, model.ModelWidth, attention.OutputBias),
            QueryNorm = normalized ? reader.Norm(names.QueryNorm, layer, allHeads ? queries : attention.HeadWidth) : null,
            KeyNorm = normalized ? reader.Norm(names.KeyNorm, layer, allHeads ? keys : attention.HeadWidth) : null,
            Sinks = attention.Sinks ? reader.GetAt(names.Sinks, layer, attention.Heads).ToTensor() : null,
        };
    }
}

/// <summary>Finds a checkpoint's tensors by the family's names and checks their shapes.</summary>
internal sealed class WeightReader(Checkpoint checkpoint, string prefix)
{
    public ModelSpecification Model => checkpoint.Specification;

    public StoredTensor GetAt(string name, int layer, params ReadOnlySpan<long> shape) => Get(At(name, layer), shape);

    public StoredTensor Get(string name, params ReadOnlySpan<long> shape) => Check(checkpoint.Get(prefix + name), shape);

    public Normalization? Norm(string? name, int layer, int width)
    {
        if (name is null) return null;
        Tensor scale = Get($"{At(name, layer)}.weight", width).ToTensor();
        if (Model.Norm.UnitOffset)
            foreach (ref float value in scale.Span) value += 1;
        return new Normalization(Model.Norm, scale, Model.Norm.Kind == NormKind.Layer ? Get($"{At(name, layer)}.bias", width).ToTensor() : null);
    }

    public Linear Linear(string name, int layer, int inputs, int outputs, bool bias)
    {
        name = At(name, layer);
        Tensor? shift = bias ? Get($"{name}.bias", outputs).ToTensor() : null;
        if (Model.Names.Layout == WeightLayout.InputByOutput)
        {
            StoredTensor direct = Get($"{name}.weight", inputs, outputs);
            return new Linear(direct.AsMatrix(), shift);
        }
        StoredTensor weight = Get($"{name}.weight", outputs, inputs);
        return new Linear(weight.AsMatrix().T, shift);
    }

    /// <summary>Queries, keys and values from one matrix.</summary>
    public Linear[] Fused(string name, int layer)
    {
        AttentionSpecification attention = Model.Attention;
        int width = attention.Heads * attention.HeadWidth;
        Linear fused = Linear(name, layer, Model.ModelWidth, 3 * width, attention.QueryKeyValueBias);
        return [.. Enumerable.Range(0, 3).Select(part => Model.Names.InterleavedByHead ? GatherHeads(fused, part) : Columns(fused, part * width, width))];
    }

    public Linear Unembedding(StoredTensor embedding)
    {
        if (Model.TiedUnembedding) return new Linear(embedding.AsMatrix().T, null);
        string name = $"{Model.Names.Unembedding}.weight";
        StoredTensor weight = checkpoint.Find(name) ?? checkpoint.Find(prefix + name)
            ?? throw new InvalidDataException($"{checkpoint.Folder} has no tensor '{name}', and its configuration does not tie the unembedding to the embedding.");
        Check(weight, Model.VocabularySize, Model.ModelWidth);
        return new Linear(weight.AsMatrix().T, null);
    }

    /// <summary>One of query, key and value of every head, copied together in the stored type: the kernels read rows a constant stride apart.</summary>
    private unsafe Linear GatherHeads(Linear fused, int part)
    {
        int heads = Model.Attention.Heads, headWidth = Model.Attention.HeadWidth, inputs = Model.ModelWidth;
        MatrixView rows = fused.Weight.T; // [3 · heads · head width, width]
        int rowBytes = inputs * rows.Type.Size();
        byte[] gathered = GC.AllocateUninitializedArray<byte>(checked(heads * headWidth * rowBytes), pinned: true);
        Tensor? bias = fused.Bias is null ? null : Tensor.Uninitialized(heads * headWidth);
        for (int head = 0; head < heads; head++)
        {
            int source = (head * 3 + part) * headWidth;
            new ReadOnlySpan<byte>(rows.Data + (nint)source * rowBytes, headWidth * rowBytes).CopyTo(gathered.AsSpan(head * headWidth * rowBytes));
            fused.Bias?.Span.Slice(source, headWidth).CopyTo(bias!.Span[(head * headWidth)..]);
        }
        byte* data = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref gathered[0]);
        StoredTensor storage = new("query_key_value", rows.Type, data, gathered, heads * headWidth, inputs);
        return new Linear(storage.AsMatrix().T, bias);
    }

    private static Linear Columns(Linear fused, int start, int count) =>
        new(fused.Weight.ColumnRange(start, count), fused.Bias is null ? null : Tensor.From(fused.Bias.Span.Slice(start, count), count));

    private StoredTensor Check(StoredTensor tensor, params ReadOnlySpan<long> shape)
    {
        if (!tensor.Shape.SequenceEqual(shape))
            throw new InvalidDataException($"{checkpoint.Folder}: tensor '{tensor.Name}' has shape {tensor.ShapeText}, but the configuration asks for [{string.Join(", ", shape.ToArray())}].");
        if (!tensor.Type.IsWeight())
            throw new InvalidDataException($"{checkpoint.Folder}: tensor '{tensor.Name}' holds {tensor.Type}; weights must be F32, F16 or BF16.");
        return tensor;
    }

    private static string At(string name, int layer) => string.Format(CultureInfo.InvariantCulture, name, layer);
}
