using Microtome.Models.SmallWorld;

namespace Microtome.Experiments.SmallWorld;

/// <summary>How many questions of one template and exposure were answered exactly.</summary>
public sealed record WorldScore(WorldTask Task, int Template, Exposure Exposure, int Right, int Asked)
{
    /// <summary>The share answered exactly, with its Wilson interval of 95 %.</summary>
    public Interval Accuracy => Proportion.Wilson(Right, Asked);
}
