namespace Microtome.Models.Tokenizers;

/// <summary>A token of an encoded text.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Start">Where it begins in the text, in UTF-16 units.</param>
/// <param name="End">Where it ends there. Tokens that are parts of one character all have that character's range.</param>
public readonly record struct Token(int Id, int Start, int End);
