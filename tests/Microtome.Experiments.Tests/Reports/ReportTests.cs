using System.Text.RegularExpressions;

namespace Microtome.Experiments.Tests.Reports;

public class ReportTests
{
    private const string Hostile = "<img src=x onerror=alert(1)> & \"quotes\"";

    private static Report Everything(string text)
    {
        Report report = new Report(text).Section(text).Heading(text).Paragraph(text).Note(text).Finding(text).Bullets(text, text).Code(text)
            .Table([text, ">n"], [[text, "1"]], text).Section("Two").Section("Three");
        foreach (Chart chart in Plots.Charts.All(text)) report.Figure(chart);
        return report;
    }

    [Fact]
    public void Every_text_is_escaped()
    {
        string html = Everything(Hostile).ToHtml();
        html.ShouldNotContain("<img");
        html.ShouldContain("&lt;img src=x onerror=alert(1)&gt; &amp; &quot;quotes&quot;");
    }

    [Fact]
    public void A_page_needs_nothing_from_elsewhere()
    {
        string html = Everything("text").ToHtml().Replace("http://www.w3.org/2000/svg", "");
        html.ShouldNotContain("http:");
        html.ShouldNotContain("https:");
        html.ShouldNotContain("<script");
        html.ShouldNotContain("<link");
        html.ShouldContain("Content-Security-Policy");
    }

    [Fact]
    public void Identifiers_are_unique_and_links_lead_somewhere()
    {
        string html = Everything("text").ToHtml();
        string[] ids = [.. Regex.Matches(html, " id=\"([^\"]+)\"").Select(match => match.Groups[1].Value)];
        ids.ShouldBeUnique();
        foreach (Match link in Regex.Matches(html, "href=\"#([^\"]+)\"")) ids.ShouldContain(link.Groups[1].Value);
    }

    [Fact]
    public void A_page_is_written_whole()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "deep", "report.html");
        Everything("text").Write(path);
        File.ReadAllText(path).ShouldBe(Everything("text").ToHtml());
    }
}
