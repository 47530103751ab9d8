import type { Graph, GraphNode } from "./graph";
import type { Layout } from "./layout";

/** The node that an arrow key leads to: along the row for left and right, to the nearest of the next row with any for up and down. */
export function nextNode(graph: Graph, layout: Layout, matches: Uint8Array, from: GraphNode | null, key: string): GraphNode | null {
  const candidates = graph.nodes.filter((node) => matches[node.index]);
  if (candidates.length === 0) return null;
  if (!from) return candidates.reduce((best, node) => (node.kind === "target" && (best.kind !== "target" || (node.probability ?? 0) > (best.probability ?? 0)) ? node : best));
  const order = (a: GraphNode, b: GraphNode) => layout.x[a.index] - layout.x[b.index] || layout.y[a.index] - layout.y[b.index] || a.index - b.index;
  const row = candidates.filter((node) => node.layer === from.layer || node === from).sort(order);
  if (key === "Home") return row[0];
  if (key === "End") return row[row.length - 1];
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const at = row.findIndex((node) => order(node, from) >= 0);
    if (key === "ArrowLeft") return at > 0 ? row[at - 1] : (row[row.length - 1] ?? null);
    const after = row.findIndex((node) => order(node, from) > 0);
    return after >= 0 ? row[after] : row[0];
  }
  const up = key === "ArrowUp";
  const beyond = candidates.filter((node) => (up ? node.layer > from.layer : node.layer < from.layer));
  if (beyond.length === 0) return from;
  const layer = beyond.reduce((nearest, node) => (up ? Math.min(nearest, node.layer) : Math.max(nearest, node.layer)), up ? Infinity : -Infinity);
  return beyond
    .filter((node) => node.layer === layer)
    .reduce((best, node) => (Math.abs(layout.x[node.index] - layout.x[from.index]) < Math.abs(layout.x[best.index] - layout.x[from.index]) ? node : best));
}
