using System.Text.Json;

namespace Microtome.Models.ChatTemplates;

/// <summary>One message of a conversation.</summary>
/// <param name="Role">Who speaks: usually system, user, assistant or tool.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>What else templates may ask for, such as <c>tool_calls</c> or <c>reasoning_content</c>.</summary>
    public IReadOnlyDictionary<string, JsonElement> Further { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>Reads a message as chat services write it; contents that are lists of parts are kept for the template to read.</summary>
    /// <exception cref="ArgumentException">It is no object with a role.</exception>
    public static ChatMessage Parse(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("role", out JsonElement role) || role.ValueKind != JsonValueKind.String)
            throw new ArgumentException("A message is an object with a \"role\" and a \"content\".", nameof(json));
        string content = json.TryGetProperty("content", out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";
        return new ChatMessage(role.GetString()!, content)
        {
            Further = json.EnumerateObject().Where(entry => entry.Name != "role" && !(entry.Name == "content" && entry.Value.ValueKind == JsonValueKind.String)).ToDictionary(entry => entry.Name, entry => entry.Value.Clone()),
        };
    }
}

/// <summary>How a conversation becomes a prompt.</summary>
public sealed record ChatOptions
{
    /// <summary>End with what begins the assistant's answer.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>End within the last message, so that a model goes on with it: an answer whose beginning is given.</summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary>Functions that the model may call, as JSON schemas.</summary>
    public IReadOnlyList<JsonElement> Tools { get; init; } = [];

    /// <summary>What else the template may ask for, such as <c>enable_thinking</c>.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>What templates take for now; the present unless given.</summary>
    public DateTimeOffset? Now { get; init; }
}
