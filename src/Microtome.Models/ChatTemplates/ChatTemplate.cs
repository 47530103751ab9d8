using System.Text.Json;

namespace Microtome.Models.ChatTemplates;

/// <summary>
/// A chat template as published models have them: Jinja, rendered as transformers does. Supported is the part that chat templates use; what is
/// not is refused with its line when the template is read. Rendering has bounds, so that no template hangs or fills the memory.
/// </summary>
public sealed class ChatTemplate
{
    private const int LongestSource = 1 << 20;
    private const string Mark = "MICROTOME_CONTINUES_HERE ";
    private readonly IReadOnlyList<Statement> _statements;
    private readonly IReadOnlyDictionary<string, string> _specialTokens;

    private ChatTemplate(string name, string source, IReadOnlyList<Statement> statements, IReadOnlyDictionary<string, string> specialTokens)
    {
        Name = name;
        Source = source;
        _statements = statements;
        _specialTokens = specialTokens;
    }

    /// <summary>Where the template comes from, for messages.</summary>
    public string Name { get; }

    /// <summary>The Jinja.</summary>
    public string Source { get; }

    /// <param name="specialTokens">What templates may name, such as <c>bos_token</c>.</param>
    /// <exception cref="InvalidDataException">The template is damaged or uses what is not supported; the message says at which line.</exception>
    public static ChatTemplate Parse(string source, string name, IReadOnlyDictionary<string, string>? specialTokens = null)
    {
        if (source.Length > LongestSource) throw new InvalidDataException($"{name} has {source.Length:N0} characters; a chat template has at most {LongestSource:N0}.");
        try
        {
            return new ChatTemplate(name, source, TemplateParser.Parse(source), specialTokens ?? new Dictionary<string, string>());
        }
        catch (TemplateException exception)
        {
            throw Damaged(name, exception);
        }
    }

    /// <summary>Writes a conversation as the text that the model was trained on. It holds the special tokens, also the beginning of text where there is one.</summary>
    /// <exception cref="ArgumentException">The template refuses the messages, or there is nothing to continue.</exception>
    /// <exception cref="InvalidDataException">The template does what it should not; the message says at which line.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, ChatOptions? options = null)
    {
        options ??= new ChatOptions();
        if (!options.ContinueFinalMessage) return Run(messages, options);
        if (options.AddGenerationPrompt) throw new ArgumentException("An answer cannot be both begun and continued.", nameof(options));
        if (messages.Count == 0) throw new ArgumentException("There is no message to continue.", nameof(messages));

        // A mark after the last message shows where it ends, whatever the template does around it.
        ChatMessage last = messages[^1] with { Content = messages[^1].Content + Mark };
        string text = Run([.. messages.Take(messages.Count - 1), last], options);
        int end = text.LastIndexOf(Mark.Trim(), StringComparison.Ordinal);
        if (end < 0) throw new ArgumentException($"{Name} does not write the last message ({last.Role}), so it cannot be continued.", nameof(messages));
        return text.AsSpan(end).StartsWith(Mark) ? text[..end] : text[..end].TrimEnd();
    }

    private string Run(IReadOnlyList<ChatMessage> messages, ChatOptions options)
    {
        Rendering rendering = new(1);
        Scope globals = new(null);
        AddFunctions(globals, rendering, options.Now ?? DateTimeOffset.Now);
        foreach ((string name, string token) in _specialTokens) globals.Set(name, token);
        globals.Set("messages", messages.Select(message => (object?)ToValue(message)).ToList());
        globals.Set("tools", options.Tools.Count == 0 ? null : options.Tools.Select(tool => FromJson(tool)).ToList());
        globals.Set("documents", null);
        globals.Set("add_generation_prompt", options.AddGenerationPrompt);
        foreach ((string name, JsonElement value) in options.Variables) globals.Set(name, FromJson(value));
        try
        {
            Statement.RunAll(_statements, rendering, new Scope(globals));
            return rendering.Output.ToString();
        }
        catch (TemplateException exception)
        {
            throw Damaged(Name, exception);
        }
        catch (InvalidOperationException exception)
        {
            throw Damaged(Name, new TemplateException(rendering.Line, exception.Message));
        }
        catch (TemplateRefusal refusal)
        {
            throw new ArgumentException($"{Name} refuses the conversation: {refusal.Message}", refusal);
        }
    }

    private static void AddFunctions(Scope globals, Rendering rendering, DateTimeOffset now)
    {
        void Add(string name, Func<Arguments, object?> call) => globals.Set(name, new Callable(name, call));
        Add("raise_exception", arguments => throw new TemplateRefusal(PythonText.Of(arguments.Get(0, "message", ""))));
        Add("strftime_now", arguments => Formatting.Date(rendering, now, PythonText.Of(arguments.Get(0, "format", ""))));
        Add("namespace", arguments => new Namespace(Named(arguments)));
        Add("dict", Named);
        Add("range", arguments => Range(rendering, arguments));
    }

    private static Map Named(Arguments arguments)
    {
        Map map = new();
        if (arguments.Get(0, "") is Map given)
            foreach ((string name, object? value) in given) map[name] = value;
        foreach ((string name, object? value) in arguments.Named) map[name] = value;
        return map;
    }

    private static List<object?> Range(Rendering rendering, Arguments arguments)
    {
        long[] numbers = [.. arguments.Positional.Select(value => value is long number ? number : throw rendering.Error("'range' needs integers"))];
        (long start, long stop, long step) = numbers switch
        {
            [var end] => (0, end, 1),
            [var begin, var end] => (begin, end, 1),
            [var begin, var end, var by] when by != 0 => (begin, end, by),
            _ => throw rendering.Error("'range' needs one to three integers, of which the third is not 0"),
        };
        Int128 count = step > 0 ? ((Int128)stop - start + step - 1) / step : ((Int128)start - stop - step - 1) / -step;
        if (count > 100_000) throw rendering.Error("'range' has more than 100,000 elements"); // as the sandbox limits it
        List<object?> items = [];
        for (int i = 0; i < count; i++) items.Add(start + i * step);
        rendering.Step(items.Count / 16);
        return items;
    }

    private static Map ToValue(ChatMessage message)
    {
        Map map = new() { ["role"] = message.Role };
        if (!message.Further.ContainsKey("content")) map["content"] = message.Content;
        foreach ((string name, JsonElement value) in message.Further) map[name] = FromJson(value);
        return map;
    }

    private static object? FromJson(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => json.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number => json.TryGetInt64(out long whole) ? (object)whole : json.GetDouble(),
        JsonValueKind.Array => json.EnumerateArray().Select(FromJson).ToList(),
        JsonValueKind.Object => json.EnumerateObject().Aggregate(new Map(), (map, entry) =>
        {
            map[entry.Name] = FromJson(entry.Value);
            return map;
        }),
        _ => null,
    };

    private static InvalidDataException Damaged(string name, TemplateException exception) => new($"{name}, line {exception.Line}: {exception.Message}.", exception);
}
