using System.Numerics.Tensors;
using Microtome.Numerics;

namespace Microtome.Models;

/// <summary>What a layer computes on each position by itself.</summary>
internal abstract class Mlp
{
    /// <param name="x">[rows, width]</param>
    /// <returns>[rows, width]</returns>
    public abstract Tensor Apply(Tensor x, HookRunner hooks, int layer);

    public static Mlp Load(WeightReader reader, int layer) => reader.Model.Mlp.Experts is null ? DenseMlp.LoadDense(reader, layer) : ExpertMlp.LoadExperts(reader, layer);
}

/// <summary><c>activation(x·W_up)·W_down</c>, or <c>(activation(x·W_gate) ∘ x·W_up)·W_down</c></summary>
internal sealed class DenseMlp(Activation activation, Linear? gate, Linear up, Linear down) : Mlp
{
    public static DenseMlp LoadDense(WeightReader reader, int layer)
    {
        ModelSpecification model = reader.Model;
        MlpSpecification mlp = model.Mlp;
        return new DenseMlp(
            mlp.Activation,
            mlp.Gated ? reader.Linear(model.Names.Gate, layer, model.ModelWidth, mlp.Width, mlp.Bias) : null,
            reader.Linear(model.Names.Up, layer, model.ModelWidth, mlp.Width, mlp.Bias),
            reader.Linear(model.Names.Down, layer, mlp.Width, model.ModelWidth, mlp.Bias));
    }

    public override Tensor Apply(Tensor x, HookRunner hooks, int layer)
    {
        Tensor hidden = (gate ?? up).Apply(x); // [rows, hidden]
        hooks.Run(HookPoint.MlpPre, layer, hidden);
        WorkerPool.For(hidden.Rows, row => activation.Apply(hidden.Row(row)));
        if (gate is not null)
        {
            Tensor linear = up.Apply(x);
            hooks.Run(HookPoint.MlpPreLinear, layer, linear);
            TensorPrimitives.Multiply(hidden.Span, linear.Span, hidden.Span);
        }
        hooks.Run(HookPoint.MlpPost, layer, hidden);
        return down.Apply(hidden);
    }
}

/// <summary>gpt-oss's mixture of experts: each token's output is the weighted sum of a few experts' outputs.</summary>
internal sealed class ExpertMlp(ExpertSpecification experts, Linear router, Linear[] gateUp, Linear[] down) : Mlp
{
    public static ExpertMlp LoadExperts(WeightReader reader, int layer)
    {
        ModelSpecification model = reader.Model;
        ExpertSpecification experts = model.Mlp.Experts!;
        int width = model.ModelWidth, hidden = model.Mlp.Width;
        return new ExpertMlp(
            experts,
            reader.Linear(model.Names.Router, layer, width, experts.Count, bias: true),
            Stack(reader, layer, model.Names.ExpertGateUp, experts.Count, width, 2 * hidden),
            Stack(reader, layer, model.Names.ExpertDown, experts.Count, hidden, width));
    }

    public override Tensor Apply(Tensor x, HookRunner hooks, int layer)
    {
        Tensor scores = router.Apply(x); // [rows, experts]
        Tensor result = new(x.Rows, x.Columns);
        List<(int Row, float Weight)>[] sent = new List<(int, float)>[experts.Count];
        for (int expert = 0; expert < sent.Length; expert++) sent[expert] = [];
        for (int row = 0; row < x.Rows; row++)
            foreach ((int expert, float weight) in Route(scores.Row(row))) sent[expert].Add((row, weight));

        for (int expert = 0; expert < sent.Length; expert++)
        {
            List<(int Row, float Weight)> rows = sent[expert];
            if (rows.Count == 0) continue;
            Tensor input = Tensor.Uninitialized(rows.Count, x.Columns);
            for (int i = 0; i < rows.Count; i++) x.Row(rows[i].Row).CopyTo(input.Row(i));
            Tensor output = down[expert].Apply(Gate(gateUp[expert].Apply(input)));
            for (int i = 0; i < rows.Count; i++)
                TensorPrimitives.MultiplyAdd(output.Row(i), rows[i].Weight, result.Row(rows[i].Row), result.Row(rows[i].Row));
        }
        return result;
    }

    /// <summary>The experts with the highest scores, ties to the lower, and the softmax over those scores.</summary>
    private IEnumerable<(int Expert, float Weight)> Route(Span<float> scores)
    {
        float[] values = scores.ToArray();
        int[] chosen = new int[experts.PerToken];
        VectorOperations.TopK(values, chosen);
        float[] weights = Array.ConvertAll(chosen, expert => values[expert]);
        VectorOperations.Softmax(weights);
        return chosen.Zip(weights);
    }

    /// <param name="gateUp">[rows, 2 · hidden]: gates and hidden units in turn</param>
    private Tensor Gate(Tensor gateUp)
    {
        Tensor hidden = Tensor.Uninitialized(gateUp.Rows, gateUp.Columns / 2);
        for (int row = 0; row < hidden.Rows; row++)
        {
            Span<float> source = gateUp.Row(row), target = hidden.Row(row);
            for (int i = 0; i < target.Length; i++)
            {
                float gate = MathF.Min(source[2 * i], experts.GateLimit);
                float up = Math.Clamp(source[2 * i + 1], -experts.GateLimit, experts.GateLimit);
                target[i] = (up + 1) * gate / (1 + MathF.Exp(-experts.GateSlope * gate));
            }
        }
        return hidden;
    }

    /// <summary>Matrices stored as one tensor [experts, in, out] with biases [experts, out].</summary>
    private static Linear[] Stack(WeightReader reader, int layer, string name, int count, int inputs, int outputs)
    {
        StoredTensor weights = reader.GetAt(name, layer, count, inputs, outputs), biases = reader.GetAt(name + "_bias", layer, count, outputs);
        return [.. Enumerable.Range(0, count).Select(expert => new Linear(weights[expert].AsMatrix(), biases[expert].ToTensor()))];
    }
}
