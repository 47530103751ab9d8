namespace Microtome.Models;

/// <summary>How weights of a matrix are stored.</summary>
public enum WeightLayout
{
    /// <summary>[out, in], as a PyTorch linear layer.</summary>
    OutputByInput,

    /// <summary>[in, out], as GPT-2's.</summary>
    InputByOutput,
}

/// <summary>
/// The names of a family's tensors. <c>{0}</c> stands for the layer. Names of matrices are without their <c>.weight</c> and
/// <c>.bias</c>; null where a family has none.
/// </summary>
public sealed record WeightNames
{
    /// <summary>What may stand before every name but the unembedding's, in the order in which they are tried.</summary>
    public required IReadOnlyList<string> Prefixes { get; init; }

    public required string Embedding { get; init; }

    public string? Positions { get; init; }

    public required string FinalNorm { get; init; }

    public string Unembedding { get; init; } = "lm_head";

    public WeightLayout Layout { get; init; }

    public string? NormBeforeAttention { get; init; }

    public string? NormAfterAttention { get; init; }

    public string? NormBeforeMlp { get; init; }

    public string? NormAfterMlp { get; init; }

    public string Query { get; init; } = "layers.{0}.self_attn.q_proj";

    public string Key { get; init; } = "layers.{0}.self_attn.k_proj";

    public string Value { get; init; } = "layers.{0}.self_attn.v_proj";

    public string Output { get; init; } = "layers.{0}.self_attn.o_proj";

    /// <summary>Queries, keys and values in one matrix.</summary>
    public string? QueryKeyValue { get; init; }

    /// <summary>The fused matrix holds a query, a key and a value for each head in turn (GPT-NeoX), not all queries first (GPT-2).</summary>
    public bool InterleavedByHead { get; init; }

    public string QueryNorm { get; init; } = "layers.{0}.self_attn.q_norm";

    public string KeyNorm { get; init; } = "layers.{0}.self_attn.k_norm";

    public string Sinks { get; init; } = "layers.{0}.self_attn.sinks";

    public string Gate { get; init; } = "layers.{0}.mlp.gate_proj";

    public string Up { get; init; } = "layers.{0}.mlp.up_proj";

    public string Down { get; init; } = "layers.{0}.mlp.down_proj";

    public string Router { get; init; } = "layers.{0}.mlp.router";

    public string ExpertGateUp { get; init; } = "layers.{0}.mlp.experts.gate_up_proj";

    public string ExpertDown { get; init; } = "layers.{0}.mlp.experts.down_proj";
}
