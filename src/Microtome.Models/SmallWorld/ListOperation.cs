namespace Microtome.Models.SmallWorld;

/// <summary>What is done to a list.</summary>
public enum ListOperation
{
    /// <summary>All, from the last to the first.</summary>
    Reverse,

    /// <summary>The second, the fourth and so on.</summary>
    EverySecond,

    FirstThree,

    /// <summary>All, in the alphabet's order.</summary>
    Sort,

    Last,
}
