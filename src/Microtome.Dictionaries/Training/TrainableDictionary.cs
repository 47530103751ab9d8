using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>What a step found.</summary>
/// <param name="Loss">The mean squared error of a token, summed over outputs, with all penalties, in units where outputs have a norm of √width.</param>
/// <param name="SquaredError">Summed over tokens and outputs.</param>
/// <param name="Variance">Of the outputs around their means, summed likewise: the share that is left unexplained is the former over this.</param>
/// <param name="Active">How many latents are active at a token.</param>
public readonly record struct DictionaryStep(double Loss, double SquaredError, double Variance, double Active, int Dead);

/// <summary>
/// A dictionary in training: blocks of latents that each read one input and together predict the outputs. Gradients are written by hand. Inputs and
/// outputs are scaled to a norm of √width, so that the same learning rates and penalties suit all; the scale is folded into the weights on export.
/// </summary>
internal sealed class TrainableDictionary
{
    private readonly int[] _inputWidths;
    private readonly int _outputWidth;

    /// <param name="inputWidths">One for each block.</param>
    /// <param name="outputWidths">Block i writes to outputs i and after, of which only a cross-layer transcoder has several.</param>
    public TrainableDictionary(string name, DictionaryOptions options, IReadOnlyList<int> inputWidths, IReadOnlyList<int> outputWidths)
    {
        options.Validate();
        Name = name;
        Options = options;
        _inputWidths = [.. inputWidths];
        OutputWidths = outputWidths;
        _outputWidth = outputWidths.Sum();
        bool autoencoder = options.Kind is DictionaryKind.Autoencoder or DictionaryKind.Meta;
        if (autoencoder && (inputWidths.Count != 1 || outputWidths.Count != 1 || inputWidths[0] != outputWidths[0])) throw new ArgumentException($"An autoencoder predicts what it reads; '{name}' does not.");
        Random random = new(HashCode(options.Seed, 17));
        int column = 0;
        List<LatentBlock> blocks = [];
        for (int block = 0; block < _inputWidths.Length; block++)
        {
            blocks.Add(new LatentBlock($"{name}.{block}", options, _inputWidths[block], column, _outputWidth - column, autoencoder, random));
            column += outputWidths[block];
        }
        Blocks = blocks;
        DecoderBias = new Parameter($"{name}.decoder_bias", _outputWidth);
        if (options.Kind == DictionaryKind.SkipTranscoder) Skip = new Parameter($"{name}.skip", _inputWidths[0], _outputWidth);
        SubtractsDecoderBias = autoencoder;
        InputScales = new float[_inputWidths.Length];
        OutputScales = new float[outputWidths.Count];
    }

    public string Name { get; }

    public DictionaryOptions Options { get; }

    public IReadOnlyList<LatentBlock> Blocks { get; }

    public IReadOnlyList<int> OutputWidths { get; }

    /// <summary>[output width]</summary>
    public Parameter DecoderBias { get; }

    /// <summary>[input width, output width]</summary>
    public Parameter? Skip { get; }

    public bool SubtractsDecoderBias { get; }

    /// <summary>What inputs and outputs are multiplied by; 0 before the first batch.</summary>
    public float[] InputScales { get; }

    public float[] OutputScales { get; }

    public IEnumerable<Parameter> Parameters => [.. Blocks.SelectMany(block => block.Parameters), DecoderBias, .. Skip is null ? [] : new[] { Skip }];

