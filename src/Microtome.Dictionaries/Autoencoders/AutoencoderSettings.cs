using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>What an autoencoder does to each position's input before its encoder, and undoes after its decoder.</summary>
public enum InputNormalization
{
    None,

    /// <summary>Subtracts the mean and divides by the standard deviation plus 1e-5.</summary>
    LayerNorm,

    /// <summary>Scales to a norm of √width.</summary>
    ConstantNorm,
}

/// <summary>Where an autoencoder belongs, and what its files say of it beside its weights.</summary>
public sealed record AutoencoderSettings
{
    /// <summary>As SAELens calls it: standard, gated, jumprelu, topk, transcoder, skip_transcoder, ….</summary>
    public required string Architecture { get; init; }

    /// <summary>The model that it was trained on.</summary>
    public string? ModelName { get; init; }

    /// <summary>The whole name of the hook whose activations it reads, such as <c>blocks.3.hook_resid_post</c>.</summary>
    public string? HookName { get; init; }

    /// <summary>The hook whose activations it predicts, where it is another: of a transcoder.</summary>
    public string? OutputHookName { get; init; }

    public InputNormalization Normalization { get; init; }

    /// <summary>Whether the decoder's bias is subtracted from the input before encoding.</summary>
    public bool SubtractsDecoderBias { get; init; }

    /// <summary>Whether activations count in units of their decoder row's norm: pre-activations are multiplied by it before the largest are chosen, and decoding divides by it.</summary>
    public bool ScalesByDecoderNorm { get; init; }

    /// <summary>Whether it reads and writes something other than its input's hook.</summary>
    public bool IsTranscoder => Architecture.Contains("transcoder", StringComparison.Ordinal);
}
