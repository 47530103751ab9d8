using System.Text.Json.Serialization;

namespace Microtome.Studio.Stories;

/// <summary>A story in Neuronpedia's form, as graphs carry it in <c>qParams</c>; ids are the interchange format's.</summary>
/// <param name="Supernodes">Each a name and then ids.</param>
/// <param name="Clerps">Each an id and what the feature is called.</param>
public sealed record SubgraphRecord(
    IReadOnlyList<string> PinnedIds, IReadOnlyList<IReadOnlyList<string>> Supernodes, IReadOnlyList<IReadOnlyList<string>>? Clerps = null, string LinkType = "both", string ClickedId = "",
    [property: JsonPropertyName("sg_pos")] string SgPos = "");
