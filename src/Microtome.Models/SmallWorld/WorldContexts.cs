namespace Microtome.Models.SmallWorld;

/// <summary>The small world's documents as a model reads them, without end.</summary>
/// <param name="length">The most tokens in a context, its first included; what a document has more is left out.</param>
public sealed class WorldContexts(World world, PromptEncoder prompts, int length, int seed) : ContextSource
{
    public override string Name => FormattableString.Invariant($"the small world (seed {seed})");

    public override IEnumerable<TokenContext> Read(long first = 0)
    {
        int[] begin = prompts.FirstToken is { } token ? [token] : [];
        long id = 0;
        foreach (string document in world.Documents(seed))
        {
            if (id >= first) yield return new TokenContext(id, id, [.. begin.Concat(prompts.EncodeText(document)).Take(length)]);
            id++;
        }
    }
}
