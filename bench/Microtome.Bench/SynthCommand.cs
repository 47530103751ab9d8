using System.CommandLine;
using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Bench;

/// <summary>Writes a random model, transcoders and a prompt, for the other commands and for other programs to load.</summary>
internal static class SynthCommand
{
    public static Command Create()
    {
        Option<string> shape = new("--shape") { Description = $"One of {string.Join(", ", SyntheticShape.All.Select(known => known.Name))}.", DefaultValueFactory = _ => "qwen3-0.6b" };
        Option<int?> layers = new("--layers") { Description = "Layers; the shape's own unless given." };
        Option<int> vocabulary = new("--vocabulary") { Description = "Tokens in the vocabulary.", DefaultValueFactory = _ => 8192 };
        Option<int> tokens = new("--tokens") { Description = "Tokens in the prompt.", DefaultValueFactory = _ => 32 };
        Option<int> features = new("--features") { Description = "Features of each layer's transcoder.", DefaultValueFactory = _ => 4096 };
        Option<int> active = new("--active") { Description = "Features that are active for a token and layer.", DefaultValueFactory = _ => 25 };
        Option<string> type = new("--dtype") { Description = "f32 or bf16.", DefaultValueFactory = _ => "f32" };
        Option<int> seed = new("--seed") { Description = "Equal seeds give equal files.", DefaultValueFactory = _ => 1 };
        Option<bool> link = new("--link") { Description = "One transcoder file for all layers, the others links to it." };
        Option<DirectoryInfo> output = new("--out") { Description = "The folder to write to.", Required = true };
        type.AcceptOnlyFromAmong("f32", "bf16");
        shape.AcceptOnlyFromAmong([.. SyntheticShape.All.Select(known => known.Name)]);

        Command command = new("synth", "Write a random model with transcoders.") { shape, layers, vocabulary, tokens, features, active, type, seed, link, output };
        command.SetAction(result =>
        {
            SyntheticShape sizes = SyntheticShape.Named(result.GetRequiredValue(shape));
            if (result.GetValue(layers) is { } count) sizes = sizes with { Layers = count };
            ElementType elements = result.GetRequiredValue(type) == "f32" ? ElementType.F32 : ElementType.BF16;
            Write(sizes, result.GetValue(vocabulary), result.GetValue(tokens), result.GetValue(features), result.GetValue(active), elements, result.GetValue(seed), result.GetValue(link), result.GetRequiredValue(output).FullName);
        });
        return command;
    }

    internal static void Write(SyntheticShape shape, int vocabulary, int tokens, int features, int active, ElementType type, int seed, bool link, string folder)
    {
        if (shape.Layers < 1 || vocabulary < 16 || tokens < 2) throw new ArgumentException("A model needs at least 1 layer, 16 tokens in its vocabulary and 2 in its prompt.");
        if (active < 1 || active >= features) throw new ArgumentException($"{active} of {features} features cannot be active; at least 1 must be, and 1 must not.");
        new SyntheticModel(shape, vocabulary, Math.Max(4096, tokens), type, seed).Write(SyntheticFiles.Model(folder));

        Random random = new(seed);
        int[] prompt = [0, .. Enumerable.Range(1, tokens - 1).Select(_ => random.Next(2, vocabulary))];
        SyntheticFiles.WritePrompt(folder, prompt);

        using Checkpoint checkpoint = Checkpoint.Open(SyntheticFiles.Model(folder));
        new SyntheticTranscoders(features, active, type, seed).Write(SyntheticFiles.Transcoders(folder), new Transformer(checkpoint), prompt, link);
        long bytes = Directory.EnumerateFiles(SyntheticFiles.Transcoders(folder)).Sum(path => new FileInfo(path).Length);
        Console.WriteLine($"{folder}: {shape.Name}, {shape.Layers} layers, model {checkpoint.Bytes * 1e-9:F2} GB, transcoders {bytes * 1e-9:F2} GB{(link ? " (linked)" : "")}");
    }
}
