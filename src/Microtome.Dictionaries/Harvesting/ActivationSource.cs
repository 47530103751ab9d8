using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>A place in a model whose activations are collected.</summary>
public readonly record struct ActivationSite(HookPoint Point, int Layer)
{
    /// <summary>The hook's whole name.</summary>
    public string Name => Point.FullName(Layer);

    /// <exception cref="ArgumentException">The model has no such hook; the message lists those it has.</exception>
    public static ActivationSite Parse(string name, ModelSpecification model)
    {
        (HookPoint point, int layer) = HookNames.Parse(name, model);
        return model.WidthAt(point) is null
            ? throw new ArgumentException($"'{name}' has a value for every pair of tokens; activations are collected where there is a row for each token.")
            : new ActivationSite(point, layer);
    }
}

/// <summary>Activations of many tokens, in an order that mixes the texts they come from.</summary>
/// <param name="Sites">[tokens, width] for each site: row i of all belongs to the same token</param>
/// <param name="Next">Where the source goes on.</param>
public sealed record ActivationChunk(IReadOnlyList<Tensor> Sites, long Next)
{
    public int Tokens => Sites[0].Rows;
}

/// <summary>Where activations to train on come from. The same place gives the same activations, so that training can go on from where it was.</summary>
public abstract class ActivationSource : IDisposable
{
    /// <summary>What results call it.</summary>
    public abstract string Name { get; }

    /// <summary>The model that the activations are of, where it is known.</summary>
    public abstract string? ModelName { get; }

    public abstract IReadOnlyList<ActivationSite> Sites { get; }

    /// <summary>The next tokens' activations.</summary>
    /// <param name="position">0 to begin with; after that, what the chunk before says.</param>
    public abstract ActivationChunk Read(long position, CancellationToken cancellation = default);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>What files call a model: its name on the Hub, or its folder's name wherever that lies.</summary>
    public static string NameOf(LoadedModel model) => Directory.Exists(model.Name) ? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model.Name))) : model.Name;

    /// <summary>An order of rows that depends on the seed and the place alone.</summary>
    internal static int[] Shuffle(int count, int seed, long position)
    {
        Random random = new(Training.TrainableDictionary.HashCode(seed, position));
        int[] order = [.. Enumerable.Range(0, count)];
        random.Shuffle(order);
        return order;
    }
}
