using Microtome.Models.Training;
using Microtome.Numerics;
using Microtome.Numerics.Differentiation;

namespace Microtome.Models.Tests.Training;

public sealed class TrainableDecoderTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_trained_is_what_the_transformer_runs(bool tied)
    {
        TrainableDecoder decoder = new(SmallTraining.Shape with { TiedUnembedding = tied }, seed: 1);
        Random random = new(2);
        foreach (TrainableParameter parameter in decoder.Parameters)
            foreach (ref float value in parameter.Value.Span) value += 0.3f * (random.NextSingle() - 0.5f);
        using TemporaryFolder folder = new();
        decoder.Save(folder.Path);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        TrainingBatch batch = SmallTraining.Batch(3);
        Tape tape = new();
        Compare(decoder.Logits(tape, batch).Value, Sequences(batch), new Transformer(checkpoint));
        tape.Reset();
        Compare(TrainableDecoder.Load(checkpoint).Logits(tape, batch).Value, Sequences(batch), new Transformer(checkpoint));
    }

    [Theory]
    [InlineData("qwen3")]
    [InlineData("qwen3-untied")]
    [InlineData("llama")]
    public void Reference_models_of_the_trainable_kinds_compute_the_same(string name)
    {
        using Checkpoint checkpoint = Checkpoint.Open(TestFiles.Get($"golden/models/{name}"));
        TrainableDecoder decoder = TrainableDecoder.Load(checkpoint);
        Random random = new(4);
        TrainingBatch batch = new([.. new[] { 9, 30, 2 }.Select(length => new TrainingDocument([.. Enumerable.Range(0, length).Select(_ => random.Next(decoder.Specification.VocabularySize))]))]);
        Compare(decoder.Logits(new Tape(), batch).Value, Sequences(batch), new Transformer(checkpoint));
    }

    [Fact]
    public void Vectors_added_to_the_stream_are_what_a_hook_adds()
    {
        TrainableDecoder decoder = new(SmallTraining.Shape, seed: 5);
        TrainingBatch batch = SmallTraining.Batch(6, documents: 3);
        Variable bias = RandomVectors(7, 1), injected = RandomVectors(8, 2);
        StreamAddition[] additions =
        [
            StreamAddition.Everywhere(1, bias, batch),
            StreamAddition.ByDocument(0, injected, batch, [1, -1, 0], firstPosition: 2),
        ];
        using TemporaryFolder folder = new();
        decoder.Save(folder.Path);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        ForwardHooks hooks = new();
        hooks.Add(HookPoint.ResidPost, 1, (stream, _) => Add(stream, row => 0, bias));
        hooks.Add(HookPoint.ResidPost, 0, (stream, _) => Add(stream, row => additions[1].Indices[row], injected));
        Compare(decoder.Logits(new Tape(), batch, additions).Value, Sequences(batch), new Transformer(checkpoint), hooks);

        static void Add(Tensor stream, Func<int, int> vector, Variable table)
        {
            for (int row = 0; row < stream.Rows; row++)
                if (vector(row) >= 0) VectorOperations.AddScaled(stream.Row(row), 1, table.Value.Row(vector(row)));
        }
    }

    [Fact]
    public void Gradients_of_weights_and_added_vectors_are_those_of_differences()
    {
        TrainableDecoder decoder = new(SmallTraining.Shape with { Vocabulary = 50 }, seed: 9);
        TrainingBatch batch = SmallTraining.Batch(10, documents: 2);
        Variable bias = RandomVectors(11, 1);
        StreamAddition[] additions = [StreamAddition.Everywhere(0, bias, batch)];
        Tape tape = new();
        tape.Backward(decoder.Loss(tape, batch, additions));
        Random random = new(12);
        foreach ((Variable variable, string name) in decoder.Parameters.Select(parameter => (parameter.Variable, parameter.Name)).Append((bias, "bias")))
        {
            // Along the gradient the loss changes by its length times the step.
            Matrix gradient = variable.Gradient;
            double length = Math.Sqrt(Enumerable.Range(0, gradient.Rows).Sum(row => (double)VectorOperations.SumOfSquares(gradient.Row(row))));
            double above = Shifted(0.004 / length), below = Shifted(-0.004 / length);
            ((above - below) / 0.008).ShouldBe(length, 0.01 * length + 1e-3, name);

            double Shifted(double step)
            {
                for (int row = 0; row < gradient.Rows; row++) VectorOperations.AddScaled(variable.Value.Row(row), (float)step, gradient.Row(row));
                double loss = decoder.Loss(tape, batch, additions).Value.Row(0)[0];
                tape.Reset();
                for (int row = 0; row < gradient.Rows; row++) VectorOperations.AddScaled(variable.Value.Row(row), -(float)step, gradient.Row(row));
                return loss;
            }
        }
    }

    [Fact]
    public void A_vector_is_trained_through_a_frozen_model_whose_weights_stay()
    {
        TrainableDecoder decoder = new(SmallTraining.Shape, seed: 13) { Frozen = true };
        float[] before = SmallTraining.Weights(decoder);
        TrainingBatch batch = SmallTraining.Batch(14);
        Variable bias = Variable.Parameter(new Tensor(1, 24));
        AdamW optimizer = new([(bias, false)]);
        Tape tape = new();
        List<double> losses = [];
        for (int step = 0; step < 20; step++)
        {
            bias.ClearGradient();
            Variable loss = decoder.Loss(tape, batch, [StreamAddition.Everywhere(0, bias, batch)]);
            losses.Add(loss.Value.Row(0)[0]);
            tape.Backward(loss);
            optimizer.Step(0.05);
        }
        losses[^1].ShouldBeLessThan(losses[0] - 0.02);
        SmallTraining.Weights(decoder).ShouldBe(before);
        decoder.Parameters.SelectMany(parameter => parameter.Gradient.Span.ToArray()).ShouldAllBe(value => value == 0);
    }

    [Fact]
    public void Weights_are_rounded_to_bfloat16_when_asked()
    {
        TrainableDecoder decoder = new(SmallTraining.Shape, seed: 15);
        using TemporaryFolder folder = new();
        decoder.Save(folder.Path, ElementType.BF16);
        File.ReadAllText(folder["config.json"]).ShouldContain("\"bfloat16\"");
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        StoredTensor embedding = checkpoint.Get("model.embed_tokens.weight");
        embedding.Type.ShouldBe(ElementType.BF16);
        Tensor read = embedding.ToTensor(), written = decoder.Parameters[0].Value;
        for (int i = 0; i < read.Length; i++) read.Span[i].ShouldBe(BitConverter.UInt32BitsToSingle((uint)Elements.ToBFloat16(written.Span[i]) << 16));
    }

    [Fact]
    public void Models_of_other_kinds_are_refused_with_the_reason()
    {
        using Checkpoint checkpoint = Checkpoint.Open(TestFiles.Get("golden/models/gemma2"));
        Should.Throw<NotSupportedException>(() => TrainableDecoder.Load(checkpoint)).Message.ShouldContain("cannot be trained");
    }

    private static Variable RandomVectors(int seed, int count)
    {
        Random random = new(seed);
        Tensor vectors = new(count, SmallTraining.Shape.Width);
        foreach (ref float value in vectors.Span) value = random.NextSingle() - 0.5f;
        return Variable.Parameter(vectors);
    }

    private static int[][] Sequences(TrainingBatch batch) => [.. batch.Documents.Select(document => batch.Tokens.AsSpan(document.Start, document.Length).ToArray())];

    private static void Compare(Matrix logits, int[][] sequences, Transformer transformer, ForwardHooks? hooks = null)
    {
        Tensor expected = transformer.Forward(sequences, hooks);
        float largest = expected.Span.ToArray().Max(Math.Abs);
        expected.Rows.ShouldBe(logits.Rows);
        for (int row = 0; row < logits.Rows; row++)
            for (int column = 0; column < logits.Columns; column++)
                Math.Abs(logits.Row(row)[column] - expected.Row(row)[column]).ShouldBeLessThan(1e-5f * Math.Max(1, largest), $"[{row}, {column}]");
    }
}
