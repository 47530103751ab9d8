using System.Text.Json;

namespace Microtome.Studio.Steering;

/// <summary>One slider.</summary>
/// <param name="Kind">feature, group or vector.</param>
/// <param name="Strength">Of a feature or a group's features: what is added to the activation; with the action set or scale, the activation or the factor. Of a vector: what it is multiplied by.</param>
/// <param name="Layer">A feature's layer; of a vector the layer to add it at, null for all that it has directions for.</param>
/// <param name="Trace">The trace whose story has the group.</param>
/// <param name="Name">A vector's name.</param>
/// <param name="Action">add, set or scale.</param>
public sealed record SteerItem(
    string Kind, double Strength, int? Layer = null, int? Feature = null, string? Trace = null, string? Group = null, string? Name = null, string Action = "add");

public sealed record ChatTurn(string Role, string Content);

/// <summary>What to generate, steered and, beside it, unsteered.</summary>
/// <param name="Messages">A conversation in place of the prompt, where the model has a chat template; a last message of the assistant's is how the answer begins.</param>
/// <param name="Unsteered">Whether to also generate without steering.</param>
public sealed record SteerRequest(
    string Model, string? Prompt = null, IReadOnlyList<ChatTurn>? Messages = null, IReadOnlyList<SteerItem>? Steering = null, double Temperature = 0, double TopP = 1, int TopK = 0, int Seed = 0,
    int MaxTokens = 60, bool Unsteered = true);

public sealed record SteerQueued(int Place);

public sealed record SteerStart(string Prompt, int PromptTokens);

/// <param name="Side">steered or unsteered.</param>
public sealed record SteerToken(string Side, int Token, string Text);

/// <param name="Reason">length or endOfText.</param>
public sealed record SteerEnd(string Side, string Text, int Tokens, string Reason);

public sealed record SteerFailure(string Error);

public sealed record SteerDone;

/// <summary>Sliders and settings that are kept by name.</summary>
/// <param name="Settings">The client's own: any object.</param>
public sealed record PresetRecord(string Id, string Name, string Model, IReadOnlyList<SteerItem> Steering, JsonElement? Settings, DateTime Changed);

public sealed record PresetRequest(string Name, string Model, IReadOnlyList<SteerItem> Steering, JsonElement? Settings = null);

public sealed record PresetList(IReadOnlyList<PresetRecord> Presets);

/// <summary>A direction of the stream for each of some layers.</summary>
/// <param name="Model">The name of the model that it was uploaded for.</param>
/// <param name="Norms">The directions' lengths.</param>
public sealed record VectorRecord(string Name, string Model, IReadOnlyList<int> Layers, IReadOnlyList<double> Norms, DateTime Added);

public sealed record VectorList(IReadOnlyList<VectorRecord> Vectors);
