namespace Microtome.Models;

/// <summary>The supported families: for each, how its configuration and its tensor names map to a specification. Defaults are those of the published configuration classes.</summary>
internal static class ModelFamilies
{
    public static IReadOnlyDictionary<string, Func<ConfigurationElement, ModelSpecification>> All { get; } = new Dictionary<string, Func<ConfigurationElement, ModelSpecification>>
    {
        ["qwen3"] = Qwen3,
        ["qwen2"] = Qwen2,
        ["llama"] = Llama,
        ["mistral"] = Mistral,
        ["gemma2"] = Gemma2,
        ["gemma3_text"] = Gemma3,
        ["gemma3"] = Gemma3,
        ["gpt2"] = Gpt2,
        ["gpt_neox"] = GptNeoX,
        ["olmo2"] = Olmo2,
        ["gpt_oss"] = GptOss,
    };

    private const int MostLayers = 4096;

    private static readonly string[] DecoderPrefixes = ["model.", "", "model.language_model.", "language_model.model."];

    private static readonly WeightNames PreNormNames = new()
    {
        Prefixes = DecoderPrefixes,
        Embedding = "embed_tokens",
        FinalNorm = "norm",
        NormBeforeAttention = "layers.{0}.input_layernorm",
        NormBeforeMlp = "layers.{0}.post_attention_layernorm",
    };

    private static readonly WeightNames SandwichNames = PreNormNames with
    {
        NormAfterAttention = "layers.{0}.post_attention_layernorm",
        NormBeforeMlp = "layers.{0}.pre_feedforward_layernorm",
        NormAfterMlp = "layers.{0}.post_feedforward_layernorm",
    };

    private static ModelSpecification Llama(ConfigurationElement c)
    {
        ModelSpecification model = Decoder(c, tied: false, Activation.Silu);
        bool bias = c.OptionalBool("attention_bias") ?? false;
        return model with
        {
            Attention = model.Attention with { QueryKeyValueBias = bias, OutputBias = bias },
            Mlp = model.Mlp with { Bias = c.OptionalBool("mlp_bias") ?? false },
            Layers = Layers(c, model),
            BeginningOfText = 1,
            EndOfText = [2],
        };
    }

    private static ModelSpecification Mistral(ConfigurationElement c)
    {
        ModelSpecification model = Decoder(c, tied: false, Activation.Silu, keyValueHeads: 8, contextLength: 131_072);
        return model with { Layers = Layers(c, model, _ => true, Window(c, 4096)), BeginningOfText = 1, EndOfText = [2] };
    }

    private static ModelSpecification Qwen2(ConfigurationElement c)
    {
        ModelSpecification model = Decoder(c, tied: false, Activation.Silu, keyValueHeads: 32, contextLength: 32_768);
        return model with
        {
            Attention = model.Attention with { QueryKeyValueBias = true },
            Layers = QwenLayers(c, model),
        };
    }

    private static ModelSpecification Qwen3(ConfigurationElement c)
    {
        ModelSpecification model = Decoder(c, tied: false, Activation.Silu, keyValueHeads: 32, headWidth: 128, contextLength: 32_768);
        bool bias = c.OptionalBool("attention_bias") ?? false;
        return model with
        {
            Attention = model.Attention with { QueryKeyNorm = QueryKeyNorm.PerHead, QueryKeyValueBias = bias, OutputBias = bias },
            Layers = QwenLayers(c, model),
        };
    }

    private static LayerSpecification[] QwenLayers(ConfigurationElement c, ModelSpecification model)
    {
        int? window = c.OptionalBool("use_sliding_window") == true ? Window(c, 4096) : null;
        int first = c.OptionalInt("max_window_layers") ?? 28;
        return Layers(c, model, layer => layer >= first, window);
    }

