using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microtome.Experiments.Tests.Plots;

public class VegaLiteTests
{
    [Fact]
    public void Every_chart_is_JSON_with_its_data_inside()
    {
        foreach (Chart chart in Charts.All("a \"b\" \\ c"))
        {
            JsonElement root = JsonDocument.Parse(VegaLite.Write(chart)).RootElement;
            root.GetProperty("$schema").GetString().ShouldStartWith("https://vega.github.io/schema/vega-lite/");
            root.GetProperty("title").GetString().ShouldBe(chart.Title);
            root.ToString().ShouldNotContain("\"url\"");
        }
    }

    [Fact]
    public void Lines_with_intervals_are_a_band_and_a_line_of_one_colour()
    {
        JsonObject specification = VegaLite.Specification(Charts.All().First());
        JsonArray layers = specification["layer"]!.AsArray();
        layers[0]!["mark"]!["type"]!.GetValue<string>().ShouldBe("area");
        layers[1]!["mark"]!["type"]!.GetValue<string>().ShouldBe("line");
        layers[0]!["encoding"]!["color"]!.ToJsonString().ShouldBe(layers[1]!["encoding"]!["color"]!.ToJsonString());
        layers[0]!["encoding"]!["color"]!["scale"]!["range"]!.AsArray().Select(color => color!.GetValue<string>()).ShouldBe(["#0072b2", "#222222"]);
        layers[1]!["data"]!["values"]![2]!["y"].ShouldBeNull();
    }

    [Fact]
    public void Categories_keep_their_order()
    {
        JsonObject specification = VegaLite.Specification(Charts.All().ElementAt(1));
        JsonNode x = specification["layer"]![0]!["encoding"]!["x"]!;
        x["type"]!.GetValue<string>().ShouldBe("nominal");
        x["sort"]!.AsArray().Select(name => name!.GetValue<string>()).ShouldBe(["A title", "sea", "fire"]);
    }
}
