using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microtome.Experiments;

/// <summary>Writes charts as Vega-Lite 6 specifications with their data inside.</summary>
public static class VegaLite
{
    private const string Schema = "https://vega.github.io/schema/vega-lite/v6.json", Ink = "#222222", Faint = "#bbbbbb";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The specification as JSON text.</summary>
    public static string Write(Chart chart) => Specification(chart).ToJsonString(Indented);

    /// <summary>The specification as a JSON object.</summary>
    public static JsonObject Specification(Chart chart)
    {
        ArgumentNullException.ThrowIfNull(chart);
        JsonObject specification = new()
        {
            ["$schema"] = Schema,
            ["title"] = chart.Title,
            ["description"] = chart.Description,
            ["width"] = chart.Width,
            ["height"] = chart.Height,
            ["autosize"] = new JsonObject { ["type"] = "fit", ["contains"] = "padding" },
        };
        switch (chart)
        {
            case XyChart xy: Xy(specification, xy); break;
            case HeatMap map: Map(specification, map); break;
            case Histogram histogram: Bins(specification, histogram); break;
            default: throw new ArgumentException($"There is no specification for {chart.GetType().Name}.", nameof(chart));
        }
        return specification;
    }

    private static void Xy(JsonObject specification, XyChart chart)
    {
        JsonArray layers = [];
        // One scale for all layers' colours, in the order of the series, so that there is one legend.
        JsonArray domain = [], range = [];
        for (int i = 0, next = 0; i < chart.Series.Count; i++)
        {
            Series series = chart.Series[i];
            string color = series.Color switch { SeriesColor.Ink => Ink, SeriesColor.Faint => Faint, _ => Palette.OkabeIto[next++ % Palette.OkabeIto.Count].ToString() };
            if (series.Label is not null)
            {
                domain.Add(series.Label);
                range.Add(color);
            }
            bool intervals = series.Points.Any(point => double.IsFinite(point.Low) && double.IsFinite(point.High));
            JsonObject data = new() { ["values"] = Rows(series, chart.X) };
            JsonNode Color() => series.Label is null ? new JsonObject { ["value"] = color } : new JsonObject { ["field"] = "series", ["type"] = "nominal", ["title"] = null };
            JsonObject Encoding(params (string Name, JsonNode Value)[] more)
            {
                JsonObject encoding = new() { ["x"] = Position("x", chart.X, true), ["color"] = Color() };
                foreach ((string name, JsonNode value) in more) encoding[name] = value;
                return encoding;
            }
            JsonObject y = Position("y", chart.Y, false);
            if (intervals)
                layers.Add(new JsonObject
                {
                    ["data"] = data.DeepClone(),
                    ["mark"] = series.Kind == SeriesKind.Line ? new JsonObject { ["type"] = "area", ["opacity"] = 0.18 } : new JsonObject { ["type"] = "rule" },
                    ["encoding"] = series.Kind == SeriesKind.Bars
                        ? Encoding(("y", Position("low", chart.Y, false)), ("y2", new JsonObject { ["field"] = "high" }), ("xOffset", Offset(series, i)), ("color", new JsonObject { ["value"] = Ink }))
                        : Encoding(("y", Position("low", chart.Y, false)), ("y2", new JsonObject { ["field"] = "high" })),
                });
            JsonObject mark = series.Kind switch
            {
                SeriesKind.Line => new JsonObject { ["type"] = "line", ["point"] = series.Color == SeriesColor.Faint ? false : new JsonObject { ["size"] = 18 } },
                SeriesKind.Bars => new JsonObject { ["type"] = "bar" },
                _ => new JsonObject { ["type"] = "point", ["filled"] = true },
            };
            if (series.IsDashed) mark["strokeDash"] = new JsonArray(5, 4);
            mark["tooltip"] = new JsonObject { ["content"] = "data" };
            JsonObject drawn = new() { ["data"] = data, ["mark"] = mark, ["encoding"] = series.Kind == SeriesKind.Bars ? Encoding(("y", y), ("xOffset", Offset(series, i))) : Encoding(("y", y)) };
            if (series.Kind == SeriesKind.Bars && intervals) layers.Insert(layers.Count - 1, drawn);
            else layers.Add(drawn);
        }
        foreach (JsonNode? layer in layers)
            if (layer!["encoding"]!["color"] is JsonObject color && color.ContainsKey("field"))
                color["scale"] = new JsonObject { ["domain"] = domain.DeepClone(), ["range"] = range.DeepClone() };
        foreach (Reference reference in chart.References)
        {
            JsonObject at = new() { ["datum"] = reference.Value };
            layers.Add(new JsonObject
            {
                ["data"] = new JsonObject { ["values"] = new JsonArray(new JsonObject { ["label"] = reference.Label }) },
                ["mark"] = new JsonObject { ["type"] = "rule", ["strokeDash"] = new JsonArray(2, 3), ["color"] = Ink },
                ["encoding"] = new JsonObject { [reference.IsVertical ? "x" : "y"] = at, ["tooltip"] = new JsonObject { ["field"] = "label" } },
            });
        }
        specification["layer"] = layers;
    }