    private static ModelSpecification Olmo2(ConfigurationElement c)
    {
        ModelSpecification model = Decoder(c, tied: false, Activation.Silu, epsilon: 1e-5f);
        bool bias = c.OptionalBool("attention_bias") ?? false;
        return model with
        {
            Norm = model.Norm with { Placement = NormPlacement.After },
            Attention = model.Attention with { QueryKeyNorm = QueryKeyNorm.AllHeads, QueryKeyValueBias = bias, OutputBias = bias },
            Layers = Layers(c, model),
            EndOfText = [50_279],
            Padding = 1,
            Names = PreNormNames with
            {
                NormBeforeAttention = null,
                NormBeforeMlp = null,
                NormAfterAttention = "layers.{0}.post_attention_layernorm",
                NormAfterMlp = "layers.{0}.post_feedforward_layernorm",
            },
        };
    }

    private static ModelSpecification Gemma2(ConfigurationElement c)
    {
        ModelSpecification model = Gemma(c, vocabulary: 256_000, contextLength: 8192);
        return model with
        {
            Attention = model.Attention with { SoftCap = SoftCap(c, "attn_logit_softcapping", 50) },
            LogitSoftCap = SoftCap(c, "final_logit_softcapping", 30),
            Layers = Layers(c, model, layer => layer % 2 == 0, Window(c, 4096)),
        };
    }

    private static ModelSpecification Gemma3(ConfigurationElement c)
    {
        ModelSpecification model = Gemma(c, vocabulary: 262_208, contextLength: 131_072);
        int pattern = c.Has("sliding_window_pattern") ? c.Size("sliding_window_pattern") : c.Size("_sliding_window_pattern", 6);
        if (c.OptionalBool("use_bidirectional_attention") == true)
            throw new InvalidDataException($"{c.Path}: use_bidirectional_attention is true; only models that attend to what came before are supported.");
        return model with
        {
            Attention = model.Attention with { QueryKeyNorm = QueryKeyNorm.PerHead, SoftCap = SoftCap(c, "attn_logit_softcapping", 0) },
            LogitSoftCap = SoftCap(c, "final_logit_softcapping", 0),
            Layers = Layers(c, model, layer => (layer + 1) % pattern != 0, Window(c, 4096), theta: 1_000_000, localTheta: c.Positive("rope_local_base_freq", 10_000)),
        };
    }

    private static ModelSpecification Gemma(ConfigurationElement c, int vocabulary, int contextLength)
    {
        ModelSpecification model = Decoder(c, tied: true, Activation.GeluTanh, activationKey: "hidden_activation",
            width: 2304, mlpWidth: 9216, layers: 26, heads: 8, keyValueHeads: 4, headWidth: 256, vocabulary: vocabulary, contextLength: contextLength);
        bool bias = c.OptionalBool("attention_bias") ?? false;
        return model with
        {
            Norm = model.Norm with { Placement = NormPlacement.BeforeAndAfter, UnitOffset = true },
            Attention = model.Attention with { Scale = 1 / MathF.Sqrt((float)c.Positive("query_pre_attn_scalar", 256)), QueryKeyValueBias = bias, OutputBias = bias },
            EmbeddingScale = MathF.Sqrt(model.ModelWidth),
            Names = SandwichNames,
            BeginningOfText = 2,
            EndOfText = [1],
            Padding = 0,
        };
    }

    private static ModelSpecification GptOss(ConfigurationElement c)
    {
        ModelSpecification model = Decoder(c, tied: false, Activation.Silu, epsilon: 1e-5f, keyValueHeads: 8, headWidth: 64, contextLength: 131_072);
        if (!c.Has("rope_parameters") && !c.Has("rope_scaling"))
            throw c.Missing("rope_parameters"); // no gpt-oss model rotates without YaRN
        bool bias = c.OptionalBool("attention_bias") ?? true;
        int experts = c.Has("num_local_experts") ? c.Size("num_local_experts") : c.Size("num_experts", 128);
        int perToken = c.Has("num_experts_per_tok") ? c.Size("num_experts_per_tok") : c.Size("experts_per_token", 4);
        if (perToken > experts) throw new InvalidDataException($"{c.Path}: num_experts_per_tok is {perToken} of {experts} experts.");
        return model with
        {
            Attention = model.Attention with { Sinks = true, QueryKeyValueBias = bias, OutputBias = bias },
            Mlp = model.Mlp with { Bias = true, Experts = new ExpertSpecification(experts, perToken, (float)c.Positive("swiglu_limit", 7), (float)c.Positive("swiglu_alpha", 1.702)) },
            Layers = Layers(c, model, layer => layer % 2 == 0, Window(c, 128), theta: 150_000),
        };
    }

