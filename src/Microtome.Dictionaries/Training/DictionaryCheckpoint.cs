using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Training;

/// <summary>Where training is: how many steps were taken, and where in the activations the next one begins.</summary>
/// <param name="Chunk">The place of the chunk that is trained on.</param>
/// <param name="Row">The next row in it.</param>
internal readonly record struct TrainingPlace(long Step, long Chunk, int Row);

/// <summary>Files from which training goes on bit for bit: parameters, moments, what is known of dead latents, the place, and a hash of all. The last two are kept.</summary>
internal sealed class DictionaryCheckpoint(string folder, string settings)
{
    private const string Format = "microtome dictionary training 1", Prefix = "step-", Suffix = ".safetensors";
    private const int Kept = 2;

    /// <summary>The last one's path.</summary>
    public string? Last() => All().LastOrDefault().Path;

    public string Save(TrainingPlace place, IReadOnlyList<TrainableDictionary> dictionaries)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, $"{Prefix}{place.Step.ToString("D8", CultureInfo.InvariantCulture)}{Suffix}");
        SafetensorsWriter writer = new();
        foreach ((string name, Tensor tensor) in Tensors(dictionaries)) writer.Add(name, tensor);
        foreach ((string name, int[] idle) in Idle(dictionaries)) writer.Add(name, idle, idle.Length);
        writer.Metadata["format"] = Format;
        writer.Metadata["settings"] = settings;
        writer.Metadata["step"] = place.Step.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["chunk"] = place.Chunk.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["row"] = place.Row.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["kept_from"] = string.Join(' ', dictionaries.SelectMany(dictionary => dictionary.Blocks).Select(block => block.KeptFrom.ToString("R", CultureInfo.InvariantCulture)));
        writer.Metadata["scales"] = string.Join(' ', dictionaries.SelectMany(Scales).Select(scale => scale.ToString("R", CultureInfo.InvariantCulture)));
        writer.Metadata["sha256"] = Hash(Tensors(dictionaries).Select(entry => entry.Tensor), Idle(dictionaries).Select(entry => entry.Values));
        writer.Save(path);
        foreach ((_, string old) in All().SkipLast(Kept)) File.Delete(old);
        return path;
    }

    /// <exception cref="InvalidDataException">The file is damaged, or of other dictionaries.</exception>
    public TrainingPlace Load(string path, IReadOnlyList<TrainableDictionary> dictionaries)
    {
        using SafetensorsFile file = Open(path);
        if (Text("format") != Format) throw Corrupted(path, "it is no checkpoint of a dictionary's training");
        if (Text("settings") != settings)
            throw new InvalidDataException($"The checkpoint {path} was written with other options; resume with those it was started with:\n  {Text("settings")}\nnot\n  {settings}\nor train into another folder.");
        List<(Tensor Target, Tensor Loaded)> tensors = [];
        foreach ((string name, Tensor tensor) in Tensors(dictionaries))
        {
            StoredTensor? stored = file.Find(name);
            if (stored is null || stored.Type != ElementType.F32 || stored.Length != tensor.Length) throw Corrupted(path, $"it has no '{name}' of {tensor.Length} values");
            tensors.Add((tensor, stored.ToTensor()));
        }
        List<(int[] Target, int[] Loaded)> idle = [];
        foreach ((string name, int[] values) in Idle(dictionaries))
        {
            StoredTensor? stored = file.Find(name);
            if (stored is null || stored.Type != ElementType.I32 || stored.Length != values.Length) throw Corrupted(path, $"it has no '{name}' of {values.Length} values");
            idle.Add((values, Array.ConvertAll(stored.ToInt64(), value => (int)value)));
        }
        if (Text("sha256") != Hash(tensors.Select(entry => entry.Loaded), idle.Select(entry => entry.Loaded))) throw Corrupted(path, "its contents are not what was written");
        double[] kept = Numbers("kept_from", dictionaries.Sum(dictionary => dictionary.Blocks.Count)), scales = Numbers("scales", dictionaries.Sum(dictionary => Scales(dictionary).Count()));
        TrainingPlace place = new((long)Numbers("step", 1)[0], (long)Numbers("chunk", 1)[0], (int)Numbers("row", 1)[0]);

        foreach ((Tensor target, Tensor source) in tensors) source.Span.CopyTo(target.Span);
        foreach ((int[] target, int[] source) in idle) source.CopyTo(target, 0);
        int index = 0;
        foreach (LatentBlock block in dictionaries.SelectMany(dictionary => dictionary.Blocks)) block.KeptFrom = kept[index++];
        index = 0;
        foreach (TrainableDictionary dictionary in dictionaries)
        {
            for (int i = 0; i < dictionary.InputScales.Length; i++) dictionary.InputScales[i] = (float)scales[index++];
            for (int i = 0; i < dictionary.OutputScales.Length; i++) dictionary.OutputScales[i] = (float)scales[index++];
        }
        return place;

        string? Text(string key) => file.Metadata.GetValueOrDefault(key);

        double[] Numbers(string key, int count)
        {
            string[] words = (Text(key) ?? "").Split(' ');
            double[] numbers = [.. words.Select(word => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : throw Corrupted(path, $"its '{key}' is no number"))];
            return numbers.Length == count ? numbers : throw Corrupted(path, $"its '{key}' has {numbers.Length} numbers, not {count}");
        }
    }

    /// <summary>Removes all, when training is done.</summary>
    public void Clear()
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    private static SafetensorsFile Open(string path)
    {
        try
        {
            return SafetensorsFile.Open(path);
        }
        catch (InvalidDataException exception)
        {
            throw Corrupted(path, exception.Message);
        }
    }

    private static InvalidDataException Corrupted(string path, string why) => new($"The checkpoint {path} is corrupted: {why}. Remove it to go on from the one before it.");

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(IReadOnlyList<TrainableDictionary> dictionaries)
    {
        foreach (Parameter parameter in dictionaries.SelectMany(dictionary => dictionary.Parameters))
        {
            yield return (parameter.Name, parameter.Value);
            yield return ($"{parameter.Name}.mean", parameter.Mean);
            yield return ($"{parameter.Name}.mean_square", parameter.MeanSquare);
        }
    }

    private static IEnumerable<(string Name, int[] Values)> Idle(IReadOnlyList<TrainableDictionary> dictionaries) =>
        dictionaries.SelectMany(dictionary => dictionary.Blocks.Select((block, i) => ($"{dictionary.Name}.{i}.idle", block.Idle)));

    private static IEnumerable<float> Scales(TrainableDictionary dictionary) => dictionary.InputScales.Concat(dictionary.OutputScales);

    private static string Hash(IEnumerable<Tensor> tensors, IEnumerable<int[]> idle)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Tensor tensor in tensors) hash.AppendData(MemoryMarshal.AsBytes((ReadOnlySpan<float>)tensor.Span));
        foreach (int[] values in idle) hash.AppendData(MemoryMarshal.AsBytes<int>(values));
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private List<(long Step, string Path)> All()
    {
        if (!Directory.Exists(folder)) return [];
        List<(long, string)> found = [];
        foreach (string path in Directory.EnumerateFiles(folder, $"{Prefix}*{Suffix}"))
            if (long.TryParse(Path.GetFileName(path)[Prefix.Length..^Suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out long step)) found.Add((step, path));
        found.Sort();
        return found;
    }
}
