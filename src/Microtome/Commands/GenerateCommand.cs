using System.CommandLine;
using System.Diagnostics;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome generate</c>: continues a text.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model(), prompt = CommonOptions.Prompt(required: true);
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        Option<double> temperature = new("--temperature") { HelpName = "T", Description = "Logits are divided by this; 0 always takes the most probable token." };
        Option<double> topP = new("--top-p") { HelpName = "P", Description = "Choose among the fewest tokens whose probabilities reach this sum.", DefaultValueFactory = _ => 1 };
        Option<int> topK = new("--top-k") { HelpName = "K", Description = "Choose among this many most probable tokens; 0 for all." };
        Option<int> seed = new("--seed") { HelpName = "N", Description = "Equal seeds give equal texts." };
        Option<int> most = new("--max-tokens") { HelpName = "N", Description = "The most tokens to generate.", DefaultValueFactory = _ => 64 };
        ExampleCommand command = new("generate", "Continue a text.",
            "microtome generate --prompt \"Once upon a time\"",
            "microtome generate -m Qwen/Qwen3-0.6B -p \"The capital of France is\" --temperature 0.7 --top-p 0.9 --seed 1")
        {
            model, prompt, temperature, topP, topK, seed, most, threads, json,
        };
        CommonOptions.NotNegative(temperature);
        CommonOptions.Probability(topP);
        CommonOptions.NotNegative(topK);
        CommonOptions.Positive(most);
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            string text = result.GetValue(prompt)!;
            SamplingOptions options = new()
            {
                Temperature = result.GetValue(temperature),
                TopP = result.GetValue(topP),
                TopK = result.GetValue(topK),
                Seed = result.GetValue(seed),
                MaximumTokens = result.GetValue(most),
            };
            options.Validate();
            using ProgressDisplay progress = new();
            using LoadedModel loaded = await new ModelSource(progress.Downloads, cancellation).LoadModelAsync(result.GetValue(model));
            int[] tokens = loaded.Prompts.Encode(text);
            bool records = result.GetValue(json);
            TextStream stream = loaded.Prompts.Stream();
            string beginning = string.Concat(tokens.Select(stream.Append));
            progress.Report("reading the prompt", null);
            List<int> generated = [];
            Stopwatch watch = Stopwatch.StartNew();
            foreach (int token in Generation.Generate(loaded.Transformer, tokens, options, cancellation: cancellation))
            {
                if (generated.Count == 0) progress.Clear();
                if (generated.Count == 0 && !records) Console.Out.Write(beginning);
                generated.Add(token);
                if (!records && !loaded.Specification.EndOfText.Contains(token)) Console.Out.Write(stream.Append(token));
            }
            if (!records) Console.Out.WriteLine(stream.Finish());
            else JsonRecord.Print(json =>
            {
                json.WriteString("prompt", text);
                json.WriteNumbers("prompt_tokens", tokens);
                json.WriteNumbers("tokens", generated);
                json.WriteString("text", loaded.Prompts.Decode([.. tokens, .. generated]));
                json.WriteNumber("seconds", watch.Elapsed.TotalSeconds);
            });
            return 0;
        });
        return command;
    }
}
