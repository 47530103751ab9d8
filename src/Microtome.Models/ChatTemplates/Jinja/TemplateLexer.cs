using System.Globalization;
using System.Text;

namespace Microtome.Models.ChatTemplates;

/// <summary>
/// Cuts a template into tokens, with white space as transformers sets it: the newline after a block is dropped (<c>trim_blocks</c>), so is the
/// indentation before one (<c>lstrip_blocks</c>) and the template's last newline; <c>-</c> strips all white space on its side, <c>+</c> keeps it.
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] Operators = ["**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|", ";"];
    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;

    private TemplateLexer(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        _source = source.EndsWith('\n') ? source[..^1] : source;
    }

    /// <exception cref="TemplateException">A tag or text is not closed, or a character has no meaning.</exception>
    public static List<TemplateToken> Read(string source)
    {
        TemplateLexer lexer = new(source);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (_at < _source.Length)
        {
            int tag = NextTag(_at);
            AddData(_source[_at..tag], tag < _source.Length ? tag : null);
            MoveTo(tag);
            if (tag == _source.Length) break;
            char kind = _source[tag + 1];
            int line = _line;
            MoveTo(Math.Min(tag + 2 + (tag + 2 < _source.Length && _source[tag + 2] is '-' or '+' ? 1 : 0), _source.Length));
            if (kind == '#') SkipComment(line);
            else if (kind == '%' && IsRaw()) ReadRaw(line);
            else ReadTag(kind == '{', line);
        }
        _tokens.Add(new TemplateToken(TokenKind.End, "", _line));
    }

    /// <summary>The next tag's place; the source's end where there is none.</summary>
    private int NextTag(int from)
    {
        for (int at = _source.IndexOf('{', from); at >= 0 && at + 1 < _source.Length; at = _source.IndexOf('{', at + 1))
            if (_source[at + 1] is '{' or '%' or '#') return at;
        return _source.Length;
    }

    /// <summary>Adds the text before a tag, stripped as the tag asks for.</summary>
    private void AddData(string text, int? tag)
    {
        if (tag is { } at)
        {
            char sign = at + 2 < _source.Length ? _source[at + 2] : ' ';
            if (sign == '-') text = text.TrimEnd();
            else if (sign != '+' && _source[at + 1] != '{')
            {
                int lineStart = text.LastIndexOf('\n') + 1;
                bool beginsLine = lineStart > 0 || _at == 0 || _source[_at - 1] == '\n';
                if (beginsLine && string.IsNullOrWhiteSpace(text[lineStart..])) text = text[..lineStart];
            }
        }
        if (text.Length > 0) _tokens.Add(new TemplateToken(TokenKind.Data, text, _line));
    }

    private void SkipComment(int line)
    {
        int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0) throw new TemplateException(line, "a comment is not closed with '#}'");
        char sign = end > _at ? _source[end - 1] : ' ';
        MoveTo(end + 2);
        AfterTag(sign);
    }

    /// <summary>Skips what a tag's end strips: all white space for '-', nothing for '+', else a newline.</summary>
    private void AfterTag(char sign, bool block = true)
    {
        int at = _at;
        if (sign == '-')
            while (at < _source.Length && char.IsWhiteSpace(_source[at])) at++;
        else if (block && sign != '+' && at < _source.Length && _source[at] == '\n') at++;
        MoveTo(at);
    }

    private bool IsRaw()
    {
        ReadOnlySpan<char> rest = _source.AsSpan(_at).TrimStart();
        if (!rest.StartsWith("raw")) return false;
        rest = rest[3..].TrimStart();
        return rest.StartsWith("%}") || rest.StartsWith("-%}") || rest.StartsWith("+%}");
    }

    /// <summary>Text that is not read, up to <c>{% endraw %}</c>.</summary>
    private void ReadRaw(int line)
    {
        int begin = _source.IndexOf("%}", _at, StringComparison.Ordinal);
        char sign = _source[begin - 1];
        MoveTo(begin + 2);
        AfterTag(sign);
        for (int tag = _source.IndexOf("{%", _at, StringComparison.Ordinal); tag >= 0; tag = _source.IndexOf("{%", tag + 2, StringComparison.Ordinal))
        {
            int close = _source.IndexOf("%}", tag, StringComparison.Ordinal);
            if (close < 0) break;
            if (_source[(tag + 2)..close].Trim(' ', '\t', '\n', '-', '+') != "endraw") continue;
            AddData(_source[_at..tag], tag);
            MoveTo(close + 2);
            AfterTag(_source[close - 1]);
            return;
        }
        throw new TemplateException(line, "'raw' is not closed with '{% endraw %}'");
    }

    private void ReadTag(bool output, int line)
    {
        _tokens.Add(new TemplateToken(output ? TokenKind.OutputBegin : TokenKind.BlockBegin, output ? "{{" : "{%", line));
        string close = output ? "}}" : "%}";
        int depth = 0; // of brackets, inside which '}}' closes dictionaries
        while (true)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at])) MoveTo(_at + 1);
            if (_at >= _source.Length) throw new TemplateException(line, $"'{(output ? "{{" : "{%")}' is not closed with '{close}'");
            ReadOnlySpan<char> rest = _source.AsSpan(_at);
            char sign = rest[0] is '-' or '+' && rest[1..].StartsWith(close) ? rest[0] : ' ';
            if (depth == 0 && (sign != ' ' || rest.StartsWith(close)))
            {
                _tokens.Add(new TemplateToken(output ? TokenKind.OutputEnd : TokenKind.BlockEnd, close, _line));
                MoveTo(_at + close.Length + (sign != ' ' ? 1 : 0));
                AfterTag(sign, !output);
                return;
            }
            if (char.IsLetter(rest[0]) || rest[0] == '_') ReadName();
            else if (char.IsAsciiDigit(rest[0])) ReadNumber();
            else if (rest[0] is '\'' or '"') ReadText();
            else
            {
                string symbol = Array.Find(Operators, symbol => _source.AsSpan(_at).StartsWith(symbol)) ?? throw new TemplateException(_line, $"'{rest[0]}' has no meaning in a tag");
                depth += symbol is "(" or "[" or "{" ? 1 : symbol is ")" or "]" or "}" ? -1 : 0;
                if (depth < 0) throw new TemplateException(_line, $"'{symbol}' closes nothing");
                _tokens.Add(new TemplateToken(TokenKind.Operator, symbol, _line));
                MoveTo(_at + symbol.Length);
            }
        }
    }

    private void ReadName()
    {
        int end = _at;
        while (end < _source.Length && (char.IsLetterOrDigit(_source[end]) || _source[end] == '_')) end++;
        _tokens.Add(new TemplateToken(TokenKind.Name, _source[_at..end], _line));
        MoveTo(end);
    }

    private void ReadNumber()
    {
        int end = Digits(_at);
        bool isFloat = false;
        if (end + 1 < _source.Length && _source[end] == '.' && char.IsAsciiDigit(_source[end + 1])) (end, isFloat) = (Digits(end + 1), true);
        if (end < _source.Length && _source[end] is 'e' or 'E')
        {
            int digits = end + 1 < _source.Length && _source[end + 1] is '+' or '-' ? end + 2 : end + 1;
            if (digits < _source.Length && char.IsAsciiDigit(_source[digits])) (end, isFloat) = (Digits(digits), true);
        }
        string text = _source[_at..end].Replace("_", "", StringComparison.Ordinal);
        if (isFloat ? !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _) : !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            throw new TemplateException(_line, $"the number {text} is too large");
        _tokens.Add(new TemplateToken(isFloat ? TokenKind.Float : TokenKind.Integer, text, _line));
        MoveTo(end);
    }

    private int Digits(int from)
    {
        while (from < _source.Length && (char.IsAsciiDigit(_source[from]) || _source[from] == '_')) from++;
        return from;
    }

    /// <summary>A text in quotes, with Python's escapes.</summary>
    private void ReadText()
    {
        int line = _line;
        char quote = _source[_at];
        StringBuilder text = new();
        for (int at = _at + 1; at < _source.Length; at++)
        {
            char c = _source[at];
            if (c == quote)
            {
                _tokens.Add(new TemplateToken(TokenKind.Text, text.ToString(), line));
                MoveTo(at + 1);
                return;
            }
            if (c != '\\' || at + 1 == _source.Length)
            {
                text.Append(c);
                continue;
            }
            at = Unescape(at + 1, text);
        }
        throw new TemplateException(line, $"a text is not closed with {quote}");
    }

    /// <returns>The escape's last character.</returns>
    private int Unescape(int at, StringBuilder text)
    {
        char c = _source[at];
        int digits = c switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            if (at + digits < _source.Length && uint.TryParse(_source.AsSpan(at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code) && code <= 0x10FFFF)
            {
                if (code <= 0xFFFF) text.Append((char)code);
                else text.Append(char.ConvertFromUtf32((int)code));
                return at + digits;
            }
            throw new TemplateException(_line, $"'\\{c}' is not followed by {digits} hexadecimal digits");
        }
        switch (c)
        {
            case 'n': text.Append('\n'); break;
            case 't': text.Append('\t'); break;
            case 'r': text.Append('\r'); break;
            case 'b': text.Append('\b'); break;
            case 'f': text.Append('\f'); break;
            case 'v': text.Append('\v'); break;
            case 'a': text.Append('\a'); break;
            case '0': text.Append('\0'); break;
            case '\\' or '\'' or '"': text.Append(c); break;
            case '\n': break; // a line that continues
            default: text.Append('\\').Append(c); break;
        }
        return at;
    }

    private void MoveTo(int at)
    {
        for (; _at < at; _at++)
            if (_source[_at] == '\n') _line++;
    }
}
