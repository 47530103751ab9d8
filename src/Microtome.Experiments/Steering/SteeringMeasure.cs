using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>How large a steering's additions are beside the stream that they are added to: all that were added up to a layer, over the length of the stream there.</summary>
public sealed class SteeringMeasure
{
    /// <summary>Above this share models usually stop making sense.</summary>
    public const double Large = 0.5;

    private readonly Dictionary<(int Sequence, int Position), float[]> _sums = [];
    private (int Sequence, int Position)[] _places = []; // of the rows that are under way

    /// <summary>The largest share at any layer and position.</summary>
    public double LargestShare { get; private set; }

    /// <summary>Where it is.</summary>
    public int Layer { get; private set; }

    public int Position { get; private set; }

    /// <summary>Notes the additions of a layer; called before they are made.</summary>
    internal void Note(Tensor stream, HookContext at, RowEdits<Addition> additions, float[] norms)
    {
        Begin(stream, at);
        additions.Apply(stream, at, (addition, index, row, number) => Add(number, Steering.Factor(addition, norms[index], row), addition.Direction));
        Compare(stream, at);
    }

    /// <summary>Begins to note what is added to the rows of an activation.</summary>
    internal void Begin(Tensor activation, HookContext at)
    {
        _places = new (int, int)[activation.Rows];
        foreach (TokenSpan sequence in at.Sequences)
            for (int i = 0; i < sequence.Length; i++) _places[sequence.Start + i] = (sequence.Index, sequence.Past + i);
    }

    /// <summary>Notes that a direction times a factor is added to a row.</summary>
    internal void Add(int row, float factor, float[] direction)
    {
        if (factor == 0) return;
        if (!_sums.TryGetValue(_places[row], out float[]? sum)) _sums.Add(_places[row], sum = new float[direction.Length]);
        VectorOperations.AddScaled(sum, factor, direction);
    }

    /// <summary>Compares what was added up to here with the stream.</summary>
    internal void Compare(Tensor stream, HookContext at)
    {
        Begin(stream, at);
        for (int row = 0; row < stream.Rows; row++)
        {
            if (!_sums.TryGetValue(_places[row], out float[]? sum)) continue;
            double share = SteeringVector.Norm(sum) / Math.Max(SteeringVector.Norm(stream.Row(row)), 1e-30);
            if (!(share > LargestShare)) continue;
            LargestShare = share;
            (Layer, Position) = (at.Layer, _places[row].Position);
        }
    }
}
