namespace Microtome.Experiments.SmallWorld;

/// <summary>Which features count as a state's, and how they are replaced.</summary>
public sealed record SwapOptions
{
    /// <summary>Of a state's cities, the share that a feature of the state is active on.</summary>
    public double LeastShare { get; init; } = 0.3;

    /// <summary>How many times the mean over other states' cities the mean over its own is.</summary>
    public double Selectivity { get; init; } = 1.5;

    /// <summary>What the other state's features are set to, in means over its cities.</summary>
    public float Strength { get; init; } = 1.5f;
}
