using System.Numerics.Tensors;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Circuits;

/// <summary>A source of a steered prompt's graph: what steering added to the stream in a layer at a position.</summary>
/// <param name="Norm">The length of what was added.</param>
public readonly record struct InjectionNode(int Layer, int Position, float Norm);

/// <summary>
/// What steering changed, measured as the difference that its hooks made. Whatever the steering does - add a vector, set a latent, take a
/// direction out - the difference is held fixed and is a source of its own for each layer and position, so that the rest of the graph is
/// the model's own linear map. What steering changed in the embedding belongs to the tokens.
/// </summary>
internal sealed class Injections
{
    private readonly Tensor?[] _afterAttention;
    private readonly Tensor?[] _atOutput;
    private readonly Tensor?[] _afterMlp;

    public Injections(int layers)
    {
        _afterAttention = new Tensor?[layers];
        _atOutput = new Tensor?[layers];
        _afterMlp = new Tensor?[layers];
    }

    /// <summary>Where there is a difference at all, by layer and position.</summary>
    public IReadOnlyList<InjectionNode> Nodes { get; private set; } = [];

    /// <summary>What was added to the embeddings [positions, width].</summary>
    public Tensor? Embedding { get; private set; }

    /// <summary>What was added to attention's output [positions, width].</summary>
    public Tensor? AfterAttention(int layer) => _afterAttention[layer];

    /// <summary>What was added where transcoders write [positions, width].</summary>
    public Tensor? AtOutput(int layer) => _atOutput[layer];

    /// <summary>What was added to the stream after that [positions, width].</summary>
    public Tensor? AfterMlp(int layer) => _afterMlp[layer];

    /// <summary>Adds steering's hooks, and others before and after them that measure what they change.</summary>
    public void Watch(ForwardHooks hooks, ForwardHooks steering, HookPoint output)
    {
        Tensor? before = null;
        void Around(HookPoint point, int layer, bool start, Func<HookContext, Tensor?> get, Action<HookContext, Tensor?> set) => hooks.Add(point, layer, (x, at) =>
        {
            if (start) before = x.Clone();
            else set(at, Sum(get(at), Difference(x, before!)));
        });

        foreach (bool start in new[] { true, false })
        {
            Around(HookPoint.Embed, 0, start, _ => Embedding, (_, added) => Embedding = added);
            for (int layer = 0; layer < _afterMlp.Length; layer++)
            {
                Around(HookPoint.AttentionOut, layer, start, at => _afterAttention[at.Layer], (at, added) => _afterAttention[at.Layer] = added);
                Around(output, layer, start, at => _atOutput[at.Layer], (at, added) => _atOutput[at.Layer] = added);
                if (output != HookPoint.MlpOut) Around(HookPoint.MlpOut, layer, start, at => _afterMlp[at.Layer], (at, added) => _afterMlp[at.Layer] = added);
                Around(HookPoint.ResidPost, layer, start, at => _afterMlp[at.Layer], (at, added) => _afterMlp[at.Layer] = added);
            }
            if (start) hooks.Add(steering);
        }
    }

    /// <summary>Finds the nodes, when the pass is done.</summary>
    public void Finish(int positions)
    {
        List<InjectionNode> nodes = [];
        for (int layer = 0; layer < _afterMlp.Length; layer++)
            for (int position = 0; position < positions; position++)
            {
                float squares = 0;
                foreach (Tensor? part in new[] { _afterAttention[layer], _atOutput[layer], _afterMlp[layer] })
                    if (part is not null) squares += VectorOperations.SumOfSquares(part.Row(position));
                if (squares > 0) nodes.Add(new InjectionNode(layer, position, MathF.Sqrt(squares)));
            }
        Nodes = nodes;
    }

    private static Tensor? Difference(Tensor after, Tensor before)
    {
        if (after.Span.SequenceEqual(before.Span)) return null;
        TensorPrimitives.Subtract(after.Span, before.Span, before.Span);
        return before;
    }

    private static Tensor? Sum(Tensor? x, Tensor? y)
    {
        if (x is not null && y is not null) TensorPrimitives.Add(x.Span, y.Span, x.Span);
        return x ?? y;
    }
}
