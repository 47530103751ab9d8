using Microtome.Models;
using Microtome.Models.Safetensors;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>Activations from a folder that <see cref="ActivationHarvest"/> filled, over and over, files and rows in a new order each time. Each file is checked when it is first read.</summary>
public sealed class HarvestedActivations : ActivationSource
{
    private readonly string _folder;
    private readonly HarvestManifest _manifest;
    private readonly int _seed;
    private readonly HashSet<int> _checked = [];

    /// <param name="model">What the hooks are of.</param>
    /// <exception cref="InvalidDataException">The folder is damaged, not complete, or of another model.</exception>
    public HarvestedActivations(string folder, ModelSpecification model, int seed)
    {
        _folder = folder;
        _manifest = HarvestManifest.Load(folder);
        _seed = seed;
        if (!_manifest.IsComplete) throw new InvalidDataException($"{folder} holds {_manifest.Done} of {_manifest.Tokens} tokens; run microtome harvest again with the same options to complete it.");
        Sites = [.. _manifest.Sites.Select(site => ActivationSite.Parse(site.Hook, model))];
        for (int i = 0; i < Sites.Count; i++)
            if (model.WidthAt(Sites[i].Point) != _manifest.Sites[i].Width)
                throw new InvalidDataException($"{folder} holds {_manifest.Sites[i].Width} values a token at {Sites[i].Name}, but the model has {model.WidthAt(Sites[i].Point)}; they are of another model ({_manifest.Model}).");
    }

    public override string Name => _manifest.Source;

    public override string? ModelName => _manifest.Model;

    public override IReadOnlyList<ActivationSite> Sites { get; }

    public HarvestManifest Manifest => _manifest;

    /// <exception cref="InvalidDataException">A file is missing or corrupted; the message names it.</exception>
    public override ActivationChunk Read(long position, CancellationToken cancellation = default)
    {
        int count = _manifest.Shards.Count, index = Shuffle(count, _seed, -1 - position / count)[position % count];
        ActivationShard shard = _manifest.Shards[index];
        string path = Path.Combine(_folder, shard.File);
        if (_checked.Add(index) && HarvestManifest.Fault(_folder, shard) is { } fault)
            throw new InvalidDataException($"{path} {fault}; run microtome harvest again with the same options to make it anew.");
        using SafetensorsFile file = SafetensorsFile.Open(path);
        int[] order = Shuffle(shard.Tokens, _seed, position);
        List<Tensor> sites = [];
        foreach ((string hook, int width) in _manifest.Sites)
        {
            cancellation.ThrowIfCancellationRequested();
            StoredTensor stored = file.Get(hook);
            if (stored.Type != ElementType.BF16 || !stored.Shape.SequenceEqual([shard.Tokens, width])) throw new InvalidDataException($"{path}: '{hook}' is {stored.Type} {stored.ShapeText}; BF16 [{shard.Tokens}, {width}] is needed.");
            MatrixView rows = stored.AsMatrix();
            Tensor site = Tensor.Uninitialized(shard.Tokens, width);
            for (int row = 0; row < order.Length; row++) rows.CopyRow(order[row], site.Row(row));
            sites.Add(site);
        }
        return new ActivationChunk(sites, position + 1);
    }
}
