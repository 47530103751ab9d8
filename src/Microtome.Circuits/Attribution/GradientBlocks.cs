namespace Microtome.Circuits;

/// <summary>
/// How the gradients of a batch of targets lie in memory. A target at position p has a gradient at positions 0 to p only, and one
/// at layer l takes part only below l. So targets are grouped by layer, highest first; in a group stand all gradients at position
/// 0, then all at position 1, and so on; and in a position the targets with the highest positions come first. Then the gradients
/// that take part at a layer are the first so many rows, those of one group and position are consecutive, and every product works
/// on just what it needs.
/// </summary>
internal sealed class GradientBlocks
{
    private readonly List<Group> _groups = [];
    private readonly List<Block>[] _blocks;

    /// <param name="targets">By layer, then position, both descending.</param>
    public GradientBlocks(ReadingTarget[] targets)
    {
        Targets = targets;
        int positions = targets.Max(target => target.Position) + 1;
        _blocks = new List<Block>[positions];
        for (int position = 0; position < positions; position++) _blocks[position] = [];
        List<int> positionOf = [];
        for (int first = 0; first < targets.Length;)
        {
            int end = first + 1;
            while (end < targets.Length && targets[end].Layer == targets[first].Layer) end++;
            int[] starts = new int[targets[first].Position + 1];
            for (int position = 0, rows = end - first; position < starts.Length; position++)
            {
                while (targets[first + rows - 1].Position < position) rows--;
                starts[position] = positionOf.Count;
                _blocks[position].Add(new Block(positionOf.Count, rows, first));
                for (int i = 0; i < rows; i++) positionOf.Add(position);
            }
            _groups.Add(new Group(targets[first].Layer, first, end - first, starts, positionOf.Count));
            first = end;
        }
        PositionOf = [.. positionOf];
    }

    public ReadingTarget[] Targets { get; }

    /// <summary>The position of each gradient.</summary>
    public int[] PositionOf { get; }

    /// <summary>How many gradients there are: the sum over targets of their position plus one.</summary>
    public int Count => PositionOf.Length;

    /// <summary>The highest target's layer.</summary>
    public int TopLayer => _groups[0].Layer;

    public IReadOnlyList<Group> Groups => _groups;

    /// <summary>How many gradients belong to targets above a layer.</summary>
    public int CountAbove(int layer)
    {
        int count = 0;
        foreach (Group group in _groups)
            if (group.Layer > layer) count = group.End;
        return count;
    }

    public IEnumerable<Group> GroupsAt(int layer) => _groups.Where(group => group.Layer == layer);

    /// <summary>The blocks of a position, in the order of their groups.</summary>
    public IReadOnlyList<Block> At(int position) => position < _blocks.Length ? _blocks[position] : [];

    /// <summary>The gradient of a target at a position.</summary>
    public int IndexOf(Group group, int row, int position) => group.Starts[position] + row - group.FirstRow;

    /// <summary>The targets of one layer.</summary>
    /// <param name="FirstRow">The first of its targets.</param>
    /// <param name="Rows">How many targets it has.</param>
    /// <param name="Starts">The first gradient at each position.</param>
    /// <param name="End">The gradient after its last.</param>
    public sealed record Group(int Layer, int FirstRow, int Rows, int[] Starts, int End);

    /// <summary>The gradients of one group at one position.</summary>
    /// <param name="Start">The first gradient.</param>
    /// <param name="Rows">How many targets of the group reach this position: its first so many.</param>
    /// <param name="FirstRow">The first of their targets.</param>
    public readonly record struct Block(int Start, int Rows, int FirstRow);
}