    /// <summary>Sets scales and biases by some activations: the decoder's bias is their mean, and encoders begin centred.</summary>
    public void Start(IReadOnlyList<Matrix> inputs, IReadOnlyList<Matrix> outputs)
    {
        for (int i = 0; i < inputs.Count; i++) InputScales[i] = ScaleOf(inputs[i], Name);
        for (int i = 0, column = 0; i < outputs.Count; column += OutputWidths[i++])
        {
            OutputScales[i] = ScaleOf(outputs[i], Name);
            Span<float> bias = DecoderBias.Value.Span.Slice(column, OutputWidths[i]);
            Means(outputs[i], bias);
            TensorPrimitives.Multiply(bias, OutputScales[i], bias);
        }
        if (SubtractsDecoderBias) return;
        for (int block = 0; block < Blocks.Count; block++)
        {
            Tensor mean = new(1, _inputWidths[block]), product = new(1, Options.Latents);
            Means(inputs[block], mean.Span);
            TensorPrimitives.Multiply(mean.Span, -InputScales[block], mean.Span);
            MatrixProduct.Multiply(mean.AsMatrix(), Blocks[block].Encoder.Rows.T, product.AsMatrix());
            product.Span.CopyTo(Blocks[block].EncoderBias.Value.Span);
        }
    }

    /// <summary>Adds the gradients of a batch's loss to the parameters'.</summary>
    /// <param name="inputs">[rows, width] for each block</param>
    /// <param name="outputs">[rows, width] for each output</param>
    /// <param name="sparsity">What share of the penalty counts, while it warms up.</param>
    public DictionaryStep AddGradients(IReadOnlyList<Matrix> inputs, IReadOnlyList<Matrix> outputs, double sparsity = 1)
    {
        int rows = outputs[0].Rows;
        Tensor targets = Scaled(outputs, OutputScales, null);
        Tensor[] read = [.. inputs.Select((input, block) => Scaled([input], InputScales.AsSpan(block, 1), SubtractsDecoderBias ? DecoderBias.Value : null))];
        Tensor? raw = Skip is null ? null : Scaled([inputs[0]], InputScales, null);
        BlockActivity[] activities = [.. Blocks.Select((block, i) => block.Encode(read[i].AsMatrix()))];

        // Each nested dictionary adds its latents to what those before it predict.
        int prefixes = Blocks[0].Prefixes.Count;
        Tensor prediction = Base(rows, raw);
        Tensor[] errors = new Tensor[prefixes]; // [rows, outputs]
        double loss = 0, squaredError = 0;
        for (int prefix = 0; prefix < prefixes; prefix++)
        {
            for (int i = 0; i < Blocks.Count; i++)
            {
                (int first, int count) = Blocks[i].LatentsOf(prefix);
                activities[i].Parts[prefix].AddProduct(Blocks[i].Decoder.Rows.RowRange(first, count), Columns(prediction, Blocks[i]));
            }
            errors[prefix] = Difference(prediction, targets);
            squaredError = SumOfSquares(errors[prefix]);
            loss += squaredError / rows / prefixes;
        }

        double penalty = Options.HasTopK ? 0 : Options.Sparsity * sparsity;
        loss += AddAuxiliary(activities, read, errors[^1], rows) + AddGates(activities, read, raw, targets, penalty) + Penalty(activities, penalty) / rows;

        // The gradient of a latent's output is the sum over the dictionaries that have it.
        float factor = 2f / rows / prefixes;
        for (int prefix = prefixes - 1; prefix >= 0; prefix--)
        {
            TensorPrimitives.Multiply(errors[prefix].Span, factor, errors[prefix].Span);
            if (prefix + 1 < prefixes) TensorPrimitives.Add(errors[prefix].Span, errors[prefix + 1].Span, errors[prefix].Span);
            for (int i = 0; i < Blocks.Count; i++) Blocks[i].AddGradients(activities[i], read[i].AsMatrix(), prefix, Columns(errors[prefix], Blocks[i]), (float)(penalty / rows));
        }
        AddColumnSums(errors[0].AsMatrix(), DecoderBias.Gradient.Span);
        if (raw is not null) MatrixProduct.Multiply(raw.AsMatrix().T, errors[0].AsMatrix(), Skip!.Gradient.AsMatrix(), accumulate: true);
        if (SubtractsDecoderBias) AddInputBiasGradient();
        return new DictionaryStep(loss, squaredError, Variance(targets), activities.Sum(activity => (double)activity.Active.Count) / rows, Blocks.Sum(block => block.DeadCount));
    }

