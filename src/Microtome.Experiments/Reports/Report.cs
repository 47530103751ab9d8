using System.Globalization;
using System.Text;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>
/// A page that says what was asked, what was found and how sure it is: one HTML file that needs nothing from elsewhere and runs no script. All texts are
/// escaped. Parts appear in the order in which they are added.
/// </summary>
/// <param name="title">The page's title and first heading.</param>
public sealed class Report(string title)
{
    private const string Style = """
        :root { color-scheme: light dark; --line: #d5d5d5; --soft: #f5f5f5; --good: #009e73; --bad: #d55e00; }
        @media (prefers-color-scheme: dark) { :root { --line: #444; --soft: #222; } }
        body { font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: CanvasText; background: Canvas; }
        h1, h2, h3 { line-height: 1.25; margin: 2em 0 .5em; } h1 { margin-top: 0; }
        table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }
        th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; } td.n, th.n { text-align: right; }
        caption { text-align: left; padding: .3rem 0; } figure { margin: 1.5rem 0; } svg { max-width: 100%; height: auto; } figcaption, .note { font-size: .9rem; opacity: .8; }
        pre { background: var(--soft); padding: .8rem; overflow-x: auto; } code { font-size: .9em; }
        .finding { border-left: 4px solid var(--good); background: var(--soft); padding: .6rem 1rem; margin: 1rem 0; } .finding.caution { border-color: var(--bad); }
        """;

    private readonly StringBuilder _body = new();
    private readonly List<(string Id, string Text)> _sections = [];
    private int _figures;

    public string Title => title;

    /// <summary>A heading of a section, which the list of contents names.</summary>
    public Report Section(string heading)
    {
        string id = $"section-{_sections.Count + 1}";
        _sections.Add((id, heading));
        return Add($"<h2 id=\"{id}\">{MarkupText.Escape(heading)}</h2>");
    }

    /// <summary>A heading within a section.</summary>
    public Report Heading(string heading) => Add($"<h3>{MarkupText.Escape(heading)}</h3>");

    public Report Paragraph(string text) => Add($"<p>{MarkupText.Escape(text)}</p>");

    /// <summary>A remark in small print.</summary>
    public Report Note(string text) => Add($"<p class=\"note\">{MarkupText.Escape(text)}</p>");

    /// <summary>What was found, set apart from the text.</summary>
    /// <param name="isCaution">Whether it warns rather than reports.</param>
    public Report Finding(string text, bool isCaution = false) => Add($"<p class=\"finding{(isCaution ? " caution" : "")}\">{MarkupText.Escape(text)}</p>");

    public Report Bullets(params IEnumerable<string> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return Add($"<ul>{string.Concat(items.Select(item => $"<li>{MarkupText.Escape(item)}</li>"))}</ul>");
    }

    /// <summary>Text with its lines and spaces as they are.</summary>
    public Report Code(string text) => Add($"<pre><code>{MarkupText.Escape(text)}</code></pre>");

    /// <param name="columns">Right-aligned where they begin with '&gt;'.</param>
    public Report Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows, string? caption = null)
    {
        ArgumentNullException.ThrowIfNull(columns);
        ArgumentNullException.ThrowIfNull(rows);
        string Kind(int column) => column < columns.Count && columns[column].StartsWith('>') ? " class=\"n\"" : "";
        _body.Append("<table>");
        if (caption is not null) _body.Append(CultureInfo.InvariantCulture, $"<caption>{MarkupText.Escape(caption)}</caption>");
        _body.Append("<thead><tr>");
        for (int i = 0; i < columns.Count; i++) _body.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\"{Kind(i)}>{MarkupText.Escape(columns[i].TrimStart('>'))}</th>");
        _body.Append("</tr></thead><tbody>\n");
        foreach (IReadOnlyList<string> row in rows)
        {
            _body.Append("<tr>");
            for (int i = 0; i < row.Count; i++) _body.Append(CultureInfo.InvariantCulture, $"<td{Kind(i)}>{MarkupText.Escape(row[i])}</td>");
            _body.Append("</tr>\n");
        }
        return Add("</tbody></table>");
    }

    /// <summary>A chart with what it shows under it.</summary>
    public Report Figure(Chart chart, string? caption = null)
    {
        ArgumentNullException.ThrowIfNull(chart);
        _figures++;
        return Add($"<figure id=\"figure-{_figures}\">\n{ChartSvg.Write(chart, $"figure-{_figures}")}<figcaption>Figure {_figures}. {MarkupText.Escape(caption ?? chart.Description)}</figcaption></figure>");
    }

    /// <summary>The whole page.</summary>
    public string ToHtml()
    {
        string contents = _sections.Count < 3 ? "" : $"<nav aria-label=\"Contents\"><ul>{string.Concat(_sections.Select(s => $"<li><a href=\"#{s.Id}\">{MarkupText.Escape(s.Text)}</a></li>"))}</ul></nav>\n";
        return $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
            <title>{MarkupText.Escape(title)}</title>
            <style>
            {Style}
            </style>
            </head>
            <body>
            <main>
            <h1>{MarkupText.Escape(title)}</h1>
            {contents}{_body}</main>
            </body>
            </html>

            """;
    }

    /// <summary>Writes the page to a file, whole or not at all.</summary>
    public void Write(string path) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(ToHtml())));

    private Report Add(string markup)
    {
        _body.Append(markup).Append('\n');
        return this;
    }
}
