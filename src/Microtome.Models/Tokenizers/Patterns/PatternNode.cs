namespace Microtome.Models.Tokenizers;

/// <summary>A part of a parsed regular expression.</summary>
internal abstract record PatternNode
{
    public sealed record One(CharacterSet Set) : PatternNode;

    public sealed record Sequence(PatternNode[] Parts) : PatternNode;

    public sealed record Choice(PatternNode[] Alternatives) : PatternNode;

    /// <param name="Body">What is repeated.</param>
    /// <param name="Minimum">The least number of times.</param>
    /// <param name="Maximum">The greatest; <see cref="int.MaxValue"/> when unbounded.</param>
    /// <param name="Greed">Which count is tried first, and whether others are tried at all.</param>
    public sealed record Repeat(PatternNode Body, int Minimum, int Maximum, Greed Greed) : PatternNode;

    /// <summary>A look ahead or behind.</summary>
    public sealed record Look(PatternNode Body, bool Behind, bool Negative) : PatternNode;

    /// <summary>A group that is never re-entered once it has matched.</summary>
    public sealed record Atomic(PatternNode Body) : PatternNode;

    public sealed record Assertion(Anchor Anchor) : PatternNode;

    public bool CanBeEmpty => this switch
    {
        One => false,
        Sequence sequence => Array.TrueForAll(sequence.Parts, part => part.CanBeEmpty),
        Choice choice => Array.Exists(choice.Alternatives, alternative => alternative.CanBeEmpty),
        Repeat repeat => repeat.Minimum == 0 || repeat.Body.CanBeEmpty,
        Atomic atomic => atomic.Body.CanBeEmpty,
        _ => true,
    };

    /// <summary>The number of code points that every match has; null when matches differ.</summary>
    public int? FixedLength
    {
        get
        {
            switch (this)
            {
                case One:
                    return 1;
                case Sequence sequence:
                    int? sum = 0;
                    foreach (PatternNode part in sequence.Parts) sum += part.FixedLength;
                    return sum;
                case Choice choice:
                    int? length = choice.Alternatives[0].FixedLength;
                    return Array.TrueForAll(choice.Alternatives, alternative => alternative.FixedLength == length) ? length : null;
                case Repeat repeat:
                    return repeat.Minimum == repeat.Maximum ? repeat.Minimum * repeat.Body.FixedLength : null;
                case Atomic atomic:
                    return atomic.Body.FixedLength;
                default:
                    return 0;
            }
        }
    }
}

internal enum Greed { Greedy, Lazy, Possessive }

internal enum Anchor { TextStart, TextEnd, TextEndOrLastNewline, LineStart, LineEnd, WordBoundary, NoWordBoundary }