    /// <summary>Takes a step along the gradients.</summary>
    /// <param name="step">Counted from 1.</param>
    public void Step(double learningRate, long step)
    {
        if (Options.HasUnitRows)
            foreach (LatentBlock block in Blocks) DecoderRows.Project(block.Decoder);
        foreach (Parameter parameter in Parameters) parameter.Step(learningRate, step);
        foreach (LatentBlock block in Blocks)
        {
            if (Options.HasUnitRows) DecoderRows.Normalize(block.Decoder);
            if (block.Threshold is { } threshold) TensorPrimitives.Max(threshold.Value.Span, 0f, threshold.Value.Span);
        }
    }

    /// <summary>Sets BatchTopK's thresholds by what finished weights keep of some activations: the mean of the least that each batch keeps.</summary>
    /// <param name="batch">Rows of a batch.</param>
    public void Calibrate(IReadOnlyList<Matrix> inputs, int batch)
    {
        if (Options.Activation is not (DictionaryActivation.BatchTopK or DictionaryActivation.Matryoshka)) return;
        const int Batches = 16;
        for (int i = 0; i < Blocks.Count; i++)
        {
            double sum = 0;
            int count = 0;
            for (int start = 0; start + batch <= inputs[i].Rows && count < Batches; start += batch, count++)
            {
                Tensor read = Scaled([inputs[i].RowRange(start, batch)], InputScales.AsSpan(i, 1), SubtractsDecoderBias ? DecoderBias.Value : null);
                sum += Blocks[i].Encode(read.AsMatrix()).Active.Values.DefaultIfEmpty().Min();
            }
            if (count > 0) Blocks[i].KeptFrom = sum / count;
        }
    }

    /// <summary>
    /// Lets dead latents begin anew at tokens that are predicted badly: their encoders read those inputs, their decoders write what is left to predict
    /// (Bricken et al. 2023, "Neuron resampling").
    /// </summary>
    /// <returns>How many.</returns>
    public int Resample(IReadOnlyList<Matrix> inputs, IReadOnlyList<Matrix> outputs, Random random)
    {
        int resampled = 0;
        int[][] dead = [.. Blocks.Select(block => Enumerable.Range(0, Options.Latents).Where(latent => block.Idle[latent] >= Options.DeadAfter).ToArray())];
        if (dead.All(latents => latents.Length == 0)) return 0;
        Tensor[] read = [.. inputs.Select((input, block) => Scaled([input], InputScales.AsSpan(block, 1), SubtractsDecoderBias ? DecoderBias.Value : null))];
        Tensor prediction = Base(outputs[0].Rows, Skip is null ? null : Scaled([inputs[0]], InputScales, null));
        for (int i = 0; i < Blocks.Count; i++) Blocks[i].Encode(read[i].AsMatrix()).Active.AddProduct(Blocks[i].Decoder.Rows, Columns(prediction, Blocks[i]));
        Tensor error = Difference(Scaled(outputs, OutputScales, null), prediction);
        for (int i = 0; i < Blocks.Count; i++)
        {
            Matrix left = Columns(error, Blocks[i]);
            double[] sums = new double[left.Rows];
            double sum = 0;
            for (int row = 0; row < sums.Length; row++)
            {
                double square = VectorOperations.SumOfSquares(left.Row(row));
                sums[row] = sum += square * square;
            }
            if (!(sum > 0)) continue;
            float norm = 0.2f * DecoderRows.Norms(Blocks[i].Encoder.Value).Where((_, latent) => Blocks[i].Idle[latent] < Options.DeadAfter).DefaultIfEmpty(5).Average();
            Tensor mean = new(read[i].Columns);
            if (!SubtractsDecoderBias) Means(read[i].AsMatrix(), mean.Span);
            foreach (int latent in dead[i])
            {
                int found = Array.BinarySearch(sums, random.NextDouble() * sum), row = Math.Min(found >= 0 ? found : ~found, sums.Length - 1);
                Tensor input = Tensor.From(read[i].Row(row), read[i].Columns);
                TensorPrimitives.Subtract(input.Span, mean.Span, input.Span);
                Blocks[i].Restart(latent, input.Span, left.Row(row), norm, mean.Span);
                resampled++;
            }
        }
        return resampled;
    }

