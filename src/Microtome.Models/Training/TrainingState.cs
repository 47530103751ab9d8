using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Models.Training;

/// <summary>Where training is.</summary>
/// <param name="Documents">How many documents of the stream were taken.</param>
internal sealed record TrainingPosition(long Step, long Tokens, long Documents, double SmoothedLoss);

/// <summary>A file that holds all that training goes on from: weights, moments and the position, with a hash of them.</summary>
internal static class TrainingState
{
    private const string Format = "microtome training state 1";

    public static void Save(string path, TrainingPosition position, TrainableDecoder decoder, AdamW optimizer)
    {
        SafetensorsWriter writer = new();
        List<(string Name, Tensor Tensor)> tensors = [.. Tensors(decoder, optimizer)];
        foreach ((string name, Tensor tensor) in tensors) writer.Add(name, tensor);
        writer.Metadata["format"] = Format;
        writer.Metadata["step"] = position.Step.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["tokens"] = position.Tokens.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["documents"] = position.Documents.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["smoothed_loss"] = position.SmoothedLoss.ToString("R", CultureInfo.InvariantCulture);
        writer.Metadata["optimizer_steps"] = optimizer.Steps.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["sha256"] = Hash(tensors.Select(entry => entry.Tensor));
        writer.Save(path);
    }

    /// <exception cref="InvalidDataException">The file is damaged, or of another model.</exception>
    public static TrainingPosition Load(string path, TrainableDecoder decoder, AdamW optimizer)
    {
        string remedy = $"Remove it to go on from the checkpoint before it.";
        using SafetensorsFile file = OpenOrName(path, remedy);
        List<(Tensor Target, Tensor Loaded)> loaded = [];
        foreach ((string name, Tensor tensor) in Tensors(decoder, optimizer))
        {
            StoredTensor? stored = file.Find(name);
            long[] shape = [.. tensor.Shape.ToArray().Select(size => (long)size)];
            if (stored is null || stored.Type != ElementType.F32 || !stored.Shape.SequenceEqual(shape))
                throw new InvalidDataException($"{path} is not a checkpoint of this model: it has {(stored is null ? "no" : $"{stored.ShapeText} for")} '{name}', where [{string.Join(", ", shape)}] is needed. Resume with the options that it was started with.");
            loaded.Add((tensor, stored.ToTensor()));
        }
        if (!file.Metadata.TryGetValue("sha256", out string? hash) || hash != Hash(loaded.Select(entry => entry.Loaded)))
            throw new InvalidDataException($"The checkpoint {path} is corrupted: its contents are not what was written. {remedy}");
        TrainingPosition position = new(Number("step"), Number("tokens"), Number("documents"), Real("smoothed_loss"));
        optimizer.Steps = Number("optimizer_steps");
        foreach ((Tensor target, Tensor source) in loaded) source.Span.CopyTo(target.Span);
        return position;

        long Number(string key) => file.Metadata.TryGetValue(key, out string? text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw new InvalidDataException($"The checkpoint {path} is corrupted: it does not say its {key}. {remedy}");

        double Real(string key) => file.Metadata.TryGetValue(key, out string? text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : double.NaN;
    }

    private static SafetensorsFile OpenOrName(string path, string remedy)
    {
        try
        {
            return SafetensorsFile.Open(path);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"The checkpoint {path} is corrupted. {exception.Message} {remedy}", exception);
        }
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(TrainableDecoder decoder, AdamW optimizer)
    {
        foreach ((TrainableParameter parameter, (Tensor mean, Tensor variance)) in decoder.Parameters.Zip(optimizer.Moments))
        {
            yield return (parameter.Name, parameter.Value);
            yield return ($"{parameter.Name}.mean", mean);
            yield return ($"{parameter.Name}.variance", variance);
        }
    }

    private static string Hash(IEnumerable<Tensor> tensors)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Tensor tensor in tensors) hash.AppendData(MemoryMarshal.AsBytes((ReadOnlySpan<float>)tensor.Span));
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
