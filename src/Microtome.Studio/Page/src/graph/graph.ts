import type { ApiGraph, ApiNode } from "../api/types";

/** A node with its index in the graph. */
export interface GraphNode extends ApiNode {
  index: number;
  /** The ids of the features that a merged node stands for. */
  members?: string[];
  /** In a comparison: which graph alone has it. */
  only?: "a" | "b";
}

export interface GraphEdge {
  source: number;
  target: number;
  weight: number;
}

/** A pruned graph with its edges indexed by both ends, strongest first. */
export class Graph {
  readonly inputs: GraphEdge[][];
  readonly outputs: GraphEdge[][];
  readonly byId = new Map<string, GraphNode>();

  constructor(
    readonly tokens: string[],
    readonly layers: number,
    readonly nodes: GraphNode[],
    readonly edges: GraphEdge[],
  ) {
    this.inputs = nodes.map(() => []);
    this.outputs = nodes.map(() => []);
    for (const edge of edges) {
      this.inputs[edge.target].push(edge);
      this.outputs[edge.source].push(edge);
    }
    const stronger = (a: GraphEdge, b: GraphEdge) => Math.abs(b.weight) - Math.abs(a.weight);
    for (const list of this.inputs) list.sort(stronger);
    for (const list of this.outputs) list.sort(stronger);
    for (const node of nodes) this.byId.set(node.id, node);
  }

  static read(answer: ApiGraph): Graph {
    const nodes = answer.nodes.map((node, index) => ({ ...node, index }));
    const { source, target, weight } = answer.edges;
    return new Graph(
      answer.tokens.map((token) => token.text),
      answer.layers,
      nodes,
      weight.map((value, i) => ({ source: source[i], target: target[i], weight: value })),
    );
  }

  token(position: number): string {
    return this.tokens[position] ?? `#${position}`;
  }

  /** The edge's weight as a signed share of all input to its target, in the whole graph. */
  share(edge: GraphEdge): number {
    const total = this.nodes[edge.target].inputSum;
    return total ? edge.weight / total : 0;
  }
}

/** What a node is called: its label, or where nobody has named it, what it is. */
export function nodeName(node: ApiNode, tokens: readonly string[]): string {
  if (node.kind === "token") return quote(node.text ?? tokens[node.position] ?? "");
  if (node.kind === "target") return quote(node.text ?? "");
  if (node.kind === "error") return `error, layer ${node.layer}`;
  if (node.kind === "steering") return `steering, layer ${node.layer}`;
  return node.label || featureName(node);
}

/** What a node is that is neither a feature nor of the text; null of others. */
export function explainKind(kind: ApiNode["kind"]): string | null {
  if (kind === "error") return "What the transcoder of this layer leaves unexplained at this position. It has no inputs of its own.";
  if (kind === "steering") return "What steering added to the stream in this layer at this position: a cause from outside, with no inputs of its own.";
  return null;
}

export const featureName = (node: { layer: number; feature: number | null }) => `${node.layer}/${node.feature}`;

/** One line that says what and where a node is. */
export function describeNode(node: GraphNode, tokens: readonly string[]): string {
  const place = `at ${quote(tokens[node.position] ?? "")}, position ${node.position}`;
  if (node.kind === "token") return `Token ${nodeName(node, tokens)}, position ${node.position}`;
  if (node.kind === "target") return `Output ${nodeName(node, tokens)}, probability ${percent(node.probability)}`;
  if (node.kind === "error") return `Error of layer ${node.layer} ${place}`;
  if (node.kind === "steering") return `Steering in layer ${node.layer} ${place}`;
  if (node.members) return `${node.label} ${place}`;
  return `Feature ${featureName(node)}${node.label ? `, ${node.label}` : ""} ${place}`;
}

export const quote = (text: string) => `“${text.replace(/\n/g, "↵")}”`;

/** A model's name without the folder or owner it is in. */
export const shortName = (name: string | null) => name?.replace(/\/+$/, "").split("/").pop() ?? null;

/** A share in percent; what would be rounded to nothing or to everything says so. */
export function percent(value: number | null | undefined, digits = 1): string {
  if (value == null) return "–";
  const step = 10 ** -digits;
  if (value > 0 && value * 100 < step / 2) return `<${step} %`;
  if (value < 1 && (value * 100).toFixed(digits) === (100).toFixed(digits)) return `>${(100 - step).toFixed(digits)} %`;
  return `${(value * 100).toFixed(digits)} %`;
}

/** A signed number with few digits. */
export function signed(value: number, digits = 2): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
}
