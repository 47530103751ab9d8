using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microtome.Dictionaries;
using Microtome.Models;
using Microtome.Models.ChatTemplates;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>Runs introspection experiments and writes their results: cells as SQLite and JSON lines, figures as Vega-Lite and SVG, one report.</summary>
public static class IntrospectionRun
{
    /// <summary>Runs an experiment, or what is left of it, into a folder.</summary>
    /// <param name="dictionary">The latents of the experiments that look at latents.</param>
    /// <param name="progress">Told what is done and, where known, the fraction of it.</param>
    /// <exception cref="ArgumentException">The settings do not fit the model; the message says where.</exception>
    /// <exception cref="InvalidDataException">The folder holds another experiment's results.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; run again, it goes on where it stopped.</exception>
    public static ExperimentOutcome Run(ExperimentSettings settings, LoadedModel model, TranscoderSet? dictionary, string folder, Sharing sharing = Sharing.All, Action<string, double?>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(folder);
        dictionary?.CheckFits(model.Specification);
        string description = Describe(settings, model);
        using SweepStore store = SweepStore.Open(Path.Combine(folder, "results.sqlite"), Fingerprint(description, model, dictionary), description);
        ExperimentContext context = new(settings, model, dictionary, store, folder, sharing, progress, cancellation);
        ExperimentOutcome outcome = Experiment(settings.Kind)(context);
        if (settings.Kind != ExperimentKind.KnownNames && InjectedVector.Alike(context.Vectors, context.Layers[context.Layers.Count / 2]) is { } alike) outcome.Caution(alike);

        string title = settings.Title ?? settings.Kind.Title;
        outcome.Write(folder, title, settings.Kind, Origin(context));
        WriteFindings(Path.Combine(folder, "findings.json"), title, context, outcome);
        return outcome;
    }

    private static Func<ExperimentContext, ExperimentOutcome> Experiment(ExperimentKind kind) => kind.Name switch
    {
        "injected-thought" => InjectedThoughtExperiment.Run,
        "which-thought" => WhichThoughtExperiment.Run,
        "through-the-cache" => ThroughTheCacheExperiment.Run,
        "which-sentence" => WhichSentenceExperiment.Run,
        "where-it-happens" => WhereItHappensExperiment.Run,
        "trained-introspection" => TrainedIntrospectionExperiment.Run,
        "carriers-and-gates" => CarriersAndGatesExperiment.Run,
        "known-names" => KnownNamesExperiment.Run,
        _ => throw new ArgumentException($"The experiment '{kind.Name}' cannot be run."),
    };

    private static IEnumerable<(string, string)> Origin(ExperimentContext context)
    {
        ExperimentSettings settings = context.Settings;
        yield return ("model", $"{context.Model.Name} ({context.Model.Specification.Family}, {context.Model.Specification.Layers.Count} layers of width {context.Model.Specification.ModelWidth})");
        if (context.Dictionary is not null) yield return ("dictionary", context.Dictionary.Name);
        if (settings.Kind != ExperimentKind.KnownNames) yield return ("concepts", string.Join(", ", settings.Concepts.Select(concept => concept.Name)));
        yield return ("random vectors", settings.Kind == ExperimentKind.WhichThought ? "one for each concept, as long as it is" : $"{settings.Placebos}");
        yield return ("layers", string.Join(", ", context.Layers));
        yield return ("strengths", $"{string.Join(", ", settings.Strengths.Select(strength => strength.ToString("G6", CultureInfo.InvariantCulture)))} ({settings.Unit.ToString().ToLowerInvariant()})");
        foreach (PromptKey key in settings.Kind.Prompts) yield return (key.Name, string.Join(" | ", settings.Texts(key.Name)));
        foreach (NumberKey key in settings.Kind.Numbers) yield return (key.Name, settings.Number(key.Name).ToString("G6", CultureInfo.InvariantCulture));
        yield return ("seed", $"{settings.Seed}");
        yield return ("resamples", $"{settings.Resamples}");
        yield return ("version", MicrotomeVersion.Text);
    }