    private static ModelSpecification Gpt2(ConfigurationElement c)
    {
        int width = c.Size("n_embd", 768), heads = c.Size("n_head", 12), layers = c.Size("n_layer", 12, MostLayers), headWidth = Divide(c, width, heads);
        bool scaled = c.OptionalBool("scale_attn_weights") ?? true, byLayer = c.OptionalBool("scale_attn_by_inverse_layer_idx") ?? false;
        return new ModelSpecification
        {
            Family = "gpt2",
            VocabularySize = c.Size("vocab_size", 50_257),
            ContextLength = c.Has("n_positions") ? c.Size("n_positions") : c.Size("n_ctx", 1024),
            ModelWidth = width,
            Norm = new NormSpecification(NormKind.Layer, Epsilon(c, "layer_norm_epsilon", 1e-5f)),
            Attention = new AttentionSpecification
            {
                Heads = heads,
                KeyValueHeads = heads,
                HeadWidth = headWidth,
                Scale = scaled ? 1 / MathF.Sqrt(headWidth) : 1,
                QueryKeyValueBias = true,
                OutputBias = true,
            },
            Mlp = new MlpSpecification { Width = c.Size("n_inner", 4 * width), Activation = ActivationOf(c, "activation_function", Activation.GeluTanh), Bias = true },
            Layers = [.. Enumerable.Range(0, layers).Select(layer => new LayerSpecification { ScaleDivisor = byLayer ? layer + 1 : 1 })],
            LearnedPositions = true,
            BeginningOfText = 50_256,
            EndOfText = [50_256],
            TiedUnembedding = c.OptionalBool("tie_word_embeddings") ?? true,
            Names = new WeightNames
            {
                Prefixes = ["transformer.", ""],
                Embedding = "wte",
                Positions = "wpe",
                FinalNorm = "ln_f",
                Layout = WeightLayout.InputByOutput,
                NormBeforeAttention = "h.{0}.ln_1",
                NormBeforeMlp = "h.{0}.ln_2",
                QueryKeyValue = "h.{0}.attn.c_attn",
                Output = "h.{0}.attn.c_proj",
                Up = "h.{0}.mlp.c_fc",
                Down = "h.{0}.mlp.c_proj",
            },
        };
    }

