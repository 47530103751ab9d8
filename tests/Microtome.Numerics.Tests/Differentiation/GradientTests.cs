using Microtome.Numerics.Differentiation;

namespace Microtome.Numerics.Tests.Differentiation;

/// <summary>Every operation's gradient is that of central differences, on random shapes.</summary>
[Collection(nameof(WorkerPool))]
public sealed class GradientTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 6)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Linear_with_a_residual(int seed)
    {
        (Random random, int rows, int width) = Shape(seed);
        int outputs = random.Next(1, 12);
        Variable x = GradientCheck.Parameter(random, rows, width), weight = GradientCheck.Parameter(random, outputs, width), residual = GradientCheck.Parameter(random, rows, outputs);
        GradientCheck.Compare(random, [x, weight, residual], tape => tape.Linear(x, weight, residual));
        GradientCheck.Compare(random, [x, weight], tape => tape.Linear(x, weight));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Linear_with_a_computed_residual_that_others_read_too(int seed)
    {
        (Random random, int rows, int width) = Shape(seed);
        Variable x = GradientCheck.Parameter(random, rows, width), weight = GradientCheck.Parameter(random, width, width), scale = GradientCheck.Parameter(random, 1, width);
        GradientCheck.Compare(random, [x, weight, scale], tape =>
        {
            Variable stream = tape.Scale(x, 1.5f);
            return tape.Linear(tape.RmsNorm(stream, scale, 1e-3f), weight, stream);
        });
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Multiply(int seed)
    {
        (Random random, int rows, int width) = Shape(seed);
        Variable a = GradientCheck.Parameter(random, rows, width), b = GradientCheck.Parameter(random, width, random.Next(1, 12));
        GradientCheck.Compare(random, [a, b], tape => tape.Multiply(a, b));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Elementwise_operations(int seed)
    {
        (Random random, int rows, int width) = Shape(seed);
        Variable x = GradientCheck.Parameter(random, rows, width), y = GradientCheck.Parameter(random, rows, width), bias = GradientCheck.Parameter(random, 1, width);
        GradientCheck.Compare(random, [x, y], tape => tape.Add(x, y));
        GradientCheck.Compare(random, [x], tape => tape.Add(x, x));
        GradientCheck.Compare(random, [x, y], tape => tape.MultiplyElements(x, y));
        GradientCheck.Compare(random, [x], tape => tape.MultiplyElements(x, x));
        GradientCheck.Compare(random, [x, bias], tape => tape.AddBias(tape.Scale(x, -2), bias));
        GradientCheck.Compare(random, [x, y], tape => tape.Add(tape.Silu(x), tape.GeluTanh(y)));
        GradientCheck.Compare(random, [x], tape => tape.Gelu(x));
        foreach (Variable variable in new[] { x, y })
            for (int row = 0; row < rows; row++)
                foreach (ref float value in variable.Value.Row(row)) value += Math.Sign(value) * 0.1f; // away from the corner
        GradientCheck.Compare(random, [x], tape => tape.Relu(x));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_gated_unit(int seed)
    {
        (Random random, int rows, int width) = Shape(seed);
        Variable x = GradientCheck.Parameter(random, rows, 2 * width);
        GradientCheck.Compare(random, [x], tape => tape.GatedSilu(x));
        GradientCheck.Compare(random, [x], tape => tape.Add(tape.GatedSilu(x), tape.GatedSilu(x)));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Norms(int seed)
    {
        (Random random, int rows, int width) = Shape(seed);
        int groups = random.Next(1, 4);
        Variable x = GradientCheck.Parameter(random, rows, groups * width), scale = GradientCheck.Parameter(random, 1, width);
        Variable wide = GradientCheck.Parameter(random, 1, groups * width), shift = GradientCheck.Parameter(random, 1, groups * width);
        GradientCheck.Compare(random, [x, scale], tape => tape.RmsNorm(x, scale, 0.05f));
        GradientCheck.Compare(random, [x, scale], tape => tape.Add(x, tape.RmsNorm(x, scale, 0.05f)));
        GradientCheck.Compare(random, [x, wide, shift], tape => tape.LayerNorm(x, wide, shift, 0.05f));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Gathered_and_added_rows(int seed)
    {
        (Random random, int rows, int width) = Shape(seed);
        int entries = random.Next(1, 6);
        Variable table = GradientCheck.Parameter(random, entries, width), x = GradientCheck.Parameter(random, rows, width);
        int[] indices = [.. Enumerable.Range(0, rows).Select(_ => random.Next(entries))], some = [.. indices.Select(index => random.Next(3) == 0 ? -1 : index)];
        GradientCheck.Compare(random, [table], tape => tape.Gather(table, indices));
        GradientCheck.Compare(random, [table, x], tape => tape.AddRows(x, table, some));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Parts_of_a_split_even_where_some_are_not_used(int seed)
    {
        (Random random, int rows, int width) = Shape(seed);
        int first = random.Next(1, 9), third = random.Next(1, 9);
        Variable x = GradientCheck.Parameter(random, rows, first + width + third);
        GradientCheck.Compare(random, [x], tape => tape.Linear(tape.Split(x, first, width, third)[0], tape.Split(x, first, width, third)[0]));
        GradientCheck.Compare(random, [x], tape =>
        {
            Variable[] parts = tape.Split(tape.Scale(x, 2), first, width, third);
            return tape.Add(tape.Silu(parts[1]), parts[1]);
        });
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Rotation(int seed)
    {
        (Random random, int rows, _) = Shape(seed);
        int pairs = random.Next(1, 12), headWidth = 2 * pairs + random.Next(3), heads = random.Next(1, 4);
        Variable x = GradientCheck.Parameter(random, rows, heads * headWidth);
        Tensor cosines = new(20, pairs), sines = new(20, pairs);
        for (int i = 0; i < cosines.Length; i++) (sines.Span[i], cosines.Span[i]) = MathF.SinCos(6 * random.NextSingle());
        int[] positions = [.. Enumerable.Range(0, rows).Select(_ => random.Next(20))];
        GradientCheck.Compare(random, [x], tape => tape.Rotate(x, headWidth, cosines.AsMatrix(), sines.AsMatrix(), positions));
    }

    [Theory]
    [InlineData(0, 1, 1, 4, new[] { 1 })]
    [InlineData(1, 2, 1, 5, new[] { 3, 1, 9 })]
    [InlineData(2, 4, 2, 8, new[] { 17 })]
    [InlineData(3, 6, 2, 10, new[] { 4, 6 })]
    [InlineData(4, 3, 3, 20, new[] { 8, 5 })]
    public void Attention(int seed, int heads, int shared, int headWidth, int[] lengths)
    {
        Random random = new(seed);
        int rows = lengths.Sum();
        List<RowSpan> spans = [];
        foreach (int length in lengths) spans.Add(new RowSpan(spans.Sum(span => span.Length), length));
        Variable queries = GradientCheck.Parameter(random, rows, heads * headWidth), keys = GradientCheck.Parameter(random, rows, shared * headWidth), values = GradientCheck.Parameter(random, rows, shared * headWidth);
        GradientCheck.Compare(random, [queries, keys, values], tape => tape.Attention(queries, keys, values, headWidth, 0.7f, spans));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Softmax_and_cross_entropy(int seed)
    {
        (Random random, int rows, int width) = Shape(seed);
        int classes = random.Next(1, 40);
        Variable logits = GradientCheck.Parameter(random, rows, classes), x = GradientCheck.Parameter(random, rows, width), weight = GradientCheck.Parameter(random, classes, width);
        Targets targets = new([.. Enumerable.Range(0, rows).Select(_ => random.Next(-1, classes))], [.. Enumerable.Range(0, rows).Select(_ => random.NextSingle() + 0.1f)]);
        GradientCheck.Compare(random, [logits], tape => tape.Softmax(logits));
        GradientCheck.Compare(random, [logits], tape => tape.CrossEntropy(logits, targets));
        GradientCheck.Compare(random, [x, weight], tape => tape.LinearCrossEntropy(x, weight, targets));
        GradientCheck.Compare(random, [x, weight], tape => tape.CrossEntropy(tape.Linear(x, weight), targets));
    }

    private static (Random Random, int Rows, int Width) Shape(int seed)
    {
        Random random = new(seed);
        return (random, random.Next(1, 10), random.Next(1, 20));
    }
}
