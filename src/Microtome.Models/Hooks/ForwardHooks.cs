using Microtome.Numerics;

namespace Microtome.Models;

/// <summary>Where in a batch an activation comes from.</summary>
/// <param name="Layer">0 for points outside the layers.</param>
/// <param name="Sequence">Which sequence, for attention scores and patterns [heads, queries, keys]; other activations hold all sequences' rows, one after the other, and have 0 here.</param>
/// <param name="Sequences">Which rows are which sequences' and where in their sequences these stand.</param>
public readonly record struct HookContext(HookPoint Point, int Layer, int Sequence, IReadOnlyList<TokenSpan> Sequences);

/// <summary>Reads or changes an activation in place.</summary>
/// <param name="activation">[rows, …]: a row for each token, or [heads, queries, keys]</param>
public delegate void ForwardHook(Tensor activation, HookContext context);

/// <summary>What to call at which points of a forward pass. Hooks of one point run in the order in which they were added.</summary>
public sealed class ForwardHooks
{
    private static readonly int Points = Enum.GetValues<HookPoint>().Length;
    private readonly List<ForwardHook>?[]?[] _hooks = new List<ForwardHook>?[]?[Points]; // by point and layer

    public ForwardHooks Add(HookPoint point, int layer, ForwardHook hook)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ref List<ForwardHook>?[]? layers = ref _hooks[(int)point];
        if (layers is null || layers.Length <= layer) Array.Resize(ref layers, layer + 1);
        (layers[layer] ??= []).Add(hook);
        return this;
    }

    /// <param name="name">A whole name, such as <c>blocks.3.hook_resid_mid</c>.</param>
    /// <exception cref="ArgumentException">The model has no such point; the message lists those there are.</exception>
    public ForwardHooks Add(string name, ModelSpecification model, ForwardHook hook)
    {
        (HookPoint point, int layer) = HookNames.Parse(name, model);
        return Add(point, layer, hook);
    }

    /// <summary>Adds all of another's hooks after these.</summary>
    public ForwardHooks Add(ForwardHooks other)
    {
        for (int point = 0; point < Points; point++)
            for (int layer = 0; layer < (other._hooks[point]?.Length ?? 0); layer++)
                foreach (ForwardHook hook in other._hooks[point]![layer] ?? []) Add((HookPoint)point, layer, hook);
        return this;
    }

    internal List<ForwardHook>? At(HookPoint point, int layer) => _hooks[(int)point] is { } layers && (uint)layer < (uint)layers.Length ? layers[layer] : null;
}

/// <summary>Calls the hooks of a forward pass, if there are any.</summary>
internal readonly struct HookRunner(ForwardHooks? hooks, TokenBatch batch)
{
    public bool Has(HookPoint point, int layer) => hooks?.At(point, layer) is not null;

    public void Run(HookPoint point, int layer, Tensor activation, int sequence = 0)
    {
        if (hooks?.At(point, layer) is not { } list) return;
        foreach (ForwardHook hook in list) hook(activation, new HookContext(point, layer, sequence, batch.Sequences));
    }
}
