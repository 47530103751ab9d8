namespace Microtome.Models.Tokenizers;

/// <summary>What tokenizer.json describes.</summary>
internal sealed record TokenizerParts(
    BytePairEncoder Model,
    AddedToken[] AddedTokens,
    Normalizer? Normalizer,
    PreTokenizer? PreTokenizer,
    PostProcessor? PostProcessor,
    DecoderPlan Decoder);
