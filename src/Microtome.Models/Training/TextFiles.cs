using System.Text;

namespace Microtome.Models.Training;

/// <summary>
/// Texts from files. A file's texts are what stands between lines of <c>&lt;|endoftext|&gt;</c>; long ones are cut between paragraphs. One in twenty
/// is held out for validation.
/// </summary>
public sealed class TextFiles
{
    private const string Separator = "<|endoftext|>";
    private const int LongText = 4000, HeldOutEvery = 20; // characters; texts
    private const long LargestTotal = 1L << 30;
    private readonly List<string> _training = [], _heldOut = [];

    /// <exception cref="InvalidDataException">A file is not UTF-8 text, they have no text, or they are larger than 1 GB together.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public TextFiles(IReadOnlyList<string> paths)
    {
        long total = paths.Sum(path => new FileInfo(path).Length);
        if (total > LargestTotal) throw new InvalidDataException($"The text files have {total} bytes together; {LargestTotal} are the most.");
        int count = 0;
        foreach (string path in paths)
        {
            string text;
            try
            {
                text = File.ReadAllText(path, new UTF8Encoding(false, throwOnInvalidBytes: true));
            }
            catch (DecoderFallbackException exception)
            {
                throw new InvalidDataException($"{path} is not UTF-8 text.", exception);
            }
            foreach (string piece in text.ReplaceLineEndings("\n").Split(Separator).SelectMany(Cut))
                (++count % HeldOutEvery == 0 ? _heldOut : _training).Add(piece);
        }
        if (_training.Count == 0) throw new InvalidDataException($"{string.Join(", ", paths)}: there is no text.");
    }

    public IReadOnlyList<string> Training => _training;

    public IReadOnlyList<string> HeldOut => _heldOut;

    /// <summary>The texts to train on in a random order, and then in another, without end.</summary>
    public IEnumerable<string> Shuffled(int seed)
    {
        Random random = new(seed);
        int[] order = [.. Enumerable.Range(0, _training.Count)];
        while (true)
        {
            random.Shuffle(order);
            foreach (int index in order) yield return _training[index];
        }
    }

    private static IEnumerable<string> Cut(string text)
    {
        StringBuilder piece = new();
        foreach (string paragraph in text.Trim().Split("\n\n"))
        {
            if (piece.Length > 0 && piece.Length + paragraph.Length > LongText)
            {
                yield return piece.ToString();
                piece.Clear();
            }
            if (paragraph.Length == 0) continue;
            if (piece.Length > 0) piece.Append("\n\n");
            piece.Append(paragraph);
        }
        if (piece.Length > 0) yield return piece.ToString();
    }
}
