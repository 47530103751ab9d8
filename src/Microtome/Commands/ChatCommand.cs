using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using System.Text.Json;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Models.ChatTemplates;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome chat</c>: talk with a model, one message or many.</summary>
internal static class ChatCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model(), transcoders = CommonOptions.Transcoders();
        transcoders.Description = "What --steer latent:… names latents of: a folder of transcoders, or owner/name[@revision]. Without it, those that come with the small model.";
        Option<string?> message = new("--message", "-p") { Description = "One message; the answer is printed. Without it, messages are read line by line, in a terminal or from a pipe.", HelpName = "TEXT" };
        Option<string?> system = new("--system") { Description = "What the model is told before the conversation.", HelpName = "TEXT" };
        Option<string?> prefill = new("--prefill") { Description = "How every answer begins; the model goes on from there.", HelpName = "TEXT" };
        Option<string[]> variables = new("--template-set") { Description = "A variable for the chat template, such as enable_thinking=false. May be given again.", HelpName = "NAME=VALUE", AllowMultipleArgumentsPerToken = true };
        variables.Validators.Add(result =>
        {
            foreach (Token token in result.Tokens)
                if (token.Value.IndexOf('=') < 1) result.AddError($"--template-set '{token.Value}' is not NAME=VALUE, such as enable_thinking=false.");
        });
        Option<bool> showPrompt = new("--show-prompt") { Description = "Print the text that the model is given, and stop." };
        Option<string[]> steer = SteerOption.Create();
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        SamplingOptionSet sampling = new(256);
        ExampleCommand command = new("chat", "Talk with a model, through its chat template.",
            "microtome chat -m Qwen/Qwen3-0.6B",
            "microtome chat -m Qwen/Qwen3-0.6B --message \"What is the capital of France?\" --template-set enable_thinking=false",
            "microtome chat -m google/gemma-3-1b-it --message \"Is it a cat?\" --prefill \"My answer, in one word:\" --steer cat.safetensors@10-14:4")
        {
            model, message, system, prefill, variables, showPrompt, steer, transcoders, threads, json,
        };
        sampling.AddTo(command);
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            SamplingOptions options = sampling.Read(result);
            IReadOnlyList<SteeringRequest> requests = result.Requests(steer);
            using ProgressDisplay progress = new();
            ModelSource source = new(progress.Downloads, cancellation);
            using LoadedModel loaded = await source.LoadModelAsync(result.GetValue(model));
            using TranscoderSet? dictionary = requests.NeedDictionary() ? await source.LoadTranscodersAsync(result.GetValue(transcoders)) : null;
            using SteeringResolver resolver = new(loaded.Specification, dictionary);
            Conversation conversation = new(loaded, requests.Resolve(resolver), options, result.GetValue(system), result.GetValue(prefill), Variables(result.GetValue(variables) ?? []), progress);
            progress.Clear();
            if (conversation.Prompts.Template is null)
                Console.Error.WriteLine($"{loaded.Name} has no chat template: the conversation is given to it as plain text, 'User: …' and 'Assistant: …'.");
            if (result.GetValue(message) is { } one)
            {
                if (result.GetValue(showPrompt)) Console.Out.WriteLine(conversation.PromptFor(one));
                else conversation.Answer(one, result.GetValue(json), cancellation);
                return 0;
            }
            bool terminal = !Console.IsInputRedirected;
            if (terminal) Console.Error.WriteLine("An empty line or Ctrl-C ends the conversation.");
            while (Ask(terminal) is { Length: > 0 } line)
            {
                if (result.GetValue(showPrompt)) Console.Out.WriteLine(conversation.PromptFor(line));
                else conversation.Answer(line, result.GetValue(json), cancellation);
                cancellation.ThrowIfCancellationRequested();
            }
            return 0;
        });
        return command;
    }

    private static string? Ask(bool terminal)
    {
        if (terminal) Console.Error.Write("> ");
        return Console.In.ReadLine();
    }

    /// <summary>Values are JSON where they can be read as such, else texts.</summary>
    private static Dictionary<string, JsonElement> Variables(IEnumerable<string> settings)
    {
        Dictionary<string, JsonElement> variables = [];
        foreach (string setting in settings)
        {
            int at = setting.IndexOf('=', StringComparison.Ordinal);
            string value = setting[(at + 1)..];
            try
            {
                using JsonDocument document = JsonDocument.Parse(value);
                variables[setting[..at]] = document.RootElement.Clone();
            }
            catch (JsonException)
            {
                using JsonDocument document = JsonDocument.Parse($"\"{JsonEncodedText.Encode(value)}\"");
                variables[setting[..at]] = document.RootElement.Clone();
            }
        }
        return variables;
    }

    /// <summary>The messages so far, and how they are answered.</summary>
    private sealed class Conversation
    {
        private readonly LoadedModel _model;
        private readonly SamplingOptions _options;
        private readonly string? _prefill;
        private readonly ChatOptions _template;
        private readonly ProgressDisplay _progress;
        private readonly ForwardHooks? _first, _later;
        private readonly SteeringMeasure _measure = new();
        private readonly List<ChatMessage> _messages = [];

        public Conversation(LoadedModel model, Steering? steering, SamplingOptions options, string? system, string? prefill, Dictionary<string, JsonElement> variables, ProgressDisplay progress)
        {
            _model = model;
            _options = options;
            _prefill = prefill;
            _progress = progress;
            _template = new ChatOptions { ContinueFinalMessage = prefill is not null, Variables = variables };
            Prompts = ChatPrompts.Load(model);
            _first = steering?.Hooks(model.Specification, _measure);
            _later = steering?.Hooks(model.Specification);
            if (system is not null) _messages.Add(new ChatMessage("system", system));
        }

        public ChatPrompts Prompts { get; }

        public string PromptFor(string message) => Prompts.Render(With(message), _template);

        /// <summary>Prints the answer to a message and keeps both.</summary>
        public void Answer(string message, bool records, CancellationToken cancellation)
        {
            ChatMessage[] messages = With(message);
            int[] tokens = Prompts.Encode(messages, _template);
            TextStream stream = _model.Prompts.Stream();
            foreach (int token in tokens) stream.Append(token); // what comes next depends on it: a space is no longer the first
            StringBuilder answer = new(_prefill);
            int printed = 0;
            if (!records && _prefill is not null)
            {
                Console.Out.Write(_prefill);
                printed = answer.Length;
            }
            _progress.Report("reading the conversation", null);
            List<int> generated = [];
            foreach (int token in Generation.Generate(_model.Transformer, tokens, _options, position => position == 0 ? _first : _later, cancellation))
            {
                if (generated.Count == 0)
                {
                    _progress.Clear();
                    _measure.WarnIfLarge();
                }
                generated.Add(token);
                if (_model.Specification.EndOfText.Contains(token)) break;
                string piece = stream.Append(token);
                answer.Append(answer.Length == 0 && Prompts.Template is null ? piece.TrimStart() : piece);
                if (Ended(answer)) break;
                // Text that may be the beginning of another speaker's turn waits.
                int safe = Prompts.AnswerEnd is null ? answer.Length : Math.Max(printed, answer.Length - Prompts.AnswerEnd.Length);
                if (!records) Console.Out.Write(answer.ToString(printed, safe - printed));
                printed = safe;
            }
            if (!Ended(answer)) answer.Append(stream.Finish());
            string text = Prompts.AnswerEnd is { } end && answer.ToString().IndexOf(end, StringComparison.Ordinal) is var at and >= 0 ? answer.ToString()[..at] : answer.ToString();
            if (!records) Console.Out.WriteLine(text.Length > printed ? text[printed..] : "");
            else JsonRecord.Print(json =>
            {
                json.WriteString("message", message);
                json.WriteString("answer", text);
                json.WriteNumbers("prompt_tokens", tokens);
                json.WriteNumbers("tokens", generated);
            });
            _messages.Clear();
            _messages.AddRange(_prefill is null ? messages : messages[..^1]);
            _messages.Add(new ChatMessage("assistant", text));
        }

        private bool Ended(StringBuilder answer) => Prompts.AnswerEnd is { } end && answer.ToString().Contains(end, StringComparison.Ordinal);

        private ChatMessage[] With(string message) =>
            _prefill is null ? [.. _messages, new ChatMessage("user", message)] : [.. _messages, new ChatMessage("user", message), new ChatMessage("assistant", _prefill)];
    }
}
