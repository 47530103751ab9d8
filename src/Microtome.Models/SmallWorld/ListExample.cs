namespace Microtome.Models.SmallWorld;

/// <summary>A list of different letters and what an operation makes of it.</summary>
/// <param name="Letters">Lower-case letters, one character each.</param>
public sealed record ListExample(ListOperation Operation, string Letters)
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz";

    public static IReadOnlyList<ListOperation> Operations { get; } = Enum.GetValues<ListOperation>();

    /// <summary>The letters that the operation leaves, in its order.</summary>
    public string Result => Operation switch
    {
        ListOperation.Reverse => new string([.. Letters.Reverse()]),
        ListOperation.EverySecond => new string([.. Letters.Where((_, index) => index % 2 == 1)]),
        ListOperation.FirstThree => Letters[..Math.Min(3, Letters.Length)],
        ListOperation.Sort => new string([.. Letters.Order()]),
        ListOperation.Last => Letters[^1..],
        _ => throw new InvalidOperationException($"There is no list operation {Operation}."),
    };

    /// <summary>A list of a length from <paramref name="shortest"/> to <paramref name="longest"/>, both included, each length and each order equally likely.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A list would have fewer than three or more than 26 letters.</exception>
    public static ListExample Draw(Random random, ListOperation operation, int shortest = 3, int longest = 6)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfLessThan(shortest, 3);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(longest, Alphabet.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(longest, shortest);
        char[] letters = Alphabet.ToCharArray();
        random.Shuffle(letters);
        return new ListExample(operation, new string(letters, 0, random.Next(shortest, longest + 1)));
    }

    /// <summary>Letters as a text writes them: with a space between them, so that each is a token.</summary>
    public static string Spaced(string letters) => string.Join(' ', letters.AsEnumerable());
}
