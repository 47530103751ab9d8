using Microtome.Models;

namespace Microtome.Dictionaries.Tests;

/// <summary>A random model of the references with its transcoders, and contexts of random tokens.</summary>
internal sealed class SmallSource : IDisposable
{
    public SmallSource(string attributionCase = "llama-clt-relu")
    {
        string golden = Path.Combine(TestFiles.Repository, "tests", "data", "golden");
        Model = new ModelSource().LoadModelAsync(Path.Combine(golden, "models", attributionCase.Split('-')[0])).GetAwaiter().GetResult();
        Transcoders = TranscoderReader.Open(Path.Combine(golden, "attribution", attributionCase, "transcoders"));
    }

    public LoadedModel Model { get; }

    public TranscoderSet Transcoders { get; }

    public DictionaryFeatures Features => DictionaryFeatures.Of(Transcoders);

    /// <summary>Random contexts of 3 to 12 tokens, every fifth a repetition of the one before.</summary>
    public FixedContexts Contexts(int count, int seed = 1)
    {
        Random random = new(seed);
        List<int[]> contexts = [];
        for (int i = 0; i < count; i++)
            contexts.Add(i % 5 == 4 ? contexts[^1] : [1, .. Enumerable.Range(0, random.Next(2, 12)).Select(_ => random.Next(2, Model.Specification.VocabularySize))]);
        return new FixedContexts(contexts);
    }

    public void Dispose()
    {
        Transcoders.Dispose();
        Model.Dispose();
    }
}

internal sealed class FixedContexts(IReadOnlyList<int[]> contexts) : ContextSource
{
    public override string Name => "fixed";

    public IReadOnlyList<int[]> All => contexts;

    public override IEnumerable<TokenContext> Read(long first = 0)
    {
        for (int i = (int)first; i < contexts.Count; i++) yield return new TokenContext(i, i / 2, contexts[i]);
    }
}
