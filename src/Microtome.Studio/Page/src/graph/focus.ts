import type { ZoomTransform } from "d3-zoom";
import { nodeName, percent, type GraphEdge } from "./graph";
import type { Palette } from "./palette";
import { drawNode, edgePath, radiusAt, shape, type Shown } from "./scene";
import type { Marks } from "./view";

const mostEdges = 48;

/** The strongest inputs and outputs of one node, over the faded rest: those that pass the filters, or every one. */
export function drawFocus(context: CanvasRenderingContext2D, shown: Shown, view: ZoomTransform, palette: Palette, focus: number, everyEdge: boolean): void {
  const { graph, layout, matches } = shown;
  const edges = [...graph.inputs[focus].slice(0, mostEdges), ...graph.outputs[focus].slice(0, mostEdges)].filter((edge) => everyEdge || (matches[edge.source] && matches[edge.target]));
  const strongest = [graph.inputs[focus][0], graph.outputs[focus][0]].map((edge) => (edge ? Math.abs(edge.weight) : 0));
  const strength = (edge: GraphEdge) => Math.abs(edge.weight) / (strongest[edge.target === focus ? 0 : 1] || 1);
  const path = edgePath(layout, view, context);
  for (const edge of edges.toReversed()) {
    const share = strength(edge);
    context.beginPath();
    path(edge);
    context.globalAlpha = 0.2 + 0.7 * share;
    context.lineWidth = 0.7 + 2.3 * share;
    context.strokeStyle = edge.weight > 0 ? palette.positive : palette.negative;
    context.stroke();
  }
  context.globalAlpha = 1;
  const seen = new Set([focus]);
  for (const edge of edges) {
    const other = edge.source === focus ? edge.target : edge.source;
    if (seen.has(other)) continue;
    seen.add(other);
    const [x, y] = view.apply([layout.x[other], layout.y[other]]);
    drawNode(context, graph.nodes[other], x, y, view.k, palette);
  }
}

/** Rings: pinned nodes, search hits, the selected node. */
export function drawMarks(context: CanvasRenderingContext2D, { graph, layout }: Shown, view: ZoomTransform, palette: Palette, marks: Marks): void {
  const ring = (index: number, colour: string, width: number, gap: number) => {
    const [x, y] = view.apply([layout.x[index], layout.y[index]]);
    shape(context, graph.nodes[index], x, y, radiusAt(view.k) + gap);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  };
  const node = (index: number) => {
    const [x, y] = view.apply([layout.x[index], layout.y[index]]);
    drawNode(context, graph.nodes[index], x, y, view.k, palette);
  };
  if (marks.found) for (const index of marks.found) ring(index, palette.accent, 1.5, 2);
  for (const index of marks.pinned) {
    node(index);
    ring(index, palette.ink, 1.5, 2.5);
  }
  if (marks.focus !== null) {
    node(marks.focus);
    ring(marks.focus, palette.ink, 1.5, 1.5);
  }
  if (marks.selected !== null) {
    node(marks.selected);
    ring(marks.selected, palette.focus, 2.5, 3.5);
  }
}

/** Names of outputs, pinned and selected nodes; of all nodes in sight once there is room. */
export function drawNames(context: CanvasRenderingContext2D, { graph, layout, matches }: Shown, view: ZoomTransform, palette: Palette, marks: Marks, area: { left: number; top: number; width: number; height: number }): void {
  const r = radiusAt(view.k);
  context.textBaseline = "middle";
  context.lineJoin = "round";
  const taken: { left: number; right: number; y: number }[] = [];
  const write = (index: number, text: string, place: "above" | "right", strong: boolean) => {
    const [x, y] = view.apply([layout.x[index], layout.y[index]]);
    if (x < area.left || x > area.left + area.width + 10 || y < 0 || y > area.top + area.height) return;
    context.font = `${strong ? "600 " : ""}11px ${palette.font}`;
    const width = context.measureText(text).width;
    const centre = place === "above" ? Math.min(x, area.left + area.width + 6 - width / 2) : x;
    let left = place === "above" ? centre - width / 2 : x + r + 5;
    if (place === "right" && left + width > area.left + area.width + 8) left = x - r - 5 - width;
    const atY = place === "above" ? y - r - 9 : y;
    if (taken.some((other) => Math.abs(other.y - atY) < 12 && left < other.right + 3 && left + width > other.left - 3)) return;
    taken.push({ left, right: left + width, y: atY });
    context.textAlign = "left";
    context.strokeStyle = palette.surface;
    context.lineWidth = 3.5;
    context.strokeText(text, left, atY);
    context.fillStyle = palette.ink;
    context.fillText(text, left, atY);
  };
  const short = (text: string) => (text.length > 26 ? `${text.slice(0, 25)}…` : text);
  for (const node of graph.nodes) if (node.kind === "target" && matches[node.index]) write(node.index, `${short(nodeName(node, graph.tokens))} ${percent(node.probability)}`, "above", true);
  if (marks.focus !== null && graph.nodes[marks.focus].kind !== "target") write(marks.focus, short(nodeName(graph.nodes[marks.focus], graph.tokens)), "right", true);
  if (marks.selected !== null && marks.selected !== marks.focus && graph.nodes[marks.selected].kind !== "target") write(marks.selected, short(nodeName(graph.nodes[marks.selected], graph.tokens)), "right", true);
  for (const index of marks.pinned) if (graph.nodes[index].kind !== "target") write(index, short(nodeName(graph.nodes[index], graph.tokens)), "right", false);
  if (view.k < 2.4) return;
  let written = 0;
  for (const node of graph.nodes) {
    if (node.kind !== "feature" || !matches[node.index] || written > 300) continue;
    written++;
    write(node.index, short(nodeName(node, graph.tokens)), "above", false);
  }
}
