using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Dictionaries;

/// <summary>Rows of a matrix as if they were activations, in a new order each time: the decoder of a dictionary, for one that takes it apart.</summary>
public sealed class RowActivations(string name, string? model, Tensor rows, int chunkRows, int seed) : ActivationSource
{
    public override string Name => name;

    public override string? ModelName => model;

    /// <summary>One, which stands for no place in a model.</summary>
    public override IReadOnlyList<ActivationSite> Sites { get; } = [new ActivationSite(HookPoint.Embed, 0)];

    /// <summary>What an autoencoder's latents write, each with a norm of 1.</summary>
    /// <returns>[latents, output width]</returns>
    public static Tensor UnitRows(SparseAutoencoder autoencoder)
    {
        Tensor rows = Tensor.Uninitialized(autoencoder.Latents, autoencoder.OutputWidth);
        for (int latent = 0; latent < rows.Rows; latent++)
        {
            autoencoder.DecoderRow(latent, rows.Row(latent));
            Training.DecoderRows.Normalize(rows.Row(latent));
        }
        return rows;
    }

    public override ActivationChunk Read(long position, CancellationToken cancellation = default)
    {
        Tensor chunk = Tensor.Uninitialized(chunkRows, rows.Columns);
        int filled = 0;
        for (long pass = position; filled < chunkRows; pass++)
        {
            int[] order = Shuffle(rows.Rows, seed, pass);
            for (int i = 0; i < order.Length && filled < chunkRows; i++) rows.Row(order[i]).CopyTo(chunk.Row(filled++));
            position = pass + 1;
        }
        return new ActivationChunk([chunk], position);
    }
}
