using System.Globalization;

namespace Microtome.Models;

/// <summary>The places in a forward pass where activations can be read and changed, under TransformerLens's names.</summary>
public enum HookPoint
{
    Embed,
    PositionEmbed,
    ResidPre,
    AttentionNormScale,
    AttentionNormalized,
    Query,
    Key,
    Value,
    RotatedQuery,
    RotatedKey,
    AttentionScores,
    AttentionPattern,
    HeadOutput,
    AttentionPostNormScale,
    AttentionOut,
    ResidMid,
    MlpNormScale,
    MlpNormalized,
    MlpIn,
    MlpPre,
    MlpPreLinear,
    MlpPost,
    MlpRawOut,
    MlpPostNormScale,
    MlpOut,
    ResidPost,
    FinalNormScale,
    FinalNormalized,
    UnembedIn,
}

/// <summary>Hook points by name.</summary>
public static class HookNames
{
    private const string Layers = "blocks.";

    private static readonly string[] Names =
    [
        "hook_embed", "hook_pos_embed",
        "hook_resid_pre", "ln1.hook_scale", "ln1.hook_normalized", "attn.hook_q", "attn.hook_k", "attn.hook_v", "attn.hook_rot_q", "attn.hook_rot_k",
        "attn.hook_attn_scores", "attn.hook_pattern", "attn.hook_z", "ln1_post.hook_scale", "hook_attn_out", "hook_resid_mid",
        "ln2.hook_scale", "ln2.hook_normalized", "mlp.hook_in", "mlp.hook_pre", "mlp.hook_pre_linear", "mlp.hook_post", "mlp.hook_out",
        "ln2_post.hook_scale", "hook_mlp_out", "hook_resid_post",
        "ln_final.hook_scale", "ln_final.hook_normalized", "unembed.hook_pre",
    ];

    /// <summary>The name within a layer, as dictionaries' configurations give it, or within the model for points outside the layers.</summary>
    public static string Name(this HookPoint point) => Names[(int)point];

    /// <summary>The whole name, such as <c>blocks.3.hook_resid_mid</c>.</summary>
    public static string FullName(this HookPoint point, int layer) => point.IsInLayer() ? $"blocks.{layer}.{point.Name()}" : point.Name();

    public static bool IsInLayer(this HookPoint point) => point is >= HookPoint.ResidPre and <= HookPoint.ResidPost;

    /// <summary>The point with this name within a layer.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists those there are.</exception>
    public static HookPoint ParsePoint(string name)
    {
        int index = Array.IndexOf(Names, name);
        return index >= 0 ? (HookPoint)index : throw new ArgumentException($"There is no hook '{name}'; there are {string.Join(", ", Names)}.", nameof(name));
    }

    /// <summary>The point and layer of a whole name, whatever the model; the layer is 0 for points outside the layers.</summary>
    /// <exception cref="ArgumentException">It is no hook's name.</exception>
    public static (HookPoint Point, int Layer) Split(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return TrySplit(name, out string rest, out int layer) ? (ParsePoint(rest), layer) : throw new ArgumentException($"The hook '{name}' names no layer; whole names are such as blocks.3.hook_resid_post.", nameof(name));
    }

    /// <summary>The point and layer of a whole name; the layer is 0 for points outside the layers.</summary>
    /// <exception cref="ArgumentException">The model has no such point; the message lists those there are.</exception>
    public static (HookPoint Point, int Layer) Parse(string name, ModelSpecification model)
    {
        if (!TrySplit(name, out string rest, out int layer) || layer >= model.Layers.Count)
            throw new ArgumentException($"The hook '{name}' names no layer; the model's are blocks.0 to blocks.{model.Layers.Count - 1}.", nameof(name));
        HookPoint point = ParsePoint(rest);
        bool inLayer = name.StartsWith(Layers, StringComparison.Ordinal);
        HookPoint[] available = [.. Available(model)];
        if (point.IsInLayer() != inLayer || !available.Contains(point))
            throw new ArgumentException($"A {model.Family} model has no hook '{name}'; it has {string.Join(", ", available.Select(p => p.IsInLayer() ? $"blocks.N.{p.Name()}" : p.Name()))}.", nameof(name));
        return (point, layer);
    }

    /// <summary>The layer of a name, and the rest; 0 and all of it where it names none.</summary>
    private static bool TrySplit(string name, out string rest, out int layer)
    {
        (rest, layer) = (name, 0);
        if (!name.StartsWith(Layers, StringComparison.Ordinal)) return true;
        int dot = name.IndexOf('.', Layers.Length);
        if (dot < 0 || !int.TryParse(name.AsSpan(Layers.Length, dot - Layers.Length), NumberStyles.None, CultureInfo.InvariantCulture, out layer)) return false;
        rest = name[(dot + 1)..];
        return true;
    }

    /// <summary>How many values a model has at a point for each token; nothing for attention's scores and patterns.</summary>
    public static int? WidthAt(this ModelSpecification model, HookPoint point) => point switch
    {
        HookPoint.AttentionScores or HookPoint.AttentionPattern => null,
        HookPoint.AttentionNormScale or HookPoint.AttentionPostNormScale or HookPoint.MlpNormScale or HookPoint.MlpPostNormScale or HookPoint.FinalNormScale => 1,
        HookPoint.Query or HookPoint.RotatedQuery or HookPoint.HeadOutput => model.Attention.Heads * model.Attention.HeadWidth,
        HookPoint.Key or HookPoint.RotatedKey or HookPoint.Value => model.Attention.KeyValueHeads * model.Attention.HeadWidth,
        HookPoint.MlpPre or HookPoint.MlpPreLinear or HookPoint.MlpPost => model.Mlp.Width,
        _ => model.ModelWidth,
    };

    /// <summary>The points that a model passes through.</summary>
    public static IEnumerable<HookPoint> Available(ModelSpecification model) => Enum.GetValues<HookPoint>().Where(point => point switch
    {
        HookPoint.PositionEmbed => model.LearnedPositions,
        HookPoint.AttentionNormScale or HookPoint.AttentionNormalized or HookPoint.MlpNormScale or HookPoint.MlpNormalized => model.Norm.Placement.HasFlag(NormPlacement.Before),
        HookPoint.AttentionPostNormScale or HookPoint.MlpPostNormScale => model.Norm.Placement.HasFlag(NormPlacement.After),
        HookPoint.RotatedQuery or HookPoint.RotatedKey => model.Layers.Any(layer => layer.Rotary is not null),
        HookPoint.ResidMid => !model.ParallelResidual,
        HookPoint.MlpPre or HookPoint.MlpPost => model.Mlp.Experts is null,
        HookPoint.MlpPreLinear => model.Mlp.Gated && model.Mlp.Experts is null,
        _ => true,
    });
}
