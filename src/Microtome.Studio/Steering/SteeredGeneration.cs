using System.Text;
using Microtome.Models;
using Microtome.Models.ChatTemplates;
using Microtome.Studio.Api;
using Microtome.Studio.Jobs;
using Microtome.Studio.Models;
using Microtome.Studio.Storage;
using Microtome.Studio.Traces;

namespace Microtome.Studio.Steering;

/// <summary>Generates steered and unsteered side by side, a token of each in turn, and sends each as it comes.</summary>
internal sealed class SteeredGeneration(StudioRooms rooms)
{
    public const int LongestText = 4096, MostMessages = 200;

    public async Task StreamAsync(SteerRequest request, HttpContext context, CancellationToken cancellation)
    {
        RequestBounds.Within(request.MaxTokens, 1, LongestText, "maxTokens");
        ModelInUse model = await rooms.Models.UseAsync(request.Model, cancellation);
        (string prompt, int[] tokens) = Read(request, model);
        SamplingOptions sampling = new() { MaximumTokens = request.MaxTokens, Temperature = request.Temperature, TopP = request.TopP, TopK = request.TopK, Seed = request.Seed };
        ForwardHooks? hooks = new SteeringPlan(rooms).Of(request.Steering ?? [], model)?.Hooks(model.Model.Specification);
        IEnumerable<int> Generate(ForwardHooks? with, CancellationToken cancel) => Generation.Generate(model.Model.Transformer, tokens, sampling, with is null ? null : _ => with, cancel);
        Generate(hooks, cancellation); // checks the options and the prompt's length before the stream begins

        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, rooms.Jobs.Stopping);
        EventStream events = EventStream.Begin(context, either.Token);
        using Job job = new(DataFolder.NewId(), "steer", request.Model, keep: false, async (_, cancel) =>
        {
            await events.SendAsync("start", new SteerStart(prompt, tokens.Length), StudioJson.Default.SteerStart);
            List<SteeredSide> sides = [new SteeredSide("steered", model, tokens, Generate(hooks, cancel))];
            if (request.Unsteered) sides.Add(new SteeredSide("unsteered", model, tokens, Generate(null, cancel)));
            try
            {
                while (sides.Exists(side => !side.HasEnded))
                    foreach (SteeredSide side in sides)
                        if (!side.HasEnded) await side.StepAsync(events);
            }
            finally
            {
                sides.ForEach(side => side.Dispose());
            }
        });
        rooms.Jobs.Interactive.Add(job);
        using CancellationTokenRegistration leaving = either.Token.Register(job.Cancel);
        for (int? told = null; !job.HasEnded;)
        {
            Task change = job.NextChange();
            if (job.State == JobState.Queued && told != job.Place)
            {
                told = job.Place;
                await events.SendAsync("queued", new SteerQueued(job.Place), StudioJson.Default.SteerQueued);
            }
            await change;
        }
        if (job.State == JobState.Done) await events.SendAsync("done", new SteerDone(), StudioJson.Default.SteerDone);
        else if (!either.IsCancellationRequested) await events.SendAsync("failed", new SteerFailure(job.Error ?? "It was cancelled."), StudioJson.Default.SteerFailure);
    }

    /// <summary>The text to go on with: the prompt, or the conversation as the model's template writes it.</summary>
    private static (string Prompt, int[] Tokens) Read(SteerRequest request, ModelInUse model)
    {
        if (request.Messages is not { Count: > 0 })
        {
            TraceDesk.CheckPrompt(request.Prompt);
            return (request.Prompt!, model.Prompts.Encode(request.Prompt!));
        }
        if (request.Prompt is not null) throw RequestException.Bad("Give 'prompt' or 'messages', not both.");
        if (model.Chat.Template is null) throw RequestException.Conflict($"The model '{model.Model.Name}' has no chat template; give a 'prompt'.");
        if (request.Messages.Count > MostMessages) throw RequestException.Bad($"{request.Messages.Count} messages are given; at most {MostMessages} can be.");
        foreach (ChatTurn turn in request.Messages)
            if (turn?.Role is not ("system" or "user" or "assistant") || turn.Content is null) throw RequestException.Bad("A message has the role system, user or assistant, and a content.");
        TraceDesk.CheckPrompt(string.Concat(request.Messages.Select(turn => turn.Content)));
        ChatMessage[] messages = [.. request.Messages.Select(turn => new ChatMessage(turn.Role, turn.Content))];
        ChatOptions options = new() { ContinueFinalMessage = messages[^1].Role == "assistant" }; // an answer that is begun
        return (model.Chat.Render(messages, options), model.Chat.Encode(messages, options));
    }
}

/// <summary>One of the texts that grow side by side.</summary>
internal sealed class SteeredSide : IDisposable
{
    private readonly string _name;
    private readonly TextStream _stream;
    private readonly IReadOnlyList<int> _endOfText;
    private readonly IEnumerator<int> _tokens;
    private readonly StringBuilder _text = new();
    private int _count;
    private bool _atEnd;

    public SteeredSide(string name, ModelInUse model, int[] prompt, IEnumerable<int> tokens)
    {
        (_name, _tokens) = (name, tokens.GetEnumerator());
        _endOfText = model.Model.Specification.EndOfText;
        _stream = model.Prompts.Stream();
        foreach (int token in prompt) _stream.Append(token); // the prompt is not part of the answer
    }

    public bool HasEnded { get; private set; }

    /// <summary>Computes and sends the next token, or says that there is none.</summary>
    public async Task StepAsync(EventStream events)
    {
        if (_tokens.MoveNext())
        {
            _count++;
            _atEnd = _endOfText.Contains(_tokens.Current);
            if (_atEnd) return; // it has no text; the next step finds the end
            string text = _stream.Append(_tokens.Current);
            _text.Append(text);
            await events.SendAsync("token", new SteerToken(_name, _tokens.Current, text), StudioJson.Default.SteerToken);
            return;
        }
        HasEnded = true;
        if (_stream.Finish() is { Length: > 0 } rest)
        {
            _text.Append(rest);
            await events.SendAsync("token", new SteerToken(_name, -1, rest), StudioJson.Default.SteerToken);
        }
        await events.SendAsync("end", new SteerEnd(_name, _text.ToString(), _count, _atEnd ? "endOfText" : "length"), StudioJson.Default.SteerEnd);
    }

    public void Dispose() => _tokens.Dispose();
}
