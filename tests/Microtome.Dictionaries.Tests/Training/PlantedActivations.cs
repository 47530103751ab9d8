using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries.Tests;

/// <summary>Activations that are sparse sums of known directions, so that what a dictionary should find is known.</summary>
internal sealed class PlantedActivations : ActivationSource
{
    public const int Width = 12, Directions = 18, Active = 2;
    private readonly int _layers;
    private readonly int _tokens;
    private readonly Tensor _read, _written;

    /// <param name="layers">For each layer there is a site to read and one to predict.</param>
    public PlantedActivations(int layers = 1, int tokens = 2048)
    {
        _layers = layers;
        _tokens = tokens;
        Random random = new(3);
        _read = Unit(random);
        _written = Unit(random);
        Sites = [.. Enumerable.Range(0, layers).Select(layer => new ActivationSite(HookPoint.MlpIn, layer)), .. Enumerable.Range(0, layers).Select(layer => new ActivationSite(HookPoint.MlpRawOut, layer))];
    }

    public override string Name => "planted";

    public override string? ModelName => "tiny";

    public override IReadOnlyList<ActivationSite> Sites { get; }

    /// <summary>A model whose hooks have this width.</summary>
    public ModelSpecification Model => ModelConfiguration.Parse(
        $$"""{"model_type": "llama", "hidden_size": {{Width}}, "intermediate_size": 8, "num_hidden_layers": {{_layers}}, "num_attention_heads": 2, "vocab_size": 9}""", "config.json");

    public override ActivationChunk Read(long position, CancellationToken cancellation = default)
    {
        Random random = new((int)position + 100);
        Tensor[] sites = [.. Sites.Select(_ => new Tensor(_tokens, Width))];
        for (int token = 0; token < _tokens; token++)
            for (int layer = 0; layer < _layers; layer++)
                for (int i = 0; i < Active; i++)
                {
                    int direction = random.Next(Directions);
                    float amount = 1 + random.NextSingle();
                    VectorOperations.AddScaled(sites[layer].Row(token), amount, _read.Row(direction));
                    VectorOperations.AddScaled(sites[_layers + layer].Row(token), amount, _written.Row(direction));
                    sites[layer].Row(token)[0] += 0.05f; // not centred
                }
        return new ActivationChunk(sites, position + 1);
    }

    private static Tensor Unit(Random random)
    {
        Tensor rows = SparseActivationsTests.Random(random, Directions, Width);
        for (int row = 0; row < Directions; row++) Dictionaries.Training.DecoderRows.Normalize(rows.Row(row));
        return rows;
    }
}
