namespace Microtome.Models.ChatTemplates;

internal enum TokenKind
{
    /// <summary>Text between tags.</summary>
    Data,
    OutputBegin,
    OutputEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Integer,
    Float,
    Text,
    Operator,
    End,
}

/// <param name="Value">The text, or what a literal stands for.</param>
internal readonly record struct TemplateToken(TokenKind Kind, string Value, int Line)
{
    public bool Is(string symbol) => Kind is TokenKind.Operator or TokenKind.Name && Value == symbol;

    public override string ToString() => Kind switch
    {
        TokenKind.End => "the end of the template",
        TokenKind.OutputEnd => "'}}'",
        TokenKind.BlockEnd => "'%}'",
        TokenKind.Data => "text",
        _ => $"'{Value}'",
    };
}
