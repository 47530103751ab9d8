using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>How large a steering's additions are beside the stream that they are added to: all that were added up to a layer, over the length of the stream there.</summary>
public sealed class SteeringMeasure
{
    /// <summary>Above this share models usually stop making sense.</summary>
    public const double Large = 0.5;

    private readonly Dictionary<(int Sequence, int Position), float[]> _sums = [];

    /// <summary>The largest share at any layer and position.</summary>
    public double LargestShare { get; private set; }

    /// <summary>Where it is.</summary>
    public int Layer { get; private set; }

    public int Position { get; private set; }

    /// <summary>Notes the additions of a layer; called before they are made.</summary>
    internal void Note(Tensor stream, HookContext at, RowEdits<Addition> additions, float[] norms)
    {
        (int Sequence, int Position)[] places = new (int, int)[stream.Rows];
        foreach (TokenSpan sequence in at.Sequences)
            for (int i = 0; i < sequence.Length; i++) places[sequence.Start + i] = (sequence.Index, sequence.Past + i);
        bool[] touched = new bool[stream.Rows];
        additions.Apply(stream, at, (addition, index, row, number) =>
        {
            if (!_sums.TryGetValue(places[number], out float[]? sum)) _sums.Add(places[number], sum = new float[row.Length]);
            VectorOperations.AddScaled(sum, Steering.Factor(addition, norms[index], row), addition.Direction);
            touched[number] = true;
        });
        for (int row = 0; row < touched.Length; row++)
        {
            if (!touched[row]) continue;
            double share = SteeringVector.Norm(_sums[places[row]]) / Math.Max(SteeringVector.Norm(stream.Row(row)), 1e-30);
            if (!(share > LargestShare)) continue;
            LargestShare = share;
            (Layer, Position) = (at.Layer, places[row].Position);
        }
    }
}
