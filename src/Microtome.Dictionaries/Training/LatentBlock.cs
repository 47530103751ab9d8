using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>The latents that read one input: an encoder, what decides which are active, and decoder rows that write to some of the dictionary's outputs.</summary>
internal sealed class LatentBlock
{
    [ThreadStatic]
    private static Tensor? t_preActivations;

    private readonly DictionaryOptions _options;
    private readonly ActivationRule _rule;

    /// <param name="firstColumn">Where in the outputs the decoder rows write.</param>
    /// <param name="tied">Whether encoder rows begin as decoder rows.</param>
    public LatentBlock(string name, DictionaryOptions options, int inputWidth, int firstColumn, int outputWidth, bool tied, Random random)
    {
        _options = options;
        _rule = ActivationRule.For(options);
        FirstColumn = firstColumn;
        OutputWidth = outputWidth;
        Encoder = new Parameter($"{name}.encoder", options.Latents, inputWidth);
        EncoderBias = new Parameter($"{name}.encoder_bias", options.Latents);
        Decoder = new Parameter($"{name}.decoder", options.Latents, outputWidth);
        FillWithDirections(Decoder.Value, random);
        if (tied) Decoder.Value.Span.CopyTo(Encoder.Value.Span);
        else FillWithDirections(Encoder.Value, random);
        if (options.Activation == DictionaryActivation.JumpRelu)
        {
            Threshold = new Parameter($"{name}.threshold", options.Latents);
            Threshold.Value.Span.Fill((float)options.InitialThreshold);
        }
        if (options.Activation == DictionaryActivation.Gated)
        {
            LogScale = new Parameter($"{name}.log_scale", options.Latents);
            MagnitudeBias = new Parameter($"{name}.magnitude_bias", options.Latents);
        }
        Idle = new int[options.Latents];
        Prefixes = options.Activation == DictionaryActivation.Matryoshka
            ? [.. options.Prefixes.Select(share => Math.Clamp((int)Math.Round(share * options.Latents), 1, options.Latents)).Append(options.Latents).Distinct().Order()]
            : [options.Latents];
    }

    public int FirstColumn { get; }

    public int OutputWidth { get; }

    /// <summary>[latents, input width]</summary>
    public Parameter Encoder { get; }

    /// <summary>[latents]; of a gated dictionary, the gate's.</summary>
    public Parameter EncoderBias { get; }

    /// <summary>[latents, output width]</summary>
    public Parameter Decoder { get; }

    public Parameter? Threshold { get; }

    public Parameter? LogScale { get; }

    public Parameter? MagnitudeBias { get; }

    /// <summary>[latents]: for how many tokens each was not active.</summary>
    public int[] Idle { get; }

    /// <summary>The least activation that BatchTopK kept, over recent batches; negative before the first.</summary>
    public double KeptFrom { get; set; } = -1;

    /// <summary>How many latents each nested dictionary has; all, in a dictionary that is not nested.</summary>
    public IReadOnlyList<int> Prefixes { get; }

    public IEnumerable<Parameter> Parameters => new[] { Encoder, EncoderBias, Decoder, Threshold, LogScale, MagnitudeBias }.OfType<Parameter>();

    public int DeadCount => Idle.Count(tokens => tokens >= _options.DeadAfter);

    /// <summary>Encodes a batch and notes what was active.</summary>
    /// <param name="input">[rows, input width]</param>
    public BlockActivity Encode(Matrix input)
    {
        int latents = _options.Latents;
        if (t_preActivations is null || t_preActivations.Rows < input.Rows || t_preActivations.Columns != latents) t_preActivations = Tensor.Uninitialized(input.Rows, latents);
        Matrix values = t_preActivations.AsMatrix().RowRange(0, input.Rows);
        MatrixProduct.Multiply(input, Encoder.Rows.T, values);
        ReadOnlySpan<float> bias = EncoderBias.Value.Span;
        for (int row = 0; row < values.Rows; row++) TensorPrimitives.Add(values.Row(row), bias, values.Row(row));

        BlockActivity activity = _rule.Select(values, this);
        bool[] active = new bool[latents];
        foreach (int latent in activity.Active.Indexes) active[latent] = true;
        int[] dead = _options.DeadOrUsual == DeadLatents.Auxiliary ? [.. Enumerable.Range(0, latents).Where(latent => Idle[latent] >= _options.DeadAfter)] : [];
        for (int latent = 0; latent < latents; latent++) Idle[latent] = active[latent] ? 0 : (int)Math.Min(int.MaxValue / 2, (long)Idle[latent] + input.Rows);
        if (dead.Length > 0) activity = activity with { Dead = LargestDead(values, dead), DeadCount = dead.Length };
        return activity;
    }

