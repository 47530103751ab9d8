using System.Text.Encodings.Web;
using System.Text.Json;
using Microtome.Dictionaries;

namespace Microtome.Circuits;

/// <summary>Writes pruned graphs in the interchange format that circuit-tracer's viewer and Neuronpedia read, with the node ids that circuit-tracer 0.4 gives.</summary>
public static class GraphJson
{
    /// <param name="slug">The graph's short name.</param>
    /// <param name="annotations">What people added; nodes that are not kept are left out.</param>
    public static void Write(PrunedGraph pruned, string slug, Stream stream, GraphAnnotations? annotations = null)
    {
        annotations ??= new GraphAnnotations();
        AttributionGraph graph = pruned.Graph;
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, IndentSize = 1, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();

        json.WriteStartObject("metadata");
        json.WriteString("slug", slug);
        json.WriteString("scan", graph.Origin.Transcoders);
        json.WriteStartArray("transcoder_list");
        json.WriteEndArray();
        json.WriteStartArray("prompt_tokens");
        foreach (string text in graph.TokenTexts) json.WriteStringValue(text);
        json.WriteEndArray();
        json.WriteString("prompt", graph.Origin.Prompt);
        json.WriteNumber("node_threshold", pruned.NodeThreshold);
        json.WriteNumber("schema_version", 1);
        json.WriteEndObject();

        bool[] connected = Connected(pruned);
        bool Written(int node) => pruned.Nodes[node] && ((node >= graph.FirstToken && !graph.IsInjection(node)) || connected[node]);
        json.WriteStartObject("qParams");
        json.WriteStartArray("pinnedIds");
        foreach (int node in annotations.Pinned.Where(Written)) json.WriteStringValue(IdOf(graph, node));
        json.WriteEndArray();
        json.WriteStartArray("supernodes");
        foreach (NamedNodes group in annotations.Groups)
        {
            json.WriteStartArray();
            json.WriteStringValue(group.Name);
            foreach (int node in group.Nodes.Where(Written)) json.WriteStringValue(IdOf(graph, node));
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteString("linkType", "both");
        json.WriteString("clickedId", "");
        json.WriteString("sg_pos", "");
        json.WriteEndObject();

        json.WriteStartArray("nodes");
        for (int node = 0; node < graph.NodeCount; node++)
            if (Written(node)) WriteNode(json, pruned, node, annotations.Descriptions.GetValueOrDefault(node, ""));
        json.WriteEndArray();

        json.WriteStartArray("links");
        foreach (GraphEdge edge in pruned.Edges)
        {
            json.WriteStartObject();
            json.WriteString("source", IdOf(graph, edge.Source));
            json.WriteString("target", IdOf(graph, graph.NodeOfRow(edge.Row)));
            json.WriteNumber("weight", edge.Weight);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>
    /// A node's id. Errors have the ids that circuit-tracer 0.4 gives them, <c>0_layer_position</c>, which can coincide with those of
    /// features of layer 0; type and layer tell them apart.
    /// </summary>
    public static string IdOf(AttributionGraph graph, int node)
    {
        int position = graph.PositionOf(node);
        if (node < graph.FirstError) return $"{graph.Feature(node).Layer}_{graph.Feature(node).Feature}_{position}";
        if (node < graph.FirstToken) return $"0_{graph.LayerOf(node)}_{position}";
        if (node < graph.FirstInjection) return $"E_{graph.Tokens[position]}_{position}";
        if (node < graph.FirstTarget) return $"S{graph.LayerOf(node)}_{position}";
        return $"{graph.Layers + 1}_{graph.Targets[node - graph.FirstTarget].Token}_{position}";
    }

    private static void WriteNode(Utf8JsonWriter json, PrunedGraph pruned, int node, string description)
    {
        AttributionGraph graph = pruned.Graph;
        int layer = graph.LayerOf(node), position = graph.PositionOf(node);
        string layerText = layer.ToString(), type, viewerId;
        long feature;
        GraphTarget? target = null;
        if (node < graph.FirstError)
        {
            int index = graph.Feature(node).Feature;
            feature = CantorPair.Of(layer, index);
            (type, viewerId) = ("cross layer transcoder", $"{layer}_{index}-0");
        }
        else if (node < graph.FirstToken) (feature, type, viewerId) = (-1, "mlp reconstruction error", $"{layer}_{position}-0");
        else if (node < graph.FirstInjection) (feature, type, viewerId, layerText) = (position, "embedding", $"E_{graph.Tokens[position]}-{position}", "E");
        else if (node < graph.FirstTarget)
        {
            (feature, type, viewerId) = (-1, "steering", $"S{layer}_{position}-0");
            description = FormattableString.Invariant($"Steering in layer {layer} (length {graph.Injections[node - graph.FirstInjection].Norm:0.000})");
        }
        else
        {
            target = graph.Targets[node - graph.FirstTarget];
            (feature, type, viewerId, layerText) = (target.Token, "logit", $"L_{target.Token}-{position}", $"{graph.Layers + 1}");
            description = FormattableString.Invariant($"Output \"{target.Text}\" (p={target.Probability:0.000})");
        }

        json.WriteStartObject();
        json.WriteString("node_id", IdOf(graph, node));
        json.WriteNumber("feature", feature);
        json.WriteString("layer", layerText);
        json.WriteNumber("ctx_idx", position);
        json.WriteString("feature_type", type);
        json.WriteNumber("token_prob", target?.Probability ?? 0f);
        json.WriteBoolean("is_target_logit", node == graph.FirstTarget);
        json.WriteNumber("run_idx", 0);
        json.WriteNumber("reverse_ctx_idx", 0);
        json.WriteString("jsNodeId", viewerId);
        json.WriteString("clerp", description);
        if (target is null) json.WriteNumber("influence", pruned.CumulativeInfluence[node]);
        else json.WriteNull("influence");
        if (node < graph.FirstError) json.WriteNumber("activation", graph.Feature(node).Activation);
        else json.WriteNull("activation");
        json.WriteEndObject();
    }

    private static bool[] Connected(PrunedGraph pruned)
    {
        bool[] connected = new bool[pruned.Graph.NodeCount];
        foreach (GraphEdge edge in pruned.Edges) connected[edge.Source] = connected[pruned.Graph.NodeOfRow(edge.Row)] = true;
        return connected;
    }
}