    /// <summary>What dead latents' auxiliary loss adds: they predict the error that the others leave, which itself is not changed by it.</summary>
    private double AddAuxiliary(BlockActivity[] activities, Tensor[] read, Tensor error, int rows)
    {
        double loss = 0;
        for (int i = 0; i < Blocks.Count; i++)
        {
            if (activities[i].Dead is not { } dead) continue;
            LatentBlock block = Blocks[i];
            double weight = Options.AuxiliaryWeight * Math.Min(1, activities[i].DeadCount / Math.Max(1, block.OutputWidth / 2.0));
            Matrix left = Columns(error, block);
            Tensor remainder = Tensor.Uninitialized(rows, block.OutputWidth); // what is predicted plus the error, which is the target's negative
            for (int row = 0; row < rows; row++) left.Row(row).CopyTo(remainder.Row(row));
            dead.AddProduct(block.Decoder.Rows, remainder.AsMatrix());
            loss += weight * SumOfSquares(remainder) / rows;
            TensorPrimitives.Multiply(remainder.Span, (float)(2 * weight / rows), remainder.Span);
            dead.AddTransposedProduct(remainder.AsMatrix(), block.Decoder.Gradient.AsMatrix());
            SparseActivations through = dead.With(dead.Dots(remainder.AsMatrix(), block.Decoder.Rows));
            through.AddTransposedProduct(read[i].AsMatrix(), block.Encoder.Gradient.AsMatrix());
            through.AddSums(block.EncoderBias.Gradient.Span);
        }
        return loss;
    }

    /// <summary>What a gated dictionary's gates add: the penalty on them, and the error of what they alone reconstruct.</summary>
    private double AddGates(BlockActivity[] activities, Tensor[] read, Tensor? raw, Tensor targets, double penalty)
    {
        if (Options.Activation != DictionaryActivation.Gated) return 0;
        int rows = targets.Rows;
        Tensor prediction = Base(rows, raw);
        for (int i = 0; i < Blocks.Count; i++) activities[i].Gate!.AddProduct(Blocks[i].Decoder.Rows, Columns(prediction, Blocks[i]));
        Tensor error = Difference(prediction, targets);
        double loss = SumOfSquares(error) / rows;
        TensorPrimitives.Multiply(error.Span, 2f / rows, error.Span);
        for (int i = 0; i < Blocks.Count; i++)
            GatedRule.AddGateGradients(activities[i].Gate!, Blocks[i], read[i].AsMatrix(), Columns(error, Blocks[i]), (float)(penalty / rows));
        return loss;
    }

    /// <summary>The penalty on sparsity, summed over rows.</summary>
    private double Penalty(BlockActivity[] activities, double penalty)
    {
        if (penalty == 0) return 0;
        double sum = 0;
        for (int i = 0; i < Blocks.Count; i++)
        {
            if (Options.Activation == DictionaryActivation.JumpRelu) sum += activities[i].Active.Count;
            else if (Options.Activation == DictionaryActivation.Gated) sum += activities[i].Gate!.Values.Sum(value => (double)value);
            else
            {
                SparseActivations active = activities[i].Active;
                float[] norms = DecoderRows.Norms(Blocks[i].Decoder.Value);
                for (int entry = 0; entry < active.Count; entry++) sum += (double)active.Values[entry] * norms[active.Indexes[entry]];
            }
        }
        return penalty * sum;
    }

    /// <summary>The decoder's bias is also subtracted from inputs: it gets the negative of their gradient.</summary>
    private void AddInputBiasGradient()
    {
        LatentBlock block = Blocks[0];
        Tensor sums = block.EncoderBias.Gradient.Clone(); // of the pre-activations' gradients
        if (block.MagnitudeBias is { } magnitude)
            for (int latent = 0; latent < sums.Length; latent++) sums.Span[latent] += MathF.Exp(block.LogScale!.Value.Span[latent]) * magnitude.Gradient.Span[latent];
        TensorPrimitives.Negate(sums.Span, sums.Span);
        MatrixProduct.Multiply(sums.AsMatrix(), block.Encoder.Rows, DecoderBias.Gradient.AsMatrix(), accumulate: true);
    }

