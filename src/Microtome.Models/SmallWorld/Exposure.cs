namespace Microtome.Models.SmallWorld;

/// <summary>How much of a filling training shows.</summary>
public enum Exposure
{
    /// <summary>The sentence itself.</summary>
    Seen,

    /// <summary>Never in this template, but in the task's others.</summary>
    HeldOut,

    /// <summary>In none of the task's templates. Of a task of two hops: its two facts are shown, never composed.</summary>
    NeverShown,
}
