using System.Globalization;
using System.Text;

namespace Microtome.Experiments;

/// <summary>SVG elements, their texts and numbers escaped.</summary>
internal sealed class SvgDrawing
{
    private readonly StringBuilder _text = new();

    public enum Anchor
    {
        Start,
        Middle,
        End,
    }

    public override string ToString() => _text.ToString();

    /// <summary>Text that is markup already.</summary>
    public SvgDrawing Raw(string markup)
    {
        _text.Append(markup).Append('\n');
        return this;
    }

    public void Line(double x1, double y1, double x2, double y2, string style) =>
        Raw($"<line x1=\"{N(x1)}\" y1=\"{N(y1)}\" x2=\"{N(x2)}\" y2=\"{N(y2)}\" {style}/>");

    public void Rectangle(double x, double y, double width, double height, string style, string? tip = null) =>
        Raw($"<rect x=\"{N(x)}\" y=\"{N(y)}\" width=\"{N(Math.Max(0, width))}\" height=\"{N(Math.Max(0, height))}\" {style}{End("rect", tip)}");

    public void Circle(double x, double y, double radius, string style, string? tip = null) =>
        Raw($"<circle cx=\"{N(x)}\" cy=\"{N(y)}\" r=\"{N(radius)}\" {style}{End("circle", tip)}");

    public void Path(string data, string style) => Raw($"<path d=\"{data}\" {style}/>");

    public void Text(double x, double y, string text, Anchor anchor = Anchor.Start, string style = "", double turned = 0)
    {
        string place = turned == 0 ? "" : $" transform=\"rotate({N(turned)} {N(x)} {N(y)})\"";
        string align = anchor switch { Anchor.Middle => " text-anchor=\"middle\"", Anchor.End => " text-anchor=\"end\"", _ => "" };
        Raw($"<text x=\"{N(x)}\" y=\"{N(y)}\"{align}{place}{(style.Length > 0 ? " " + style : "")}>{MarkupText.Escape(text)}</text>");
    }

    /// <summary>A number of pixels.</summary>
    public static string N(double value) => Math.Round(value, 1).ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>About how wide a text is in pixels; fonts differ, so it is on the safe side.</summary>
    public static double WidthOf(string text, double size = 12)
    {
        double width = 0;
        foreach (Rune rune in text.EnumerateRunes()) width += rune.Value >= 0x2E80 ? 1 : rune.Value is 'i' or 'l' or 'j' or '.' or ',' or '\'' or '|' or ' ' ? 0.32 : Rune.IsUpper(rune) || rune.Value is 'm' or 'w' ? 0.75 : 0.58;
        return width * size;
    }

    /// <summary>A text that fits a width, cut where it does not.</summary>
    public static string Fit(string text, double width, double size = 12)
    {
        if (WidthOf(text, size) <= width) return text;
        int[] starts = StringInfo.ParseCombiningCharacters(text);
        int keep = starts.Length;
        while (keep > 1 && WidthOf(text[..starts[keep - 1]] + "…", size) > width) keep--;
        return keep <= 1 ? "…" : text[..starts[keep - 1]] + "…";
    }

    private static string End(string element, string? tip) => tip is null ? "/>" : $"><title>{MarkupText.Escape(tip)}</title></{element}>";
}
