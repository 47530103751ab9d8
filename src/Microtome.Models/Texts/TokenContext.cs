namespace Microtome.Models;

/// <summary>Tokens that a model reads from their beginning.</summary>
/// <param name="Id">Its number in the source, from 0.</param>
/// <param name="Document">The number of the text that it is a part of, from 0.</param>
/// <param name="Tokens">They begin with the token that begins a text, where the model has one.</param>
public sealed record TokenContext(long Id, long Document, int[] Tokens);

/// <summary>Where contexts come from. Reading it again gives the same.</summary>
public abstract class ContextSource
{
    /// <summary>What results call it, with enough to tell it from another.</summary>
    public abstract string Name { get; }

    /// <summary>The contexts from a number on, in order.</summary>
    public abstract IEnumerable<TokenContext> Read(long first = 0);
}
