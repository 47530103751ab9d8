import { scaleQuantize, scaleSqrt } from "d3-scale";
import { link, curveBumpY } from "d3-shape";
import type { ZoomTransform } from "d3-zoom";
import type { Graph, GraphEdge, GraphNode } from "./graph";
import { dotRadius, type Layout } from "./layout";
import type { Palette } from "./palette";

const levels = 6;
const edgesAtOnce = 60;
/** The most pixels that a bitmap may have. */
const pixels = 12e6;

/** What the graph pane shows of a graph. */
export interface Shown {
  graph: Graph;
  layout: Layout;
  /** 1 for nodes that pass the filters, else 0. */
  matches: Uint8Array;
  /** In a comparison: whether only this graph has the edge. Such edges are coloured, others grey, whatever their sign. */
  isOnly?: (edge: GraphEdge) => boolean;
}

/**
 * All edges and nodes as one bitmap, drawn once for a view and then moved with it. Drawing goes on in short slices between frames, so that
 * panning never waits for it; the bitmap before stays on the screen until the next one is whole.
 */
export class Scene {
  private front = document.createElement("canvas");
  private back = document.createElement("canvas");
  private drawnAt: ZoomTransform | null = null;
  private drawing: { steps: Generator<void>; at: ZoomTransform } | null = null;
  private width = 0;
  private height = 0;
  private ratio = 1;
  /** How far the bitmap reaches beyond the pane on each side, as a share of the pane: as far as memory allows, so that a drag stays within it. */
  private margin = 0.5;
  private sorted: { first: GraphEdge[][]; second: GraphEdge[][] } | null = null;
  private shown: Shown | null = null;
  private palette: Palette | null = null;

  show(shown: Shown | null, palette: Palette): void {
    this.shown = shown;
    this.palette = palette;
    this.sorted = shown && sortEdges(shown);
    this.drawing = null;
    this.stale = true;
  }

  resize(width: number, height: number, ratio: number): void {
    this.width = width;
    this.height = height;
    this.ratio = ratio;
    this.margin = Math.max(0.15, Math.min(0.6, (Math.sqrt(pixels / Math.max(1, width * height * ratio * ratio)) - 1) / 2));
    this.drawing = null;
    this.stale = true;
  }

  private stale = true;

  /** Whether what is drawn is not what the view would show at rest. */
  isStale(view: ZoomTransform): boolean {
    return this.stale || this.drawnAt === null || this.drawnAt.k !== view.k || this.drawnAt.x !== view.x || this.drawnAt.y !== view.y;
  }

  /** Whether the view has moved so far that the bitmap no longer fills the pane. */
  isOutgrown(view: ZoomTransform): boolean {
    if (this.stale || !this.drawnAt) return true;
    const scale = view.k / this.drawnAt.k;
    const left = view.x - this.drawnAt.x * scale - this.width * this.margin * scale;
    const top = view.y - this.drawnAt.y * scale - this.height * this.margin * scale;
    return left > 0 || top > 0 || left + this.width * (1 + 2 * this.margin) * scale < this.width || top + this.height * (1 + 2 * this.margin) * scale < this.height || scale > 2;
  }

  /** Draws on for at most a few milliseconds. Returns whether the bitmap of this view is whole. */
  advance(view: ZoomTransform, milliseconds: number): boolean {
    if (!this.isStale(view) && !this.drawing) return true;
    if (!this.drawing || (this.drawing.at !== view && !this.moving(view))) this.drawing = { steps: this.draw(view), at: view };
    const end = performance.now() + milliseconds;
    do {
      if (this.drawing.steps.next().done) {
        [this.front, this.back] = [this.back, this.front];
        this.drawnAt = this.drawing.at;
        this.drawing = null;
        this.stale = false;
        return !this.isStale(view);
      }
    } while (performance.now() < end);
    return false;
  }

  /** A drawing that was begun for a view nearby is still worth finishing. */
  private moving(view: ZoomTransform): boolean {
    const at = this.drawing!.at;
    return at.k === view.k && Math.abs(at.x - view.x) < this.width * this.margin && Math.abs(at.y - view.y) < this.height * this.margin;
  }

  /** Copies the bitmap to where the view has moved. */
  compose(context: CanvasRenderingContext2D, view: ZoomTransform, alpha: number): void {
    if (!this.drawnAt || this.front.width === 0) return;
    const scale = view.k / this.drawnAt.k;
    const left = view.x - this.drawnAt.x * scale - this.width * this.margin * scale;
    const top = view.y - this.drawnAt.y * scale - this.height * this.margin * scale;
    context.globalAlpha = alpha;
    if (scale === 1) context.drawImage(this.front, Math.round(left * this.ratio) / this.ratio, Math.round(top * this.ratio) / this.ratio, this.front.width / this.ratio, this.front.height / this.ratio);
    else context.drawImage(this.front, left, top, (this.front.width / this.ratio) * scale, (this.front.height / this.ratio) * scale);
    context.globalAlpha = 1;
  }

  private *draw(view: ZoomTransform): Generator<void> {
    const { shown, palette, sorted, back } = this;
    const width = Math.ceil(this.width * (1 + 2 * this.margin) * this.ratio);
    const height = Math.ceil(this.height * (1 + 2 * this.margin) * this.ratio);
    if (back.width !== width || back.height !== height) [back.width, back.height] = [width, height];
    // Drawn by the processor, and at once rather than when the frame ends: only so do slices take the time that they are given.
    const context = back.getContext("2d", { willReadFrequently: true })!;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!shown || !palette || !sorted) return;
    context.setTransform(this.ratio, 0, 0, this.ratio, this.width * this.margin * this.ratio, this.height * this.margin * this.ratio);