    /// <summary>What is predicted without latents: the decoder's bias, and the linear path.</summary>
    private Tensor Base(int rows, Tensor? raw)
    {
        Tensor prediction = Tensor.Uninitialized(rows, _outputWidth);
        for (int row = 0; row < rows; row++) DecoderBias.Value.Span.CopyTo(prediction.Row(row));
        if (raw is not null) MatrixProduct.Multiply(raw.AsMatrix(), Skip!.Rows, prediction.AsMatrix(), accumulate: true);
        return prediction;
    }

    /// <summary>Matrices side by side, each scaled, less a bias.</summary>
    private static Tensor Scaled(IReadOnlyList<Matrix> parts, ReadOnlySpan<float> scales, Tensor? bias)
    {
        Tensor result = Tensor.Uninitialized(parts[0].Rows, parts.Sum(part => part.Columns));
        int column = 0;
        for (int i = 0; i < parts.Count; column += parts[i++].Columns)
            for (int row = 0; row < result.Rows; row++) TensorPrimitives.Multiply(parts[i].Row(row), scales[i], result.Row(row).Slice(column, parts[i].Columns));
        if (bias is not null)
            for (int row = 0; row < result.Rows; row++) TensorPrimitives.Subtract(result.Row(row), bias.Span, result.Row(row));
        return result;
    }

    private static Matrix Columns(Tensor outputs, LatentBlock block) => outputs.AsMatrix().ColumnRange(block.FirstColumn, block.OutputWidth);

    private static Tensor Difference(Tensor x, Tensor y)
    {
        Tensor result = Tensor.Uninitialized(x.Rows, x.Columns);
        TensorPrimitives.Subtract(x.Span, y.Span, result.Span);
        return result;
    }

    private static double SumOfSquares(Tensor x)
    {
        double sum = 0;
        for (int row = 0; row < x.Rows; row++) sum += VectorOperations.SumOfSquares(x.Row(row));
        return sum;
    }

    private static double Variance(Tensor x)
    {
        float[] mean = new float[x.Columns];
        Means(x.AsMatrix(), mean);
        double sum = SumOfSquares(x);
        return sum - x.Rows * (double)VectorOperations.SumOfSquares(mean);
    }

    private static void AddColumnSums(Matrix x, Span<float> sums)
    {
        for (int row = 0; row < x.Rows; row++) TensorPrimitives.Add(sums, x.Row(row), sums);
    }

    private static void Means(Matrix x, Span<float> mean)
    {
        double[] sums = new double[x.Columns];
        for (int row = 0; row < x.Rows; row++)
            for (int column = 0; column < sums.Length; column++) sums[column] += x.Row(row)[column];
        for (int column = 0; column < sums.Length; column++) mean[column] = (float)(sums[column] / x.Rows);
    }

    /// <summary>√width over the mean norm of rows.</summary>
    private static float ScaleOf(Matrix x, string name)
    {
        double sum = 0;
        for (int row = 0; row < x.Rows; row++) sum += Math.Sqrt(VectorOperations.SumOfSquares(x.Row(row)));
        double scale = Math.Sqrt(x.Columns) * x.Rows / sum;
        return double.IsFinite(scale) ? (float)scale : throw new InvalidDataException($"'{name}' cannot be trained: its activations are {(sum == 0 ? "all zero" : "not finite")}.");
    }

    /// <summary>A seed of its own for each use.</summary>
    internal static int HashCode(int seed, long use)
    {
        ulong value = (ulong)use * 0x9E3779B97F4A7C15 + (uint)seed;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return (int)((value ^ (value >> 31)) >> 33);
    }
}
