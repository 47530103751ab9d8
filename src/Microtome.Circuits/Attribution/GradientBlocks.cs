namespace Microtome.Circuits;

/// <summary>
/// How the gradients of a batch of targets lie in memory. A target at position p has a gradient at positions up to p only, and one
/// at layer l takes part only below l. So targets are grouped by layer, highest first; in a group stand all gradients at the first
/// position, then all at the next, and so on; and in a position the targets with the highest positions come first. Then the
/// gradients that take part at a layer are the first so many rows, those of one group and position are consecutive, and every
/// product works on just what it needs.
/// </summary>
internal sealed class GradientBlocks
{
    private const int TileSize = 2048; // gradients: many enough for products, few enough for the last-level cache
    private readonly List<Group> _groups = [];
    private readonly List<Block>[] _blocks;

    /// <param name="targets">By layer, then position, both descending.</param>
    /// <param name="firstPosition">Positions before it need no gradients; no target is at one.</param>
    public GradientBlocks(ReadingTarget[] targets, int firstPosition)
    {
        Targets = targets;
        FirstPosition = firstPosition;
        int positions = targets.Max(target => target.Position) + 1;
        _blocks = new List<Block>[positions];
        for (int position = 0; position < positions; position++) _blocks[position] = [];
        List<int> positionOf = [];
        for (int first = 0; first < targets.Length;)
        {
            int end = first + 1, largest = first + Math.Max(1, TileSize / (targets[first].Position + 1 - firstPosition));
            while (end < Math.Min(targets.Length, largest) && targets[end].Layer == targets[first].Layer) end++;
            int start = positionOf.Count;
            int[] starts = new int[targets[first].Position + 1];
            starts.AsSpan(0, firstPosition).Fill(start);
            for (int position = firstPosition, rows = end - first; position < starts.Length; position++)
            {
                while (targets[first + rows - 1].Position < position) rows--;
                starts[position] = positionOf.Count;
                for (int i = 0; i < rows; i++) positionOf.Add(position);
            }
            Group group = new(targets[first].Layer, first, end - first, starts, start, positionOf.Count);
            for (int position = firstPosition; position < starts.Length; position++) _blocks[position].Add(group.At(position));
            _groups.Add(group);
            first = end;
        }
        PositionOf = [.. positionOf];
    }

    public ReadingTarget[] Targets { get; }

    /// <summary>The first position that has gradients.</summary>
    public int FirstPosition { get; }

    /// <summary>The position of each gradient.</summary>
    public int[] PositionOf { get; }

    /// <summary>How many gradients there are: the sum over targets of their positions from the first on.</summary>
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

    /// <summary>The most gradients in a tile.</summary>
    public int LargestTile => Math.Min(Count, Math.Max(TileSize, _groups.Max(group => group.End - group.Start)));

    /// <summary>Cuts the groups of the gradients from <paramref name="start"/> to <paramref name="end"/> into tiles.</summary>
    public IEnumerable<Tile> Tiles(int start, int end)
    {
        List<Group> tile = [];
        foreach (Group group in _groups.Where(group => group.Start >= start && group.End <= end))
        {
            if (tile.Count > 0 && group.End - tile[0].Start > TileSize)
            {
                yield return new Tile(this, tile);
                tile = [];
            }
            tile.Add(group);
        }
        if (tile.Count > 0) yield return new Tile(this, tile);
    }

    /// <summary>The blocks of a position, in the order of their groups.</summary>
    public IReadOnlyList<Block> At(int position) => position < _blocks.Length ? _blocks[position] : [];

    /// <summary>Targets of one layer.</summary>
    /// <param name="FirstRow">The first of its targets.</param>
    /// <param name="Rows">How many targets it has.</param>
    /// <param name="Starts">The first gradient at each position.</param>
    /// <param name="Start">Its first gradient.</param>
    /// <param name="End">The gradient after its last.</param>
    public sealed record Group(int Layer, int FirstRow, int Rows, int[] Starts, int Start, int End)
    {
        /// <summary>The gradient of a target at a position.</summary>
        public int IndexOf(int row, int position) => Starts[position] + row - FirstRow;

        /// <summary>Its gradients at a position up to the highest of its targets'.</summary>
        public Block At(int position) => new(Starts[position], (position + 1 < Starts.Length ? Starts[position + 1] : End) - Starts[position], FirstRow);
    }

    /// <summary>Groups whose gradients are worked on together.</summary>
    public sealed class Tile(GradientBlocks blocks, List<Group> groups)
    {
        public IReadOnlyList<Group> Groups => groups;

        /// <summary>Its first gradient.</summary>
        public int Start => groups[0].Start;

        /// <summary>How many gradients it has.</summary>
        public int Count => groups[^1].End - Start;

        /// <summary>The first position that has gradients.</summary>
        public int FirstPosition => blocks.FirstPosition;

        /// <summary>How many targets it has.</summary>
        public int Rows => groups[^1].FirstRow + groups[^1].Rows - groups[0].FirstRow;

        /// <summary>One of its targets.</summary>
        public TargetGradients Target(int index)
        {
            int row = groups[0].FirstRow + index, at = 0;
            while (row >= groups[at].FirstRow + groups[at].Rows) at++;
            return new TargetGradients(blocks.Targets[row].Position, groups[at].Starts, row - groups[at].FirstRow - Start);
        }
    }

    /// <summary>The gradients of one group at one position.</summary>
    /// <param name="Start">The first gradient.</param>
    /// <param name="Rows">How many targets of the group reach this position: its first so many.</param>
    /// <param name="FirstRow">The first of their targets.</param>
    public readonly record struct Block(int Start, int Rows, int FirstRow);
}

/// <summary>Where the gradients of one target lie in its tile.</summary>
internal readonly struct TargetGradients(int position, int[] starts, int offset)
{
    /// <summary>The target's own position: the last that has a gradient.</summary>
    public int Position => position;

    /// <summary>The gradient at a position.</summary>
    public int this[int at] => starts[at] + offset;
}