    /// <summary>Everything that results depend on but the weights.</summary>
    private static string Describe(ExperimentSettings settings, LoadedModel model)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("experiment", settings.Kind.Name);
            json.WriteString("model", model.Name);
            json.WriteString("concepts", string.Join('\n', settings.Concepts.Select(concept => $"{concept.Name}\t{(concept.File is { } file ? Hash(File.ReadAllBytes(file)) : "")}\t{string.Join(' ', concept.Latents ?? [])}")));
            json.WriteString("templates", string.Join('\n', settings.VectorTemplates ?? ConceptTemplates.Default.Templates));
            json.WriteString("baseline", string.Join('\n', settings.BaselineWords ?? ConceptTemplates.Default.Baseline));
            json.WriteString("chat_template", ChatTemplateFiles.Load(model.Checkpoint.Folder)?.Source ?? "");
            json.WriteString("layers", settings.Layers);
            json.WriteString("strengths", string.Join(' ', settings.Strengths));
            json.WriteString("unit", settings.Unit.ToString());
            json.WriteString("positions", settings.Positions ?? "");
            json.WriteNumber("placebos", settings.Placebos);
            json.WriteNumber("seed", settings.Seed);
            json.WriteString("yes", string.Join('\n', settings.Yes));
            json.WriteString("no", string.Join('\n', settings.No));
            foreach (PromptKey key in settings.Kind.Prompts) json.WriteString($"prompt {key.Name}", string.Join('\n', settings.Texts(key.Name)));
            foreach (NumberKey key in settings.Kind.Numbers) json.WriteNumber($"number {key.Name}", settings.Number(key.Name));
            json.WriteString("version", MicrotomeVersion.Text);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static string Fingerprint(string description, LoadedModel model, TranscoderSet? dictionary)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(description));
        hash.AppendData(Encoding.UTF8.GetBytes(dictionary?.Name ?? ""));
        // Weights of gigabytes are told apart by some of each tensor's elements.
        foreach ((string name, StoredTensor tensor) in model.Checkpoint.Tensors.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}{tensor.ShapeText}{tensor.Type}"));
            hash.AppendData(Sample(tensor));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static unsafe byte[] Sample(StoredTensor tensor)
    {
        const int piece = 64, pieces = 16;
        long bytes = tensor.Type.Size();
        foreach (long size in tensor.Shape) bytes *= size;
        using MemoryStream sample = new();
        for (int i = 0; i < pieces; i++)
        {
            long start = bytes * i / pieces, count = Math.Min(piece, bytes - start);
            if (count > 0) sample.Write(new ReadOnlySpan<byte>(tensor.Data + start, (int)count));
        }
        GC.KeepAlive(tensor);
        return sample.ToArray();
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static void WriteFindings(string path, string title, ExperimentContext context, ExperimentOutcome outcome) => AtomicFile.Write(path, stream =>
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteString("experiment", context.Settings.Kind.Name);
        json.WriteString("title", title);
        json.WriteString("model", context.Model.Name);
        json.WriteString("version", MicrotomeVersion.Text);
        json.WriteString("verdict", outcome.Verdict);
        json.WriteString("summary", outcome.Summary);
        json.WriteStartArray("findings");
        foreach (Finding finding in outcome.Findings)
        {
            json.WriteStartObject();
            finding.Write(json);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("cautions");
        foreach (string caution in outcome.Cautions) json.WriteStringValue(caution);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>A finding as JSON members.</summary>
    public static void Write(this Finding finding, Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(finding);
        ArgumentNullException.ThrowIfNull(json);
        void Number(string name, double value)
        {
            if (double.IsFinite(value)) json.WriteNumber(name, value);
            else json.WriteNull(name);
        }
        json.WriteString("name", finding.Name);
        json.WriteString("text", finding.Text);
        if (finding.Value is { } value)
        {
            Number("estimate", value.Estimate);
            Number("low", value.Low);
            Number("high", value.High);
        }
        if (finding.Probability is { } probability) Number("p", probability);
    }
}