    private static ModelSpecification GptNeoX(ConfigurationElement c)
    {
        int width = c.Size("hidden_size", 6144), heads = c.Size("num_attention_heads", 64), headWidth = Divide(c, width, heads);
        int context = c.Size("max_position_embeddings", 2048);
        ConfigurationElement? rope = c.Object("rope_parameters") ?? c.Object("rope_scaling");
        double fraction = rope?.OptionalDouble("partial_rotary_factor") ?? c.OptionalDouble("rotary_pct") ?? 0.25;
        double theta = rope?.OptionalDouble("rope_theta") ?? c.OptionalDouble("rotary_emb_base") ?? 10_000;
        RotarySpecification rotary = RotaryScaling.Rotary(c, rope, theta, RotaryWidth(c, headWidth, fraction), context);
        bool bias = c.OptionalBool("attention_bias") ?? true;
        return new ModelSpecification
        {
            Family = "gpt_neox",
            VocabularySize = c.Size("vocab_size", 50_432),
            ContextLength = context,
            ModelWidth = width,
            Norm = new NormSpecification(NormKind.Layer, Epsilon(c, "layer_norm_eps", 1e-5f)),
            Attention = new AttentionSpecification
            {
                Heads = heads,
                KeyValueHeads = heads,
                HeadWidth = headWidth,
                Scale = 1 / MathF.Sqrt(headWidth),
                QueryKeyValueBias = bias,
                OutputBias = bias,
            },
            Mlp = new MlpSpecification { Width = c.Size("intermediate_size", 24_576), Activation = ActivationOf(c, "hidden_act", Activation.Gelu), Bias = true },
            Layers = [.. Enumerable.Repeat(new LayerSpecification { Rotary = rotary }, c.Size("num_hidden_layers", 44, MostLayers))],
            BeginningOfText = 0,
            EndOfText = [2],
            ParallelResidual = c.OptionalBool("use_parallel_residual") ?? true,
            TiedUnembedding = c.OptionalBool("tie_word_embeddings") ?? false,
            Names = new WeightNames
            {
                Prefixes = ["gpt_neox.", ""],
                Embedding = "embed_in",
                FinalNorm = "final_layer_norm",
                Unembedding = "embed_out",
                NormBeforeAttention = "layers.{0}.input_layernorm",
                NormBeforeMlp = "layers.{0}.post_attention_layernorm",
                QueryKeyValue = "layers.{0}.attention.query_key_value",
                InterleavedByHead = true,
                Output = "layers.{0}.attention.dense",
                Up = "layers.{0}.mlp.dense_h_to_4h",
                Down = "layers.{0}.mlp.dense_4h_to_h",
            },
        };
    }

    /// <summary>What Llama and its descendants have in common; the layers are left to the caller.</summary>
    private static ModelSpecification Decoder(
        ConfigurationElement c, bool tied, Activation activation, string activationKey = "hidden_act", float epsilon = 1e-6f,
        int? width = null, int? mlpWidth = null, int? layers = null, int? heads = null, int? keyValueHeads = null, int? headWidth = null, int? vocabulary = null, int contextLength = 2048)
    {
        int modelWidth = c.Size("hidden_size", width), attentionHeads = c.Size("num_attention_heads", heads);
        headWidth = c.OptionalInt("head_dim") ?? headWidth ?? Divide(c, modelWidth, attentionHeads);
        if (headWidth is <= 0 or > 65_536) throw new InvalidDataException($"{c.Path}: head_dim is {headWidth}.");
        return new ModelSpecification
        {
            Family = "",
            VocabularySize = c.Size("vocab_size", vocabulary),
            ContextLength = c.Size("max_position_embeddings", contextLength),
            ModelWidth = modelWidth,
            Norm = new NormSpecification(NormKind.RootMeanSquare, Epsilon(c, "rms_norm_eps", epsilon)),
            Attention = new AttentionSpecification
            {
                Heads = attentionHeads,
                KeyValueHeads = c.Size("num_key_value_heads", c.IsNull("num_key_value_heads") ? attentionHeads : keyValueHeads ?? attentionHeads),
                HeadWidth = headWidth.Value,
                Scale = 1 / MathF.Sqrt(headWidth.Value),
            },
            Mlp = new MlpSpecification { Width = c.Size("intermediate_size", mlpWidth), Activation = ActivationOf(c, activationKey, activation), Gated = true },
            Layers = new LayerSpecification[c.Size("num_hidden_layers", layers, MostLayers)],
            TiedUnembedding = c.OptionalBool("tie_word_embeddings") ?? tied,
            Names = PreNormNames,
        };
    }

