using System.CommandLine;
using System.Diagnostics;
using Microtome.Dictionaries;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome generate</c>: continues a text.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model(), prompt = CommonOptions.Prompt(required: true);
        Option<string[]> steer = SteerOption.Create();
        Option<string?> transcoders = CommonOptions.Transcoders();
        transcoders.Description = "What --steer latent:… names latents of: a folder of transcoders, or owner/name[@revision]. Without it, those that come with the small model.";
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        SamplingOptionSet sampling = new();
        ExampleCommand command = new("generate", "Continue a text.",
            "microtome generate --prompt \"The capital of the state containing Dallas is\"",
            "microtome generate -m Qwen/Qwen3-0.6B -p \"The capital of France is\" --temperature 0.7 --top-p 0.9 --seed 1",
            "microtome generate -m models/stories260k --prompt \"Tom went to the park. He was\" --steer happy.safetensors@2:4",
            "microtome generate -m models/stories260k -t models/stories260k-transcoders --prompt \"Lily had a\" --steer latent:3:300@3:=5 random:1@all:20%@4-",
            "microtome generate --prompt \"The capital of the state containing Dallas is\" --steer \"models/small-world-autoencoders/batchtopk-256-k16#60@2:*0@7-\"")
        {
            model, prompt, steer, transcoders, threads, json,
        };
        sampling.AddTo(command);
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            string text = result.GetValue(prompt)!;
            SamplingOptions options = sampling.Read(result);
            using ProgressDisplay progress = new();
            IReadOnlyList<SteeringRequest> requests = result.Requests(steer);
            ModelSource source = new(progress.Downloads, cancellation);
            using LoadedModel loaded = await source.LoadModelAsync(result.GetValue(model));
            using TranscoderSet? dictionary = requests.NeedDictionary() ? await source.LoadTranscodersAsync(result.GetValue(transcoders)) : null;
            using SteeringResolver resolver = new(loaded.Specification, dictionary);
            Steering? steering = requests.Resolve(resolver);
            SteeringMeasure measure = new();
            ForwardHooks? first = steering?.Hooks(loaded.Specification, measure), later = steering?.Hooks(loaded.Specification);
            int[] tokens = loaded.Prompts.Encode(text);
            bool records = result.GetValue(json);
            TextStream stream = loaded.Prompts.Stream();
            string beginning = string.Concat(tokens.Select(stream.Append));
            progress.Report("reading the prompt", null);
            List<int> generated = [];
            Stopwatch watch = Stopwatch.StartNew();
            foreach (int token in Generation.Generate(loaded.Transformer, tokens, options, position => position == 0 ? first : later, cancellation))
            {
                if (generated.Count == 0)
                {
                    progress.Clear();
                    measure.WarnIfLarge();
                }
                if (generated.Count == 0 && !records) Console.Out.Write(beginning);
                generated.Add(token);
                if (!records && !loaded.Specification.EndOfText.Contains(token)) Console.Out.Write(stream.Append(token));
            }
            requests.WarnIfUnreached(tokens.Length + generated.Count);
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
