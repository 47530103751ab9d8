import type { Comparison } from "../api/types";
import { Graph, type GraphEdge, type GraphNode } from "../graph/graph";

export interface Sides {
  a: Graph;
  b: Graph;
  inA: Uint8Array;
  inB: Uint8Array;
  /** Edges that the other graph has not, by `source:target`. */
  onlyA: Set<string>;
  onlyB: Set<string>;
}

export const edgeKey = (edge: GraphEdge) => `${edge.source}:${edge.target}`;

/** Both graphs over the same nodes and columns, so that what matches stands at the same place. */
export function sidesOf(comparison: Comparison): Sides {
  const nodesOf = (side: "a" | "b"): GraphNode[] =>
    comparison.nodes.map((node, index) => {
      const own = node[side] ?? node.a ?? node.b!;
      return { ...own, id: `n${index}`, index, position: node.column, label: node.a?.label ?? node.b?.label ?? null, only: node.state === "both" ? undefined : node.state };
    });
  const tokens = (side: "a" | "b") => comparison.tokens.map((token) => (side === "a" ? (token.textA ?? "") : (token.textB ?? "")));
  const edgesOf = (side: "a" | "b") => {
    const other = side === "a" ? "b" : "a";
    const edges: GraphEdge[] = [];
    const only = new Set<string>();
    comparison.edges[side].forEach((weight, i) => {
      if (weight === null) return;
      const edge = { source: comparison.edges.source[i], target: comparison.edges.target[i], weight };
      edges.push(edge);
      if (comparison.edges[other][i] === null) only.add(edgeKey(edge));
    });
    return { edges, only };
  };
  const [a, b] = [edgesOf("a"), edgesOf("b")];
  return {
    a: new Graph(tokens("a"), comparison.layers, nodesOf("a"), a.edges),
    b: new Graph(tokens("b"), comparison.layers, nodesOf("b"), b.edges),
    inA: Uint8Array.from(comparison.nodes, (node) => Number(node.state !== "b")),
    inB: Uint8Array.from(comparison.nodes, (node) => Number(node.state !== "a")),
    onlyA: a.only,
    onlyB: b.only,
  };
}

/** Matched features whose activations differ most, and features that only one graph has. */
export function differences(comparison: Comparison): { index: number; a: number | null; b: number | null; size: number }[] {
  return comparison.nodes
    .map((node, index) => {
      const a = node.a?.activation ?? null;
      const b = node.b?.activation ?? null;
      const influence = Math.max(node.a?.influence ?? 0, node.b?.influence ?? 0);
      const scale = Math.max(Math.abs(a ?? 0), Math.abs(b ?? 0)) || 1;
      return { index, a, b, kind: node.kind, size: (Math.abs((a ?? 0) - (b ?? 0)) / scale) * influence };
    })
    .filter((one) => one.kind === "feature" && one.size > 0)
    .sort((one, other) => other.size - one.size);
}
