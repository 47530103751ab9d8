using System.CommandLine;
using System.Numerics.Tensors;
using Microtome.Circuits;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Numerics;
using Tensor = Microtome.Numerics.Tensor;

namespace Microtome.Bench;

/// <summary>
/// How far a bound on what lies below a gradient is from what does: dropping work with a guaranteed error can drop no more than such a bound allows. The
/// bound of a row is the length of its reading times <c>B</c>, where <c>B</c> of a place in the stream is the sum of the lengths of all that reaches it: what is written
/// there, and through each head at most its pattern's weight times the largest singular value of <c>norm · W_V · W_O</c> times <c>B</c> where it reads.
/// </summary>
internal static class ToleranceCommand
{
    public static Command Create()
    {
        Option<string?> model = new("--model") { Description = "A checkpoint.", Required = true };
        Option<string?> transcoders = new("--transcoders") { Description = "Its transcoders.", Required = true };
        Option<string> prompt = new("--prompt") { Description = "The text; token ids for a checkpoint without a tokenizer.", Required = true };
        Option<int> features = new("--features") { Description = "Rows to compare.", DefaultValueFactory = _ => 500 };
        Command command = new("tolerance", "Compare a guaranteed bound on every row with the row.") { model, transcoders, prompt, features };
        command.SetAction(async (result, cancellation) =>
        {
            ModelSource source = new(cancellation: cancellation);
            using LoadedModel loaded = await source.LoadModelAsync(result.GetValue(model));
            using TranscoderSet set = await source.LoadTranscodersAsync(result.GetValue(transcoders));
            Run(new ReplacementModel(loaded.Transformer, set), loaded.Prompts.EncodeForTracing(result.GetRequiredValue(prompt)), result.GetValue(features));
        });
        return command;
    }

    private static void Run(ReplacementModel model, int[] tokens, int most)
    {
        if (model.Specification.Norm.Placement.HasFlag(NormPlacement.After) || model.Specification.ParallelResidual || model.Transcoders.HasSkip)
            throw new ArgumentException("The bound is written for sequential models without norms after attention, and transcoders without a skip connection.");
        LocalReplacement local = LocalReplacement.Build(model, tokens);
        double[][] reaching = Reaching(local);
        AttributionGraph graph = Attributor.Attribute(model, tokens, new AttributionOptions { MaximumFeatures = most }, token => $"t{token}");

        List<double>[] ratios = [.. Enumerable.Range(0, graph.Layers).Select(_ => new List<double>())];
        for (int row = 0; row < graph.FeatureCount; row++)
        {
            FeatureNode node = graph.Feature(row);
            float[] reading = new float[model.Specification.ModelWidth];
            model.Transcoders.Layers[node.Layer].Encoder.CopyRow(node.Feature, reading);
            Tensor pulled = Tensor.From(reading, 1, reading.Length);
            model.PullInput(node.Layer, pulled.AsMatrix(), [local.MlpDenominators[node.Layer]?.Span[node.Position] ?? 1]);
            double mass = graph.Edges.Row(row).ToArray().Sum(edge => Math.Abs((double)edge));
            ratios[node.Layer].Add(TensorPrimitives.Norm<float>(pulled.Span) * reaching[node.Layer][node.Position] / mass);
        }
        Console.WriteLine($"{"layer",5} {"rows",6} {"bound over what is there (median)",34}");
        for (int layer = 0; layer < ratios.Length; layer++)
            if (ratios[layer].Count > 0) Console.WriteLine($"{layer,5} {ratios[layer].Count,6} {ratios[layer].Order().ElementAt(ratios[layer].Count / 2),34:g3}");
    }

    /// <summary>For each layer and position B where the layer's MLP reads.</summary>
    private static double[][] Reaching(LocalReplacement local)
    {
        ModelSpecification model = local.Model.Specification;
        AttentionSpecification attention = model.Attention;
        double[] stream = [.. Enumerable.Range(0, local.Positions).Select(position => (double)TensorPrimitives.Norm<float>(local.Embeddings.Row(position)))];
        double[][] reaching = new double[local.Layers][];
        float[] row = new float[model.ModelWidth];
        for (int layer = 0; layer < local.Layers; layer++)
        {
            double[] heads = [.. Enumerable.Range(0, attention.Heads).Select(head => LargestSingularValue(local.Model.Transformer.Weights.Layers[layer], attention, head))];
            double[] middle = [.. stream];
            for (int query = 0; query < local.Positions; query++)
                for (int key = 0; key <= query; key++)
                    for (int head = 0; head < attention.Heads; head++)
                        middle[query] += local.Patterns[layer].Slice(head).Row(query)[key] / (local.AttentionDenominators[layer]?.Span[key] ?? 1) * heads[head] * stream[key];
            reaching[layer] = middle;
            stream = [.. middle];
            for (int position = 0; position < local.Positions; position++) stream[position] += TensorPrimitives.Norm<float>(local.Errors.Slice(layer).Row(position));
            foreach (FeatureNode feature in local.Features)
            {
                Transcoder transcoder = local.Model.Transcoders.Layers[feature.Layer];
                if (layer < feature.Layer || layer >= feature.Layer + transcoder.Targets) continue;
                transcoder.DecoderRow(feature.Feature, layer, row);
                stream[feature.Position] += Math.Abs(feature.Activation) * TensorPrimitives.Norm<float>(row);
            }
        }
        return reaching;
    }

    /// <summary>Of <c>norm · W_V · W_O</c> of one head, by power iteration.</summary>
    private static double LargestSingularValue(LayerWeights weights, AttentionSpecification attention, int head)
    {
        int width = attention.HeadWidth;
        MatrixView value = weights.Value.Weight.ColumnRange(head / attention.GroupSize * width, width), output = weights.Output.Weight.RowRange(head * width, width);
        Tensor read = Tensor.Uninitialized(width, value.Rows), written = Tensor.Uninitialized(width, output.Columns); // W_Vᵀ with the norm, W_O
        for (int i = 0; i < width; i++)
        {
            value.T.CopyRow(i, read.Row(i));
            output.CopyRow(i, written.Row(i));
        }
        float[] ones = [.. Enumerable.Repeat(1f, width)];
        weights.NormBeforeAttention?.Pull(read.AsMatrix(), ones);
        Tensor readGram = Tensor.Uninitialized(width, width), writtenGram = Tensor.Uninitialized(width, width);
        MatrixProduct.Multiply(read.AsMatrix(), read.AsMatrix().T, readGram.AsMatrix());
        MatrixProduct.Multiply(written.AsMatrix(), written.AsMatrix().T, writtenGram.AsMatrix());
        Tensor x = Tensor.From(ones, 1, width), y = Tensor.Uninitialized(1, width);
        float norm = 0;
        for (int step = 0; step < 200; step++)
        {
            MatrixProduct.Multiply(x.AsMatrix(), readGram.AsMatrix(), y.AsMatrix());
            MatrixProduct.Multiply(y.AsMatrix(), writtenGram.AsMatrix(), x.AsMatrix());
            norm = TensorPrimitives.Norm<float>(x.Span);
            TensorPrimitives.Divide(x.Span, norm, x.Span);
        }
        return Math.Sqrt(norm);
    }
}
