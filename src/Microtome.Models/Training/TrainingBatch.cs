using Microtome.Numerics.Differentiation;

namespace Microtome.Models.Training;

/// <summary>A text to learn: each token but the first is predicted from those before it.</summary>
/// <param name="Weights">How much the prediction of each token counts, the first one's aside; 1 each when null.</param>
public sealed record TrainingDocument(int[] Tokens, float[]? Weights = null)
{
    /// <summary>How many rows it takes in a batch.</summary>
    public int Rows => Tokens.Length - 1;
}

/// <summary>Documents that are run together, one after the other. Tokens attend to their own document alone, and positions begin anew in each.</summary>
public sealed class TrainingBatch
{
    /// <param name="documents">Each of two tokens or more.</param>
    /// <exception cref="ArgumentException">A document has fewer than two tokens, or not as many weights as tokens.</exception>
    public TrainingBatch(IReadOnlyList<TrainingDocument> documents)
    {
        int rows = 0;
        foreach (TrainingDocument document in documents)
        {
            if (document.Tokens.Length < 2) throw new ArgumentException("A document of fewer than two tokens has nothing to predict.", nameof(documents));
            if (document.Weights is { } given && given.Length != document.Tokens.Length) throw new ArgumentException($"A document has {document.Tokens.Length} tokens, but {given.Length} weights.", nameof(documents));
            rows += document.Rows;
        }
        Tokens = new int[rows];
        Positions = new int[rows];
        int[] next = new int[rows];
        float[]? weights = documents.Any(document => document.Weights is not null) ? new float[rows] : null;
        RowSpan[] spans = new RowSpan[documents.Count];
        int row = 0;
        for (int i = 0; i < spans.Length; i++)
        {
            TrainingDocument document = documents[i];
            spans[i] = new RowSpan(row, document.Rows);
            for (int position = 0; position < document.Rows; position++, row++)
            {
                Tokens[row] = document.Tokens[position];
                next[row] = document.Tokens[position + 1];
                Positions[row] = position;
                if (weights is not null) weights[row] = document.Weights?[position + 1] ?? 1;
            }
        }
        Documents = spans;
        Targets = new Targets(next, weights);
    }

    /// <summary>What each row reads.</summary>
    public int[] Tokens { get; }

    /// <summary>Each row's position in its document.</summary>
    public int[] Positions { get; }

    /// <summary>Each document's rows, in order.</summary>
    public IReadOnlyList<RowSpan> Documents { get; }

    /// <summary>What each row is to predict.</summary>
    public Targets Targets { get; }

    public int Rows => Tokens.Length;
}
