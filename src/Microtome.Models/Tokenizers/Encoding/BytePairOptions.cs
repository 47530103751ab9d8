namespace Microtome.Models.Tokenizers;

/// <param name="UnknownId">What stands for characters that are not in the vocabulary; without it they are left out.</param>
/// <param name="FuseUnknown">Whether neighbouring unknown characters become one token.</param>
/// <param name="ByteFallback">Whether an unknown character becomes its bytes, <c>&lt;0xE2&gt;</c> and so on, when those are in the vocabulary.</param>
/// <param name="IgnoreMerges">Whether a word that is in the vocabulary is one token whatever the merges say.</param>
internal sealed record BytePairOptions(int? UnknownId, bool FuseUnknown, bool ByteFallback, bool IgnoreMerges);