    /// <summary>Adds the gradients of encoder, decoder and thresholds.</summary>
    /// <param name="input">[rows, input width]</param>
    /// <param name="prefix">Which of the nested dictionaries' latents: those that the one before has not.</param>
    /// <param name="error">[rows, output width]: the gradient of what these latents add up to</param>
    /// <param name="sparsity">The penalty's factor, over the number of rows.</param>
    public void AddGradients(BlockActivity activity, Matrix input, int prefix, Matrix error, float sparsity) => _rule.AddGradients(activity, this, input, prefix, error, sparsity);

    /// <summary>The latents of a prefix that the one before has not.</summary>
    public (int First, int Count) LatentsOf(int prefix)
    {
        int first = prefix == 0 ? 0 : Prefixes[prefix - 1];
        return (first, Prefixes[prefix] - first);
    }

    /// <summary>Gives a latent new directions, and forgets what was known of its gradients.</summary>
    /// <param name="read">[input width]: what its encoder is to read</param>
    /// <param name="write">[output width]: what its decoder is to write</param>
    /// <param name="norm">Of the encoder's row.</param>
    /// <param name="mean">[input width]: where it is not active</param>
    public void Restart(int latent, ReadOnlySpan<float> read, ReadOnlySpan<float> write, float norm, ReadOnlySpan<float> mean)
    {
        foreach (Parameter parameter in Parameters) parameter.Forget(latent);
        Span<float> encoder = Encoder.Value.Row(latent), decoder = Decoder.Value.Row(latent);
        read.CopyTo(encoder);
        DecoderRows.Normalize(encoder);
        TensorPrimitives.Multiply(encoder, norm, encoder);
        write.CopyTo(decoder);
        DecoderRows.Normalize(decoder);
        EncoderBias.Value.Span[latent] = -VectorOperations.Dot(encoder, mean);
        if (Threshold is not null) Threshold.Value.Span[latent] = (float)_options.InitialThreshold;
        if (LogScale is not null) LogScale.Value.Span[latent] = 0;
        if (MagnitudeBias is not null) MagnitudeBias.Value.Span[latent] = EncoderBias.Value.Span[latent];
        Idle[latent] = 0;
    }

    /// <summary>The largest pre-activations of dead latents, half as many a row as the output is wide.</summary>
    private SparseActivations LargestDead(Matrix values, int[] dead)
    {
        int k = Math.Min(dead.Length, Math.Max(1, OutputWidth / 2));
        return SparseActivations.Choose(values.Rows, values.Columns, (row, latents, amounts) =>
        {
            ReadOnlySpan<float> all = values.Row(row);
            float[] candidates = new float[dead.Length];
            for (int i = 0; i < dead.Length; i++) candidates[i] = all[dead[i]];
            int[] best = new int[k];
            VectorOperations.TopK(candidates, best);
            Array.Sort(best);
            for (int i = 0; i < k; i++)
            {
                latents[i] = dead[best[i]];
                amounts[i] = candidates[best[i]];
            }
            return k;
        });
    }

    private static void FillWithDirections(Tensor rows, Random random)
    {
        for (int row = 0; row < rows.Rows; row++)
        {
            Span<float> values = rows.Row(row);
            foreach (ref float value in values) value = (float)Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * (float)Math.Cos(2 * Math.PI * random.NextDouble());
            DecoderRows.Normalize(values);
        }
    }
}

/// <summary>What a block did with a batch.</summary>
/// <param name="Active">The latents that count, and their activations.</param>
internal sealed record BlockActivity(SparseActivations Active)
{
    /// <summary>The parts of <see cref="Active"/> that each nested dictionary adds.</summary>
    public required IReadOnlyList<SparseActivations> Parts { get; init; }

    /// <summary>Pre-activations near their threshold (JumpReLU).</summary>
    public SparseActivations? Window { get; init; }

    /// <summary>Open gates and by how much (Gated).</summary>
    public SparseActivations? Gate { get; init; }

    /// <summary>Dead latents' largest pre-activations.</summary>
    public SparseActivations? Dead { get; init; }

    public int DeadCount { get; init; }
}
