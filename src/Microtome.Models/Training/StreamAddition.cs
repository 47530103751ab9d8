using Microtome.Numerics.Differentiation;

namespace Microtome.Models.Training;

/// <summary>
/// Vectors that are added to the residual stream after a layer, as a <see cref="HookPoint.ResidPost"/> hook adds them. Where the table is a parameter,
/// its gradient is found with the loss: so that vectors can be trained through a model whose weights stay as they are
/// (<see cref="TrainableDecoder.Frozen"/>), or a model with given vectors in its stream.
/// </summary>
/// <param name="Layer">The layer after which they are added; -1 adds them to the embeddings.</param>
/// <param name="Table">[vectors, width]</param>
/// <param name="Indices">For each row of the batch, the vector that is added to it; -1 for none.</param>
public sealed record StreamAddition(int Layer, Variable Table, int[] Indices)
{
    /// <summary>One vector in every row: a bias.</summary>
    /// <param name="bias">[1, width]</param>
    public static StreamAddition Everywhere(int layer, Variable bias, TrainingBatch batch) => new(layer, bias, new int[batch.Rows]);

    /// <summary>A vector for each document, from a position on.</summary>
    /// <param name="vectors">[vectors, width]</param>
    /// <param name="vectorOfDocument">For each document, the vector that is added to it; -1 for none.</param>
    /// <param name="firstPosition">The first position to add it at, in each document.</param>
    /// <param name="endPosition">The position before which to stop; null adds it to the end.</param>
    /// <exception cref="ArgumentException">There is not one number for each document.</exception>
    public static StreamAddition ByDocument(int layer, Variable vectors, TrainingBatch batch, IReadOnlyList<int> vectorOfDocument, int firstPosition = 0, int? endPosition = null)
    {
        if (vectorOfDocument.Count != batch.Documents.Count) throw new ArgumentException($"{vectorOfDocument.Count} vectors were given for {batch.Documents.Count} documents.", nameof(vectorOfDocument));
        int[] indices = new int[batch.Rows];
        for (int document = 0; document < batch.Documents.Count; document++)
        {
            RowSpan span = batch.Documents[document];
            for (int position = 0; position < span.Length; position++)
                indices[span.Start + position] = position >= firstPosition && position < (endPosition ?? int.MaxValue) ? vectorOfDocument[document] : -1;
        }
        return new StreamAddition(layer, vectors, indices);
    }
}
