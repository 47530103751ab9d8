using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>What an autoencoder's files say about its weights before they are looked at.</summary>
internal sealed record SaeLensConfiguration
{
    private static readonly string[] Known =
        ["standard", "gated", "jumprelu", "topk", "batchtopk", "matryoshka_batchtopk", "transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder", "matching_pursuit"];

    public required AutoencoderSettings Settings { get; init; }

    public int? InputWidth { get; init; }

    public int? OutputWidth { get; init; }

    public int? Latents { get; init; }

    /// <summary>Of TopK.</summary>
    public int? K { get; init; }

    /// <summary>Of an autoencoder that chooses its latents one at a time.</summary>
    public MatchingPursuit? ChoosesOneByOne { get; init; }

    /// <summary>Whether the weights' <c>scaling_factor</c> multiplies activations when decoding (before SAELens 6).</summary>
    public bool HasScalingFactor { get; init; }

    /// <exception cref="InvalidDataException">The file is damaged or asks for what is not known; the message names the key and the value.</exception>
    public static SaeLensConfiguration Load(string path) => ConfigurationElement.Read(path, Parse);

    private static SaeLensConfiguration Parse(ConfigurationElement root)
    {
        // Before SAELens 6 everything was at the top and some keys had other names.
        ConfigurationElement? metadata = root.Object("metadata");
        string architecture = root.String("architecture") ?? "standard";
        string? oldActivation = root.String("activation_fn_str") ?? root.String("activation_fn");
        int? k = root.Object("activation_fn_kwargs")?.OptionalInt("k");
        if (architecture == "standard" && oldActivation == "topk" && k is not null) architecture = "topk";
        if (!Known.Contains(architecture))
            throw new InvalidDataException($"{root.Path}: the architecture '{architecture}' is not known; known are {string.Join(", ", Known)}.");
        bool transcoder = architecture.Contains("transcoder", StringComparison.Ordinal), batch = architecture.EndsWith("batchtopk", StringComparison.Ordinal);
        if (architecture == "standard" && oldActivation is not (null or "relu"))
            throw new InvalidDataException($"{root.Path}: the activation '{oldActivation}' is not known; known are relu and topk.");
        if (root.OptionalBool("normalize_decoder") == true) throw new InvalidDataException($"{root.Path}: normalize_decoder is true, which is not supported.");
        return new SaeLensConfiguration
        {
            Settings = new AutoencoderSettings
            {
                Architecture = architecture,
                ModelName = Text("model_name"),
                HookName = Text("hook_name") ?? Text("hook_point"),
                OutputHookName = transcoder ? Text("hook_name_out") : null,
                Normalization = Normalization(root),
                SubtractsDecoderBias = !transcoder && (root.OptionalBool("apply_b_dec_to_input") ?? true),
                ScalesByDecoderNorm = (architecture == "topk" || batch) && (root.OptionalBool("rescale_acts_by_decoder_norm") ?? batch),
            },
            InputWidth = root.Size("d_in"),
            OutputWidth = transcoder ? root.Size("d_out", 768) : null,
            Latents = root.Size("d_sae"),
            K = architecture == "topk" ? k ?? root.Size("k", 100) : null,
            ChoosesOneByOne = architecture == "matching_pursuit" ? Pursuit(root) : null,
            HasScalingFactor = root.OptionalBool("finetuning_scaling_factor") ?? false,
        };

        string? Text(string key) => metadata?.String(key) ?? root.String(key);
    }

    private static MatchingPursuit Pursuit(ConfigurationElement root)
    {
        int? most = root.IsNull("max_iterations") ? null : root.OptionalInt("max_iterations");
        if (most is < 1) throw new InvalidDataException($"{root.Path}: max_iterations is {most}; it must be at least 1.");
        return new MatchingPursuit((float)(root.OptionalDouble("residual_threshold") ?? 1e-2), most, root.OptionalBool("stop_on_duplicate_support") ?? true);
    }

    private static InputNormalization Normalization(ConfigurationElement root) => root.Scalar("normalize_activations") switch
    {
        // The average is folded into the weights where it is known; where not, activations are taken as they are.
        null or "none" or "false" or "true" or "expected_average_only_in" => InputNormalization.None,
        "layer_norm" => InputNormalization.LayerNorm,
        "constant_norm_rescale" => InputNormalization.ConstantNorm,
        { } other => throw new InvalidDataException($"{root.Path}: normalize_activations is '{other}'; known are none, expected_average_only_in, layer_norm and constant_norm_rescale."),
    };
}