    private static JsonObject Offset(Series series, int index) => series.Label is null ? new JsonObject { ["datum"] = index } : new JsonObject { ["field"] = "series" };

    private static JsonArray Rows(Series series, Axis x)
    {
        JsonArray rows = [];
        foreach (DataPoint point in series.Points)
        {
            if (!double.IsFinite(point.X)) continue;
            JsonObject row = new() { ["x"] = Place(x, point.X), ["y"] = Number(point.Y) };
            if (series.Label is not null) row["series"] = series.Label;
            if (double.IsFinite(point.Low) && double.IsFinite(point.High)) (row["low"], row["high"]) = (point.Low, point.High);
            if (point.Text is not null) row["text"] = point.Text;
            rows.Add(row);
        }
        return rows;
    }

    private static JsonNode Place(Axis axis, double value) =>
        axis.Categories is { } names && value >= 0 && value < names.Count && value == Math.Floor(value) ? JsonValue.Create(names[(int)value])! : JsonValue.Create(value);

    private static JsonNode? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    private static JsonObject Position(string field, Axis axis, bool isX)
    {
        JsonObject position = new() { ["field"] = field, ["type"] = axis.Categories is null ? "quantitative" : "nominal", ["title"] = axis.Title };
        JsonObject scale = [];
        if (axis.IsLogarithmic) scale["type"] = "log";
        if (axis.Categories is { } names) position["sort"] = Strings(names);
        else if (isX) scale["zero"] = false;
        if (axis.Minimum is { } low) scale["domainMin"] = low;
        if (axis.Maximum is { } high) scale["domainMax"] = high;
        if (scale.Count > 0) position["scale"] = scale;
        return position;
    }

    private static JsonArray Strings(IEnumerable<string> texts) => [.. texts.Select(text => (JsonNode?)text)];

    private static void Map(JsonObject specification, HeatMap map)
    {
        JsonArray rows = [];
        for (int row = 0; row < map.Values.GetLength(0); row++)
            for (int column = 0; column < map.Values.GetLength(1); column++)
                rows.Add(new JsonObject { ["row"] = Name(map.Rows, row), ["column"] = Name(map.Columns, column), ["value"] = Number(map.Values[row, column]) });
        (double low, double high) = map.Range();
        JsonArray colors = Strings(Palette.Stops(map.Scale).Select(color => color.ToString()));
        JsonObject Ordinal(string field, Axis axis, int count) =>
            new() { ["field"] = field, ["type"] = "ordinal", ["title"] = axis.Title, ["sort"] = new JsonArray([.. Enumerable.Range(0, count).Select(i => Name(axis, i))]) };
        specification["data"] = new JsonObject { ["values"] = rows };
        specification["mark"] = new JsonObject { ["type"] = "rect", ["tooltip"] = true };
        specification["encoding"] = new JsonObject
        {
            ["x"] = Ordinal("column", map.Columns, map.Values.GetLength(1)),
            ["y"] = Ordinal("row", map.Rows, map.Values.GetLength(0)),
            ["color"] = new JsonObject
            {
                ["field"] = "value",
                ["type"] = "quantitative",
                ["title"] = map.ValueTitle,
                ["scale"] = new JsonObject { ["domain"] = new JsonArray(low, high), ["range"] = colors, ["interpolate"] = "rgb" },
            },
        };
    }

    private static JsonNode Name(Axis axis, int index) => axis.Categories is { } names && index < names.Count ? JsonValue.Create(names[index])! : JsonValue.Create(index);

    private static void Bins(JsonObject specification, Histogram histogram)
    {
        (double[] edges, int[][] counts) = histogram.Count();
        JsonArray rows = [];
        for (int group = 0; group < counts.Length; group++)
            for (int bin = 0; bin < counts[group].Length; bin++)
                rows.Add(new JsonObject { ["from"] = edges[bin], ["to"] = edges[bin + 1], ["count"] = counts[group][bin], ["series"] = histogram.Groups[group].Label ?? "" });
        JsonObject x = Position("from", histogram.X, true);
        x["bin"] = new JsonObject { ["binned"] = true };
        specification["data"] = new JsonObject { ["values"] = rows };
        specification["mark"] = new JsonObject { ["type"] = "bar", ["opacity"] = counts.Length > 1 ? 0.6 : 1, ["tooltip"] = true };
        specification["encoding"] = new JsonObject
        {
            ["x"] = x,
            ["x2"] = new JsonObject { ["field"] = "to" },
            ["y"] = new JsonObject { ["field"] = "count", ["type"] = "quantitative", ["title"] = "count", ["stack"] = null },
            ["color"] = new JsonObject
            {
                ["field"] = "series",
                ["type"] = "nominal",
                ["title"] = null,
                ["scale"] = new JsonObject { ["range"] = Strings(Palette.OkabeIto.Select(color => color.ToString())) },
            },
        };
        if (counts.Length < 2) specification["encoding"]!["color"]!["legend"] = null;
    }
}
