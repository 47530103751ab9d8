using Microtome.Numerics.Differentiation;

namespace Microtome.Models.Training;

/// <summary>A text to learn: each token but the first is predicted from those before it.</summary>
/// <param name="Weights">How much the prediction of each token counts, the first one's aside; 1 each when null.</param>
public sealed record TrainingDocument(int[] Tokens, float[]? Weights = null)
{
    /// <summary>How many rows it takes in a batch.</summary>
    public int Rows => Tokens.Length - 1;

    /// <summary>The sum of the weights of what is predicted.</summary>
    internal double TotalWeight
    {
        get
        {
            if (Weights is null) return Rows;
            double total = 0;
            for (int i = 1; i < Weights.Length; i++) total += Weights[i];
            return total;
        }
    }
}

/// <summary>Documents that are run together, one after the other. Tokens attend to their own document alone, and positions begin anew in each.</summary>
public sealed class TrainingBatch
{
    private const int PartRows = 1024;

    /// <param name="documents">Each of two tokens or more.</param>
    /// <param name="totalWeight">What the loss is divided by; the sum of the weights unless this is part of a larger batch.</param>
    /// <exception cref="ArgumentException">A document has fewer than two tokens, or not as many weights as tokens.</exception>
    public TrainingBatch(IReadOnlyList<TrainingDocument> documents, double? totalWeight = null)
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
        Targets = totalWeight is { } total ? new Targets(next, weights) { TotalWeight = total } : new Targets(next, weights);
    }

    /// <summary>
    /// Documents in batches of about a thousand rows, whose losses add up to the loss of all. Step by step they take less time than all at once:
    /// what one layer computes is still cached when the next reads it.
    /// </summary>
    public static IEnumerable<TrainingBatch> InParts(IReadOnlyList<TrainingDocument> documents)
    {
        double total = documents.Sum(document => document.TotalWeight);
        List<TrainingDocument> part = [];
        int rows = 0;
        foreach (TrainingDocument document in documents)
        {
            if (part.Count > 0 && rows + document.Rows > PartRows)
            {
                yield return new TrainingBatch(part, total);
                part = [];
                rows = 0;
            }
            part.Add(document);
            rows += document.Rows;
        }
        if (part.Count > 0) yield return new TrainingBatch(part, total);
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
