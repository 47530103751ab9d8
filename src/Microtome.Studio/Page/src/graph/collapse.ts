import { Graph, type GraphEdge, type GraphNode } from "./graph";

/** The graph with the features of the given tokens merged, one node for each layer, and their edges summed. */
export function collapse(graph: Graph, positions: ReadonlySet<number>): Graph {
  if (positions.size === 0) return graph;
  const nodes: GraphNode[] = [];
  const place = new Map<string, number>();
  const newIndex = new Int32Array(graph.nodes.length);
  for (const node of graph.nodes) {
    const id = `merged:${node.layer}:${node.position}`;
    const at = place.get(id);
    if (node.kind !== "feature" || !positions.has(node.position)) {
      newIndex[node.index] = nodes.length;
      nodes.push({ ...node, index: nodes.length });
    } else if (at === undefined) {
      place.set(id, nodes.length);
      newIndex[node.index] = nodes.length;
      nodes.push({ ...node, id, index: nodes.length, feature: null, label: null, members: [node.id] });
    } else {
      newIndex[node.index] = at;
      const merged = nodes[at];
      merged.members!.push(node.id);
      merged.cumulative = Math.min(merged.cumulative ?? 1, node.cumulative ?? 1);
      for (const sum of ["influence", "activation", "inputSum", "outputSum"] as const) merged[sum] = (merged[sum] ?? 0) + (node[sum] ?? 0);
    }
  }
  for (const node of nodes) if (node.members) node.label = `${node.members.length} ${node.members.length === 1 ? "feature" : "features"} of layer ${node.layer}`;
  const sums = new Map<number, GraphEdge>();
  for (const edge of graph.edges) {
    const source = newIndex[edge.source];
    const target = newIndex[edge.target];
    if (source === target) continue;
    const key = source * nodes.length + target;
    const sum = sums.get(key);
    if (sum) sum.weight += edge.weight;
    else sums.set(key, { source, target, weight: edge.weight });
  }
  return new Graph(graph.tokens, graph.layers, nodes, [...sums.values()]);
}