    const { layout, graph, matches } = shown;
    const near = (edge: GraphEdge) => {
      const ax = layout.x[edge.source] * view.k + view.x;
      const bx = layout.x[edge.target] * view.k + view.x;
      const ay = layout.y[edge.source] * view.k + view.y;
      const by = layout.y[edge.target] * view.k + view.y;
      const beyondX = this.width * (1 + this.margin);
      const beyondY = this.height * (1 + this.margin);
      return !(ax < -this.width * this.margin && bx < -this.width * this.margin) && !(ax > beyondX && bx > beyondX) && !(ay < -this.height * this.margin && by < -this.height * this.margin) && !(ay > beyondY && by > beyondY);
    };
    const thinning = Math.min(1.5, Math.max(0.3, (1500 / Math.max(1, graph.edges.length)) ** 0.4));
    const path = edgePath(layout, view, context);
    for (let level = 0; level < levels; level++)
      for (const [edges, colour] of [
        [sorted.second[level], shown.isOnly ? palette.muted : palette.negative],
        [sorted.first[level], palette.positive],
      ] as const) {
        for (let start = 0; start < edges.length; start += edgesAtOnce) {
          context.beginPath();
          const end = Math.min(edges.length, start + edgesAtOnce);
          for (let i = start; i < end; i++) if (near(edges[i])) path(edges[i]);
          context.strokeStyle = colour;
          context.globalAlpha = Math.min(0.9, (0.05 + 0.8 * (level / (levels - 1)) ** 1.6) * thinning);
          context.lineWidth = 0.6 + 0.4 * level;
          context.stroke();
          context.getImageData(0, 0, 1, 1);
          yield;
        }
      }
    context.globalAlpha = 1;
    let drawn = 0;
    for (const node of graph.nodes) {
      context.globalAlpha = matches[node.index] ? 1 : 0.16;
      drawNode(context, node, layout.x[node.index] * view.k + view.x, layout.y[node.index] * view.k + view.y, view.k, palette);
      if (++drawn % 100 === 0) {
        context.getImageData(0, 0, 1, 1);
        yield;
      }
    }
    context.globalAlpha = 1;
  }
}

/** The path of an edge in the pane, leaving and arriving vertically. */
export function edgePath(layout: Layout, view: ZoomTransform, context: CanvasRenderingContext2D): (edge: GraphEdge) => void {
  const draw = link<GraphEdge, [number, number]>(curveBumpY)
    .source((edge) => [layout.x[edge.source] * view.k + view.x, layout.y[edge.source] * view.k + view.y])
    .target((edge) => [layout.x[edge.target] * view.k + view.x, layout.y[edge.target] * view.k + view.y])
    .context(context);
  return (edge) => {
    draw(edge);
  };
}

/** Edges that join nodes the filters let through, by sign (or by whether both graphs have them) and by strength as a share of their target's input. */
function sortEdges({ graph, matches, isOnly }: Shown): { first: GraphEdge[][]; second: GraphEdge[][] } {
  const level = scaleQuantize<number>().domain([0, 1]).range(Array.from({ length: levels }, (_, i) => i));
  const strength = scaleSqrt().domain([0, 0.3]).range([0, 1]).clamp(true);
  const first: GraphEdge[][] = Array.from({ length: levels }, () => []);
  const second: GraphEdge[][] = Array.from({ length: levels }, () => []);
  for (const edge of graph.edges) {
    if (!matches[edge.source] || !matches[edge.target]) continue;
    ((isOnly ? isOnly(edge) : edge.weight > 0) ? first : second)[level(strength(Math.abs(graph.share(edge))))].push(edge);
  }
  return { first, second };
}

export const radiusAt = (k: number) => Math.max(2.2, Math.min(9, dotRadius * k));

/** Features are dots, errors diamonds, tokens squares, what steering added triangles, logits rounded tiles: told apart by shape, not by colour. */
export function drawNode(context: CanvasRenderingContext2D, node: GraphNode, x: number, y: number, k: number, palette: Palette): void {
  const r = radiusAt(k);
  shape(context, node, x, y, r);
  const tone = node.only === "a" ? palette.onlyA : node.only === "b" ? palette.onlyB : palette.node;
  context.fillStyle = node.kind === "feature" ? tone : node.kind === "target" ? palette.ink : node.kind === "steering" ? palette.steering : palette.surface;
  context.fill();
  context.lineWidth = node.kind === "feature" ? 1 : 1.25;
  context.strokeStyle = node.kind === "feature" ? palette.surface : node.kind === "error" ? palette.muted : palette.nodeEdge;
  context.stroke();
  if (node.members) {
    context.beginPath();
    context.arc(x, y, r * 0.45, 0, 2 * Math.PI);
    context.fillStyle = palette.surface;
    context.fill();
  }
}

export function shape(context: CanvasRenderingContext2D, node: GraphNode, x: number, y: number, r: number): void {
  context.beginPath();
  if (node.kind === "error") {
    context.moveTo(x, y - r * 1.15);
    context.lineTo(x + r * 1.15, y);
    context.lineTo(x, y + r * 1.15);
    context.lineTo(x - r * 1.15, y);
    context.closePath();
  } else if (node.kind === "steering") {
    context.moveTo(x, y - r * 1.3);
    context.lineTo(x + r * 1.25, y + r * 0.9);
    context.lineTo(x - r * 1.25, y + r * 0.9);
    context.closePath();
  } else if (node.kind === "token") context.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
  else if (node.kind === "target") context.roundRect(x - r * 1.6, y - r * 1.05, r * 3.2, r * 2.1, r * 0.6);
  else context.arc(x, y, node.members ? r * 1.5 : r, 0, 2 * Math.PI);
}
