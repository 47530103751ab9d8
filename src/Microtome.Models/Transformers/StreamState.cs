using Microtome.Numerics;

namespace Microtome.Models;

/// <summary>The residual stream as it left a layer, before that layer's <see cref="HookPoint.ResidPost"/> hooks: where a forward pass can go on.</summary>
/// <param name="Stream">[rows, width]; changed by the pass.</param>
public sealed record StreamState(int Layer, Tensor Stream);