    /// <summary>
    /// Windows and rotary embeddings by layer. The newer spelling lists <c>layer_types</c> and keeps rotary parameters in
    /// <c>rope_parameters</c>, for each type of layer or for all; the older has <c>rope_theta</c>, <c>rope_scaling</c> and a pattern.
    /// </summary>
    private static LayerSpecification[] Layers(
        ConfigurationElement c, ModelSpecification model, Func<int, bool>? slides = null, int? window = null, double theta = 10_000, double? localTheta = null)
    {
        IReadOnlyList<string>? types = c.Strings("layer_types");
        if (types is not null && types.Count != model.Layers.Count)
            throw new InvalidDataException($"{c.Path}: layer_types lists {types.Count} layers; num_hidden_layers is {model.Layers.Count}.");

        ConfigurationElement? parameters = c.Object("rope_parameters");
        bool byType = parameters is not null && (parameters.Has("full_attention") || parameters.Has("sliding_attention"));
        RotarySpecification Rotary(bool sliding)
        {
            bool local = sliding && localTheta is not null;
            ConfigurationElement? scaling = byType ? parameters!.Object(sliding ? "sliding_attention" : "full_attention") : local ? null : parameters;
            if (scaling is null && !local) scaling = c.Object("rope_scaling");
            double rotaryTheta = scaling?.OptionalDouble("rope_theta") ?? (local ? localTheta!.Value : c.OptionalDouble("rope_theta") ?? theta);
            double fraction = scaling?.OptionalDouble("partial_rotary_factor") ?? c.OptionalDouble("partial_rotary_factor") ?? 1;
            return RotaryScaling.Rotary(c, scaling, rotaryTheta, RotaryWidth(c, model.Attention.HeadWidth, fraction), model.ContextLength);
        }

        RotarySpecification full = Rotary(sliding: false);
        RotarySpecification sliding = byType || localTheta is not null ? Rotary(sliding: true) : full;
        LayerSpecification[] layers = new LayerSpecification[model.Layers.Count];
        for (int layer = 0; layer < layers.Length; layer++)
        {
            string? type = types?[layer];
            if (type is not (null or "full_attention" or "sliding_attention"))
                throw new InvalidDataException($"{c.Path}: layer {layer} is of type '{type}'; known are full_attention and sliding_attention.");
            bool slide = type is null ? window is not null && slides?.Invoke(layer) == true : type == "sliding_attention";
            if (slide && window is null or <= 0) throw new InvalidDataException($"{c.Path}: layer {layer} slides, but sliding_window is {window?.ToString() ?? "absent"}.");
            layers[layer] = new LayerSpecification { Window = slide ? window : null, Rotary = slide ? sliding : full };
        }
        return layers;
    }

    private static int RotaryWidth(ConfigurationElement c, int headWidth, double fraction)
    {
        int width = (int)(headWidth * fraction);
        return width > 0 && width <= headWidth ? width : throw new InvalidDataException($"{c.Path}: {fraction} of a head of {headWidth} dimensions cannot rotate.");
    }

    /// <summary>The window of sliding layers; none where the configuration says null. The default holds only where the key is absent.</summary>
    private static int? Window(ConfigurationElement c, int fallback) => c.IsNull("sliding_window") ? null : c.Size("sliding_window", fallback, most: int.MaxValue);

    private static int Divide(ConfigurationElement c, int width, int heads) =>
        width % heads == 0 ? width / heads : throw new InvalidDataException($"{c.Path}: a width of {width} cannot be shared by {heads} heads.");

    private static float Epsilon(ConfigurationElement c, string key, float fallback)
    {
        double value = c.OptionalDouble(key) ?? fallback;
        return value is >= 0 and < 1 ? (float)value : throw new InvalidDataException($"{c.Path}: {key} is {value}.");
    }

    /// <summary>A soft cap; none where the configuration says null. The default holds only where the key is absent.</summary>
    private static float? SoftCap(ConfigurationElement c, string key, double fallback)
    {
        double cap = c.OptionalDouble(key) ?? (c.IsNull(key) ? 0 : fallback);
        return cap > 0 ? (float)cap : null;
    }

    private static Activation ActivationOf(ConfigurationElement c, string key, Activation fallback) => c.String(key) switch
    {
        null => fallback,
        "silu" or "swish" => Activation.Silu,
        "gelu" => Activation.Gelu,
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => Activation.GeluTanh,
        "quick_gelu" => Activation.QuickGelu,
        "relu" => Activation.Relu,
        string other => throw new InvalidDataException($"{c.Path}: the activation '{other}' is not known; known are silu, gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, quick_gelu and relu."),
    };
}
