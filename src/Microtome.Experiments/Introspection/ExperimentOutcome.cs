using System.Text;
using Microtome.Models;

namespace Microtome.Experiments;

/// <summary>Something that an experiment found, with how sure it is.</summary>
/// <param name="Name">A short name for records.</param>
/// <param name="Text">What it means, with its numbers.</param>
/// <param name="Value">Where it is a number.</param>
/// <param name="Probability">Of a test, where there was one (p).</param>
public sealed record Finding(string Name, string Text, Interval? Value = null, double? Probability = null);

/// <summary>What came of an experiment: a verdict, findings, figures, and a report of all of it.</summary>
public sealed class ExperimentOutcome
{
    private readonly List<Finding> _findings = [];
    private readonly List<string> _cautions = [];
    private readonly List<(string Name, Chart Chart)> _figures = [];
    private readonly List<Action<Report>> _details = [];

    /// <summary>The answer in a word or two.</summary>
    public string Verdict { get; set; } = "";

    /// <summary>The answer in a sentence.</summary>
    public string Summary { get; set; } = "";

    /// <summary>Whether layer and strength are chosen on one half of the vectors and measured on the other.</summary>
    public bool IsCrossFitted { get; set; }

    /// <summary>What intervals are over, unless a text says otherwise.</summary>
    public string Unit { get; set; } = "vectors";

    public IReadOnlyList<Finding> Findings => _findings;

    /// <summary>What limits the answer.</summary>
    public IReadOnlyList<string> Cautions => _cautions;

    public IReadOnlyList<(string Name, Chart Chart)> Figures => _figures;

    public void Add(Finding finding) => _findings.Add(finding);

    public void Caution(string text) => _cautions.Add(text);

    public void Section(string title) => _details.Add(report => report.Section(title));

    public void Paragraph(string text) => _details.Add(report => report.Paragraph(text));

    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows, string? caption = null)
    {
        IReadOnlyList<string>[] all = [.. rows];
        _details.Add(report => report.Table(columns, all, caption));
    }

    /// <param name="name">The name of its files.</param>
    public void Figure(string name, Chart chart, string? caption = null)
    {
        _figures.Add((name, chart));
        _details.Add(report => report.Figure(chart, caption));
    }

    /// <summary>Writes the report, and every figure as SVG and as Vega-Lite.</summary>
    /// <param name="kind">What was asked.</param>
    /// <param name="origin">What made it: rows of a table.</param>
    internal void Write(string folder, string title, ExperimentKind kind, IEnumerable<(string What, string Value)> origin)
    {
        Report report = new(title);
        report.Section("What was asked").Paragraph(kind.Question);
        report.Section("What was found").Finding($"{Verdict}. {Summary}");
        report.Table(["finding", ">estimate", ">95 % interval", ">p"], Findings.Select(finding => new[]
        {
            finding.Text,
            finding.Value is { } value && !double.IsNaN(value.Estimate) ? TextNumber.Of(value.Estimate) : "",
            finding.Value is { } interval && !double.IsNaN(interval.Low) ? $"{TextNumber.Of(interval.Low)} to {TextNumber.Of(interval.High)}" : "",
            finding.Probability is { } p && !double.IsNaN(p) ? TextNumber.Probability(p) : "",
        }));
        report.Section("How sure it is");
        report.Paragraph($"Intervals are bias-corrected bootstrap intervals over {Unit}, unless the text says otherwise, which are drawn whole with all their cells{(IsCrossFitted ? "; where a layer and strength had to be chosen, they were chosen on one half of the vectors and measured on the other" : "")}. Questions and texts are taken as they are, unless the text says otherwise: intervals say nothing of other ones.");
        if (Findings.Any(finding => finding.Probability is not null))
            report.Paragraph("A p is the probability of so large a difference if the two kinds did not differ in anything; an interval is that of a difference of means. Over few vectors of which one stands apart the two can disagree: then the interval counts.");
        foreach (string caution in Cautions) report.Finding(caution, isCaution: true);
        foreach (Action<Report> detail in _details) detail(report);
        report.Section("What made it").Table(["", ""], origin.Select(one => new[] { one.What, one.Value }));
        report.Write(Path.Combine(folder, "report.html"));
        foreach ((string name, Chart chart) in Figures)
        {
            Save(Path.Combine(folder, "figures", $"{name}.svg"), ChartSvg.WriteFile(chart));
            Save(Path.Combine(folder, "figures", $"{name}.vl.json"), VegaLite.Write(chart));
        }
    }

    private static void Save(string path, string text) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
