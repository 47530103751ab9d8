using System.Xml.Linq;

namespace Microtome.Experiments.Tests.Plots;

public class ChartSvgTests
{
    private const string Hostile = "</title><script>alert('x')</script> \" & \u0001 \ud800 ⟨🧠⟩";
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void Every_chart_is_well_formed_and_says_what_it_is()
    {
        foreach (Chart chart in Charts.All(Hostile))
            foreach (string text in new[] { ChartSvg.Write(chart, "a\"b"), ChartSvg.WriteFile(chart) })
            {
                XElement root = XDocument.Parse(text).Root!;
                root.Element(Svg + "title")!.Value.ShouldBe(chart.Title.Replace('\u0001', '\uFFFD').Replace('\ud800', '\uFFFD'));
                root.Element(Svg + "desc")!.Value.ShouldNotBeEmpty();
                root.Attribute("aria-labelledby")!.Value.Split(' ').Length.ShouldBe(2);
                root.Descendants().ShouldNotContain(element => element.Name.LocalName == "script");
            }
    }

    [Fact]
    public void No_chart_needs_anything_from_elsewhere_or_draws_outside_numbers()
    {
        foreach (Chart chart in Charts.All())
        {
            string text = ChartSvg.WriteFile(chart);
            text.Replace("http://www.w3.org/2000/svg", "").ShouldNotContain("http");
            text.ShouldNotContain("url(");
            text.ShouldNotContain("NaN");
            text.ShouldNotContain("∞");
        }
    }

    [Fact]
    public void Marks_stay_inside_the_picture()
    {
        foreach (Chart chart in Charts.All())
            foreach (XElement element in XDocument.Parse(ChartSvg.Write(chart)).Root!.Descendants(Svg + "rect"))
            {
                double x = (double)element.Attribute("x")!, y = (double)element.Attribute("y")!;
                (x + (double)element.Attribute("width")!).ShouldBeLessThanOrEqualTo(chart.Width);
                (y + (double)element.Attribute("height")!).ShouldBeLessThanOrEqualTo(chart.Height);
                x.ShouldBeGreaterThanOrEqualTo(0);
                y.ShouldBeGreaterThanOrEqualTo(0);
            }
    }

    [Fact]
    public void A_missing_value_breaks_the_line()
    {
        XyChart chart = new("t", "d", new Axis("x"), new Axis("y"), [new Series(SeriesKind.Line, null, [new(0, 1), new(1, 2), new(2, double.NaN), new(3, 1), new(4, 2)])]);
        XDocument.Parse(ChartSvg.Write(chart)).Root!.Elements(Svg + "path").Count().ShouldBe(2);
    }

    [Fact]
    public void Ticks_are_round_numbers()
    {
        LinearScale scale = new(new Axis("x"), [0.03, 0.97], 0, 100);
        scale.Ticks.Select(tick => tick.Text).ShouldBe(["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        scale[0.5].ShouldBe(50, 1e-9);
        scale[7].ShouldBe(100);
        new LinearScale(new Axis("x") { IsLogarithmic = true }, [0.02, 300], 0, 100).Ticks.Select(tick => tick.Text).ShouldBe(["0.01", "0.1", "1", "10", "100", "1000"]);
    }

    [Fact]
    public void Colours_run_from_the_first_to_the_last()
    {
        Palette.At(ColorScale.Viridis, 0).ToString().ShouldBe("#440154");
        Palette.At(ColorScale.Viridis, 1).ToString().ShouldBe("#fde725");
        Palette.At(ColorScale.Diverging, 0.5).ToString().ShouldBe("#f4f4f4");
        Palette.At(ColorScale.Cividis, 7).ShouldBe(Palette.At(ColorScale.Cividis, 1));
        Palette.At(ColorScale.Viridis, 1).IsLight.ShouldBeTrue();
        Palette.At(ColorScale.Viridis, 0).IsLight.ShouldBeFalse();
    }
}
