namespace Microtome.Models.Tokenizers;

/// <summary>A token that is found in the text before anything else is done to it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">What it looks like.</param>
/// <param name="Special">Whether it carries structure rather than text, and is left out when special tokens are skipped.</param>
/// <param name="Normalized">Whether it is looked for after normalization, itself normalized.</param>
/// <param name="StripLeft">Whether it takes the white space before it.</param>
/// <param name="StripRight">Whether it takes the white space after it.</param>
/// <param name="SingleWord">Whether it is found only where no word character touches it.</param>
internal sealed record AddedToken(int Id, string Content, bool Special, bool Normalized, bool StripLeft, bool StripRight, bool SingleWord)
{
    /// <summary>What is looked for in the text: the content, normalized if that is when it is looked for.</summary>
    public required string InText { get; init; }
}
