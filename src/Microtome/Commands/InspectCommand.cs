using System.CommandLine;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Models.Hub;
using Microtome.Models.Safetensors;
using Microtome.Numerics;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome inspect</c>: what is in a checkpoint, a set of transcoders or a file.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        Argument<string?> path = new("path")
        {
            Description = "A checkpoint's, transcoders' or autoencoder's folder, a .safetensors or .npz file, or owner/name[@revision] on the Hub.",
            HelpName = "PATH|owner/name",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<bool> machine = new("--machine") { Description = "Show what this computer multiplies matrices with, and why." };
        Option<bool> tensors = new("--tensors") { Description = "List every tensor." };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("inspect", "Show what is in a checkpoint or a dictionary: family, shapes, types, sizes, and whether it can run here.",
            "microtome inspect models/stories260k",
            "microtome inspect Qwen/Qwen3-0.6B --json",
            "microtome inspect --machine")
        {
            path, tensors, machine, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(path) is null == !result.GetValue(machine)) result.AddError("Give either a path or owner/name, or --machine.");
        });
        command.SetWork(async (result, cancellation) =>
        {
            Inspection inspection = result.GetValue(path) is { } name ? await InspectAsync(name, cancellation) : Machine();
            if (result.GetValue(json)) inspection.PrintJson();
            else inspection.Print(result.GetValue(tensors));
            return inspection.CanRun ? 0 : CommandRunner.Failed;
        });
        return command;
    }

    private static Inspection Machine()
    {
        MatrixUnitStatus unit = MatrixUnit.Status;
        Inspection inspection = new(Environment.MachineName, "this computer");
        inspection.Add("processors", Environment.ProcessorCount);
        inspection.Add("memory", TextFormat.Bytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
        inspection.Add("products", unit.Path);
        inspection.Add("matrix unit", $"{(unit.Available ? "in use" : "not used")}: {unit.Reason}");
        return inspection;
    }

    private static async Task<Inspection> InspectAsync(string path, CancellationToken cancellation)
    {
        if (File.Exists(path)) return SingleFile(path);
        if (Directory.Exists(path)) return Folder(path, path);

        // On the Hub: what is cached is looked at whole; otherwise only the small files are fetched.
        using ProgressDisplay progress = new();
        if (!path.StartsWith('.') && HubReference.TryParse(path, out HubReference? reference))
        {
            using HubClient hub = new(HubOptions.FromEnvironment());
            if (hub.FindInCache(reference) is { } cached && Directory.EnumerateFiles(cached, "*.safetensors").Any()) return Folder(path, cached);
        }
        string folder = await new ModelSource(progress.Downloads, cancellation).ResolveAsync(path, "", ModelSource.SmallFiles);
        progress.Clear();
        return Folder(path, folder);
    }

    private static Inspection Folder(string name, string folder)
    {
        if (AutoencoderReader.Recognizes(folder)) return Autoencoder(name, folder);
        if (File.Exists(Path.Combine(folder, "config.json"))) return Model(name, folder);
        if (File.Exists(Path.Combine(folder, "config.yaml"))) return Transcoders(name, folder);
        throw new FileNotFoundException($"{folder} has neither config.json (a checkpoint), config.yaml (transcoders), nor cfg.json or params.npz (an autoencoder).", folder);
    }

    private static Inspection Autoencoder(string name, string folder)
    {
        using SparseAutoencoder autoencoder = AutoencoderReader.Open(folder);
        AutoencoderSettings settings = autoencoder.Settings;
        Inspection inspection = new(name, settings.IsTranscoder ? "transcoder of one layer" : "sparse autoencoder");
        inspection.Add("architecture", settings.Architecture);
        if (settings.ModelName is { } model) inspection.Add("model", model);
        inspection.Add(settings.OutputHookName is null ? "hook" : "reads", settings.HookName ?? "not said");
        if (settings.OutputHookName is { } output) inspection.Add("writes", output);
        inspection.Add("latents", autoencoder.Latents);
        inspection.Add("width", autoencoder.InputWidth == autoencoder.OutputWidth ? TextFormat.Number(autoencoder.InputWidth) : $"{TextFormat.Number(autoencoder.InputWidth)} in, {TextFormat.Number(autoencoder.OutputWidth)} out");
        inspection.Add("activation", autoencoder.Activation.Name);
        if (settings.Normalization != InputNormalization.None) inspection.Add("normalizes its input", settings.Normalization == InputNormalization.LayerNorm ? "by mean and deviation" : "to a norm of √width");
        if (!settings.IsTranscoder) inspection.Add("decoder bias", settings.SubtractsDecoderBias ? "subtracted from the input" : "not subtracted from the input");
        inspection.Add("skip connection", autoencoder.Skip is null ? "no" : "yes");
        inspection.Add("weights", autoencoder.Encoder.Type.ToString());
        inspection.AddMemory(autoencoder.Bytes);
        return inspection;
    }

    private static Inspection Model(string name, string folder)
    {
        ModelSpecification model = ModelConfiguration.Load(folder);
        AttentionSpecification attention = model.Attention;
        Inspection inspection = new(name, "checkpoint");
        inspection.Add("family", model.Family);
        inspection.Add("layers", model.Layers.Count);
        inspection.Add("width", model.ModelWidth);
        inspection.Add("attention", attention.Heads == attention.KeyValueHeads ? $"{attention.Heads} heads of {attention.HeadWidth}" : $"{attention.Heads} query and {attention.KeyValueHeads} key-value heads of {attention.HeadWidth}");
        if (model.Layers.Any(layer => layer.Window is not null))
            inspection.Add("window", $"{model.Layers.First(layer => layer.Window is not null).Window} tokens in {model.Layers.Count(layer => layer.Window is not null)} of {model.Layers.Count} layers");
        inspection.Add("mlp", $"{(model.Mlp.Gated ? "gated, " : "")}{model.Mlp.Width} wide, {model.Mlp.Activation}{(model.Mlp.Experts is { } experts ? $", {experts.PerToken} of {experts.Count} experts" : "")}");
        inspection.Add("norm", $"{model.Norm.Kind}, {model.Norm.Placement}");
        inspection.Add("vocabulary", model.VocabularySize);
        inspection.Add("context", model.ContextLength);
        bool hasTokenizer = File.Exists(Path.Combine(folder, "tokenizer.json"));

        bool hasWeights = File.Exists(Path.Combine(folder, "model.safetensors")) || (File.Exists(Path.Combine(folder, "model.safetensors.index.json")) && Directory.EnumerateFiles(folder, "*.safetensors").Any());
        if (!hasWeights)
        {
            inspection.Add("weights", "not here yet; the first command that runs the model downloads them");
            return inspection;
        }
        inspection.Add("tokenizer", hasTokenizer ? "tokenizer.json" : "none: prompts are token ids");
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        inspection.AddTensors(checkpoint.Tensors.Values);
        try
        {
            _ = new Transformer(checkpoint);
            inspection.AddMemory(checkpoint.Bytes);
        }
        catch (InvalidDataException exception)
        {
            inspection.CannotRun(exception.Message);
        }
        return inspection;
    }

    private static Inspection Transcoders(string name, string folder)
    {
        TranscoderSet set;
        try
        {
            set = TranscoderReader.Open(folder);
        }
        catch (FileNotFoundException) when (name != folder) // on the Hub, with only its configuration fetched
        {
            Inspection configured = new(name, "transcoders");
            configured.Add("weights", "not here yet; the first command that uses them downloads them");
            return configured;
        }
        using TranscoderSet opened = set;
        Inspection inspection = new(name, set.IsCrossLayer ? "cross-layer transcoder" : "transcoders, one a layer");
        inspection.Add("name", set.Name);
        if (set.ModelName is { } model) inspection.Add("model", model);
        inspection.Add("layers", set.Layers.Count);
        inspection.Add("features a layer", set.Layers[0].Features);
        inspection.Add("width", set.Layers[0].Width);
        inspection.Add("activation", set.Layers[0].Activation.Name);
        inspection.Add("reads", set.Input.Name());
        inspection.Add("writes", set.Output.Name());
        inspection.Add("skip connection", set.HasSkip ? "yes" : "no");
        inspection.Add("weights", $"{set.Layers[0].Encoder.Type} encoders, {set.Layers[0].DecoderType} decoders");
        inspection.AddMemory(set.Bytes);
        return inspection;
    }

    private static Inspection SingleFile(string path)
    {
        if (path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase))
        {
            using NpzFile npz = NpzFile.Open(path);
            Inspection archive = new(path, "npz archive");
            archive.AddTensors(npz.Arrays.Select(entry => entry.Value));
            return archive;
        }
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Inspection inspection = new(path, file.Metadata.GetValueOrDefault("format") == "microtome-graph" ? "attribution graph" : "safetensors file");
        foreach ((string key, string value) in file.Metadata) inspection.Add(key, value.Length > 60 ? value[..60] + "…" : value);
        inspection.AddTensors(file.Tensors.Values);
        return inspection;
    }
}
