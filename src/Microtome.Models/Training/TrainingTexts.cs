using System.Security.Cryptography;
using System.Text;
using Microtome.Models.SmallWorld;

namespace Microtome.Models.Training;

/// <summary>What a language model learns from.</summary>
/// <param name="Name">What it is called in records.</param>
/// <param name="Training">Endless, and the same whenever it is enumerated anew.</param>
/// <param name="Validation">Texts that are not, or only by chance, among those.</param>
/// <param name="Sample">Some of the texts to train on, of which the vocabulary is made.</param>
public sealed record TrainingTexts(string Name, IEnumerable<string> Training, IEnumerable<string> Validation, IEnumerable<string> Sample)
{
    /// <summary>The name of the sentences of <see cref="World"/>, in place of files.</summary>
    public const string SmallWorld = "small-world";

    private const int SampleLength = 16 << 20; // characters

    /// <summary>The texts that a recipe's sources name: <see cref="SmallWorld"/>, or files.</summary>
    /// <inheritdoc cref="TextFiles(IReadOnlyList{string})" path="/exception"/>
    public static TrainingTexts Open(IReadOnlyList<string> sources, int seed) => sources is [SmallWorld] ? From(SmallWorld, new World().Documents, seed) : FromFiles(sources, seed);

    /// <summary>Texts of a generator; validation has another seed than training.</summary>
    public static TrainingTexts From(string name, TextSource source, int seed)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new TrainingTexts(name, source(seed), source(unchecked(seed + 0x5EED)), Take(source(seed), SampleLength / 8));
    }

    /// <summary>Texts of files.</summary>
    /// <inheritdoc cref="TextFiles(IReadOnlyList{string})" path="/exception"/>
    public static TrainingTexts FromFiles(IReadOnlyList<string> paths, int seed)
    {
        TextFiles files = new(paths);
        return new TrainingTexts(string.Join(", ", paths), files.Shuffled(seed), files.HeldOut, Take(files.Training, SampleLength));
    }

    /// <summary>A hash of the sample: texts with another are not those that training began with.</summary>
    public string Fingerprint()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string text in Sample) hash.AppendData(Encoding.UTF8.GetBytes(text + "\0"));
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private static IEnumerable<string> Take(IEnumerable<string> texts, int characters)
    {
        foreach (string text in texts)
        {
            yield return text;
            characters -= text.Length;
            if (characters <= 0) yield break;
        }
    }
}
