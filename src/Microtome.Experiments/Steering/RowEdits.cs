using Microtome.Models;
using Microtome.Numerics;

namespace Microtome.Experiments;

/// <summary>Changes a row of an activation.</summary>
/// <param name="index">Which of the edits.</param>
/// <param name="at">The row's number in the batch.</param>
internal delegate void RowEdit<T>(T edit, int index, Span<float> row, int at);

/// <summary>The edits of one hook, each for a sequence of the batch or for all, found by row without allocating.</summary>
internal sealed class RowEdits<T> where T : SteeringEdit
{
    private readonly int[] _sequences; // -1: all
    private readonly int[][] _bySequence;
    private readonly int[] _everywhere;

    /// <param name="edits">Each with the sequence that it is for; -1 for all.</param>
    public RowEdits(IEnumerable<(T Edit, int Sequence)> edits)
    {
        (T Edit, int Sequence)[] all = [.. edits];
        All = [.. all.Select(one => one.Edit)];
        _sequences = [.. all.Select(one => one.Sequence)];
        _everywhere = Of(-1);
        _bySequence = [.. Enumerable.Range(0, _sequences.Append(-1).Max() + 1).Select(Of)];
    }

    public IReadOnlyList<T> All { get; }

    /// <summary>Calls an action for each edit and row that it is for: rows in order, of a row the edits in order.</summary>
    public void Apply(Tensor activation, HookContext context, RowEdit<T> action)
    {
        IReadOnlyList<TokenSpan> sequences = context.Sequences;
        for (int i = 0; i < sequences.Count; i++)
        {
            TokenSpan sequence = sequences[i];
            foreach (int index in _everywhere) Apply(activation, sequence, index, action);
            if (sequence.Index < _bySequence.Length)
                foreach (int index in _bySequence[sequence.Index]) Apply(activation, sequence, index, action);
        }
    }

    private void Apply(Tensor activation, TokenSpan sequence, int index, RowEdit<T> action)
    {
        T edit = All[index];
        (int begin, int end) = edit.Positions.Within(sequence.Past, sequence.Length);
        for (int row = sequence.Start + begin; row < sequence.Start + end; row++) action(edit, index, activation.Row(row), row);
    }

    private int[] Of(int sequence) => [.. Enumerable.Range(0, _sequences.Length).Where(i => _sequences[i] == sequence)];
}
