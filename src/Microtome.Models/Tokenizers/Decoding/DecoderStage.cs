using System.Text;

namespace Microtome.Models.Tokenizers;

/// <summary>
/// One step of decoding, fed with one token's text after another. After a <see cref="FuseStage"/> or a <see cref="ByteLevelStage"/>
/// the whole text is one token, which arrives in parts: such a stage passes on what it has, so that text can be shown while it is
/// being generated.
/// </summary>
internal abstract class DecoderStage
{
    /// <summary>Where this stage's output goes.</summary>
    public DecoderStage? Next { get; set; }

    public abstract void Push(string token);

    /// <summary>Ends the text.</summary>
    public virtual void Finish() => Next!.Finish();
}

/// <summary>Collects the decoded text.</summary>
internal sealed class TextStage : DecoderStage
{
    private readonly StringBuilder _text = new();

    public override void Push(string token) => _text.Append(token);

    public override void Finish() { }

    /// <summary>What has arrived since the last call.</summary>
    public string Take()
    {
        string text = _text.ToString();
        _text.Clear();
        return text;
    }
}

/// <summary>Joins tokens with spaces, which is what decoding means where a tokenizer has no decoder.</summary>
internal sealed class SpaceStage : DecoderStage
{
    private bool _started;

    public override void Push(string token)
    {
        Next!.Push(_started ? " " + token : token);
        _started = true;
    }
}

/// <summary>Passes the text on; what follows treats all of it as one token.</summary>
internal sealed class FuseStage : DecoderStage
{
    public override void Push(string token) => Next!.Push(token);
}

/// <summary>Holds the text back until it is whole.</summary>
internal sealed class WholeTextStage : DecoderStage
{
    private readonly StringBuilder _text = new();

    public override void Push(string token) => _text.Append(token);

    public override void Finish()
    {
        Next!.Push(_text.ToString());
        _text.Clear();
        Next.Finish();
    }
}

/// <summary>Turns characters of the <see cref="ByteAlphabet"/> back into bytes, and those from UTF-8 into text.</summary>
internal sealed class ByteLevelStage : DecoderStage
{
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();

    public override void Push(string token)
    {
        byte[] bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            int value = ByteAlphabet.Byte(token[i]);
            if (value < 0)
            {
                // One foreign character, and the token stands for its own text.
                bytes = Encoding.UTF8.GetBytes(token);
                break;
            }
            bytes[i] = (byte)value;
        }
        Decode(bytes, flush: false);
    }

    public override void Finish()
    {
        Decode([], flush: true);
        Next!.Finish();
    }

    private void Decode(byte[] bytes, bool flush)
    {
        char[] units = new char[_utf8.GetCharCount(bytes, flush)];
        int count = _utf8.GetChars(bytes, units, flush);
        if (count > 0) Next!.Push(new string(units, 0, count));
    }
}

/// <summary>
/// Joins tokens such as <c>&lt;0xE2&gt;</c> to the text whose UTF-8 they are. A run of them that is not whole characters becomes one
/// U+FFFD for each byte, and so nothing of a run is passed on before it ends.
/// </summary>
internal sealed class ByteFallbackStage : DecoderStage
{
    private readonly List<byte> _run = [];

    public override void Push(string token)
    {
        if (token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && char.IsAsciiHexDigit(token[3]) && char.IsAsciiHexDigit(token[4]))
        {
            _run.Add(Convert.ToByte(token[3..5], 16));
            return;
        }
        EndRun();
        Next!.Push(token);
    }

    public override void Finish()
    {
        EndRun();
        Next!.Finish();
    }

    private void EndRun()
    {
        if (_run.Count == 0) return;
        byte[] bytes = [.. _run];
        _run.Clear();
        if (System.Text.Unicode.Utf8.IsValid(bytes)) Next!.Push(Encoding.UTF8.GetString(bytes));
        else foreach (byte _ in bytes) Next!.Push("\uFFFD");
    }
}

/// <summary>Replaces what a pattern matches in each token.</summary>
internal sealed class ReplaceStage(SplitPattern pattern, string replacement) : DecoderStage
{
    private readonly List<Section> _sections = [];
    private readonly StringBuilder _text = new();

    public override void Push(string token)
    {
        _sections.Clear();
        _text.Clear();
        pattern.Find(token, _sections);
        foreach (Section section in _sections)
        {
            if (section.IsMatch) _text.Append(replacement);
            else _text.Append(token, section.Start, section.End - section.Start);
        }
        Next!.Push(_text.ToString());
    }
}

/// <summary>Turns SentencePiece's stand-in for spaces back into spaces; those of the first token are dropped when one was put before the text.</summary>
internal sealed class MetaspaceStage(char replacement, bool dropFirst, bool fused) : DecoderStage
{
    private bool _first = true;

    public override void Push(string token)
    {
        string text = _first && dropFirst ? token.Replace(replacement.ToString(), "", StringComparison.Ordinal) : token.Replace(replacement, ' ');
        _first = _first && fused;
        Next!.Push(text);
    }
}

/// <summary>Removes up to <paramref name="start"/> and <paramref name="stop"/> times a character from the ends of each token.</summary>
internal sealed class StripStage(char content, int start, int stop, bool fused) : DecoderStage
{
    private readonly int _start = start;
    private int _left = start;
    private int _held;

    public override void Push(string token)
    {
        int from = 0;
        while (from < token.Length && _left > 0 && token[from] == content)
        {
            from++;
            _left--;
        }
        if (from < token.Length) _left = 0;

        int end = token.Length;
        while (end > from && token.Length - end < stop && token[end - 1] == content) end--;
        if (!fused)
        {
            _left = _start;
            Next!.Push(token[from..end]);
            return;
        }
        if (from == token.Length) return;
        // Characters at the end are held back until it is known whether the text ends there.
        string whole = new string(content, _held) + token[from..];
        int trailing = 0;
        while (trailing < whole.Length && trailing < stop && whole[^(trailing + 1)] == content) trailing++;
        _held = trailing;
        if (whole.Length > trailing) Next!.Push(whole[..^trailing]);
    }
}
