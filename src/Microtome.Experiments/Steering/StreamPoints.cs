using Microtome.Dictionaries;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>Which hook points hold directions of the residual stream: it itself, and what is added to it.</summary>
public static class StreamPoints
{
    /// <summary>Whether what is added there is added to a model's stream as it is: behind the MLP's own norm it is not.</summary>
    public static bool Adds(HookPoint point, ModelSpecification model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return IsDirection(point) && !(point == HookPoint.MlpRawOut && model.Norm.Placement.HasFlag(NormPlacement.After));
    }

    /// <summary>The layer after which the stream has what an autoencoder's latents write.</summary>
    /// <exception cref="ArgumentException">It names no hook, or its latents write into something else than the stream.</exception>
    public static int LayerAfter(SparseAutoencoder autoencoder)
    {
        ArgumentNullException.ThrowIfNull(autoencoder);
        string name = autoencoder.Settings.OutputHookName ?? autoencoder.Settings.HookName ?? throw new ArgumentException("The autoencoder's configuration names no hook (metadata.hook_name), so that it is not known where it writes.");
        (HookPoint point, int layer) = HookNames.Split(name);
        if (!IsDirection(point)) throw new ArgumentException($"The autoencoder's latents write at {name}, which is not the stream: they are no directions to add to it. They can be set (=VALUE) and scaled (*FACTOR).");
        return point == HookPoint.ResidPre ? Math.Max(0, layer - 1) : layer;
    }

    private static bool IsDirection(HookPoint point) =>
        point is HookPoint.Embed or HookPoint.ResidPre or HookPoint.AttentionOut or HookPoint.ResidMid or HookPoint.MlpRawOut or HookPoint.MlpOut or HookPoint.ResidPost;
}
