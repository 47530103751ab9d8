using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>Runs a model and reads an autoencoder at its hook.</summary>
public static class AutoencoderReading
{
    /// <summary>The latents that are active on tokens, by position and then by latent. The first position, where an attention sink stands, is left out.</summary>
    /// <exception cref="InvalidDataException">The autoencoder does not fit the model; the message says how.</exception>
    public static List<ActiveFeature> Read(Transformer model, SparseAutoencoder autoencoder, int[] tokens, ForwardHooks? hooks = null, CancellationToken cancellation = default)
    {
        (HookPoint point, int layer, _, _) = autoencoder.FindHooks(model.Specification);
        List<ActiveFeature> active = [];
        ForwardHooks all = new ForwardHooks().Add(hooks ?? new ForwardHooks()).Add(point, layer, (activation, _) => active = autoencoder.EncodeSparse(activation.AsMatrix()));
        model.Forward(tokens, all, logits: LogitRows.None, cancellation: cancellation);
        active.RemoveAll(feature => feature.Position == 0);
        return active;
    }
}
