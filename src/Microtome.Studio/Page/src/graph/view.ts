import { quadtree, type Quadtree } from "d3-quadtree";
import { select } from "d3-selection";
import { zoom, zoomIdentity, type ZoomBehavior, type ZoomTransform } from "d3-zoom";
import { reducedMotion } from "../state/theme";
import { Axes } from "./axes";
import { drawFocus, drawMarks, drawNames } from "./focus";
import type { GraphNode } from "./graph";
import type { Palette } from "./palette";
import { radiusAt, Scene, type Shown } from "./scene";

/** What lies over the scene. */
export interface Marks {
  focus: number | null;
  selected: number | null;
  pinned: ReadonlySet<number>;
  found: ReadonlySet<number> | null;
}

export interface ViewEvents {
  hover(node: number | null, x: number, y: number): void;
  click(node: number | null, event: { pin: boolean }): void;
  token(position: number): void;
  moved(): void;
}

const noMarks: Marks = { focus: null, selected: null, pinned: new Set(), found: null };

/** The canvas of a graph: pan, zoom, fit, and what the pointer is on. */
export class GraphView {
  private readonly canvas = document.createElement("canvas");
  private readonly context: CanvasRenderingContext2D;
  private readonly scene = new Scene();
  private readonly axes = new Axes();
  private readonly zoom: ZoomBehavior<HTMLCanvasElement, unknown>;
  private readonly observer: ResizeObserver;
  private view: ZoomTransform = zoomIdentity;
  private shown: Shown | null = null;
  private tree: Quadtree<number> | null = null;
  private marks = noMarks;
  private palette: Palette | null = null;
  private frame = 0;
  private lastMove = 0;
  private isHeld = false;
  private fitted = zoomIdentity;
  private animation = 0;
  width = 0;
  height = 0;

  constructor(
    readonly host: HTMLElement,
    private readonly events: ViewEvents,
  ) {
    this.canvas.setAttribute("aria-hidden", "true");
    host.prepend(this.canvas);
    this.context = this.canvas.getContext("2d")!;
    this.zoom = zoom<HTMLCanvasElement, unknown>()
      .filter((event: Event) => !(event as MouseEvent).button && !(event.type === "dblclick"))
      .on("start", (event) => {
        this.isHeld = !!event.sourceEvent && event.sourceEvent.type !== "wheel";
      })
      .on("end", () => {
        this.isHeld = false;
        this.request();
      })
      .on("zoom", (event) => {
        this.view = event.transform;
        this.lastMove = performance.now();
        this.events.moved();
        this.request();
      });
    select(this.canvas).call(this.zoom);
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => events.hover(null, 0, 0));
    this.canvas.addEventListener("click", (event) => this.click(event));
    this.canvas.addEventListener("dblclick", (event) => {
      const node = this.at(event.offsetX, event.offsetY);
      if (node !== null) events.click(node, { pin: true });
      else this.fit(true);
    });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(host);
    this.resize();
  }

  dispose(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.animation);
    this.canvas.remove();
  }

  /** The part of the pane that is left for the graph, between the axes. */
  get area(): { left: number; top: number; width: number; height: number } {
    const { left, bottom } = this.axes.size;
    return { left, top: 18, width: Math.max(50, this.width - left - 10), height: Math.max(50, this.height - bottom - 18) };
  }

  show(shown: Shown | null, palette: Palette, refit: boolean): void {
    const previous = this.shown;
    this.shown = shown;
    this.palette = palette;
    this.tree = shown && quadtree<number>(shown.graph.nodes.map((node) => node.index), (i) => shown.layout.x[i], (i) => shown.layout.y[i]);
    this.scene.show(shown, palette);
    if (shown && (refit || !previous)) this.fit(false);
    else if (shown && previous && previous.layout !== shown.layout) this.keepInPlace(previous, shown);
    this.request();
  }

  mark(marks: Marks): void {
    this.marks = marks;
    this.request();
  }

  /** Shows the same part as another view does. */
  follow(transform: ZoomTransform): void {
    const { k, x, y } = this.view;
    if (k !== transform.k || x !== transform.x || y !== transform.y) this.moveTo(transform, false);
  }

  get transform(): ZoomTransform {
    return this.view;
  }

  /** Where a node is in the pane; null while the graph that has it is not shown yet. */
  locate(node: GraphNode): { x: number; y: number } | null {
    if (this.shown?.graph.nodes[node.index] !== node) return null;
    const [x, y] = this.view.apply([this.shown.layout.x[node.index], this.shown.layout.y[node.index]]);
    return { x, y };
  }

  get scale(): number {
    return this.view.k;
  }

  fit(animated: boolean): void {
    if (!this.shown) return;
    const { left, top, width, height } = this.area;
    const { layout } = this.shown;
    const k = Math.min(width / layout.width, height / layout.height, 2.5);
    this.fitted = zoomIdentity.translate(left + (width - layout.width * k) / 2, top + (height - layout.height * k) / 2).scale(k);
    this.zoom.scaleExtent([k * 0.5, Math.max(8, k * 12)]).translateExtent([
      [-width / 2 / k, -height / 2 / k],
      [layout.width + width / 2 / k, layout.height + height / 2 / k],
    ]);
    this.moveTo(this.fitted, animated);
  }

  zoomBy(factor: number): void {
    const { left, top, width, height } = this.area;
    const [x, y] = [left + width / 2, top + height / 2];
    const k = Math.max(this.zoom.scaleExtent()[0], Math.min(this.zoom.scaleExtent()[1], this.view.k * factor));
    this.moveTo(zoomIdentity.translate(x - ((x - this.view.x) * k) / this.view.k, y - ((y - this.view.y) * k) / this.view.k).scale(k), true);
  }

  /** Moves the view just far enough that a node is in it. */
  reveal(node: GraphNode): void {
    const place = this.locate(node);
    if (!place) return;
    const { x, y } = place;
    const { left, top, width, height } = this.area;
    const inset = 24;
    const dx = Math.max(0, left + inset - x) + Math.min(0, left + width - inset - x);
    const dy = Math.max(0, top + inset - y) + Math.min(0, top + height - inset - y);
    if (dx || dy) this.moveTo(zoomIdentity.translate(this.view.x + dx, this.view.y + dy).scale(this.view.k), true);
  }

  panBy(dx: number, dy: number): void {
    this.moveTo(zoomIdentity.translate(this.view.x + dx, this.view.y + dy).scale(this.view.k), false);
  }

  private moveTo(target: ZoomTransform, animated: boolean): void {
    cancelAnimationFrame(this.animation);
    const set = (transform: ZoomTransform) => select(this.canvas).call(this.zoom.transform, transform);
    if (!animated || reducedMotion()) return void set(target);
    const from = this.view;
    const began = performance.now();
    const step = () => {
      const t = Math.min(1, (performance.now() - began) / 220);
      const eased = 1 - (1 - t) ** 3;
      const mix = (a: number, b: number) => a + (b - a) * eased;
      set(zoomIdentity.translate(mix(from.x, target.x), mix(from.y, target.y)).scale(mix(from.k, target.k)));
      if (t < 1) this.animation = requestAnimationFrame(step);
    };
    step();
  }

  /** After pruning, columns have other widths: a view that was fitted stays so; another keeps what was in its middle. */
  private keepInPlace(previous: Shown, next: Shown): void {
    const { left, top, width, height } = this.area;
    if (this.view.k === this.fitted.k && this.view.x === this.fitted.x && this.view.y === this.fitted.y) return this.fit(false);
    const view = this.view;
    const [x, y] = view.invert([left + width / 2, top + height / 2]);
    this.fit(false);
    const k = view.k;
    const toX = (x / previous.layout.width) * next.layout.width;
    const toY = (y / previous.layout.height) * next.layout.height;
    this.moveTo(zoomIdentity.translate(left + width / 2 - toX * k, top + height / 2 - toY * k).scale(k), false);
  }

  private resize(): void {
    const { width, height } = this.host.getBoundingClientRect();
    const wasFitted = this.view === this.fitted || (this.view.k === this.fitted.k && this.view.x === this.fitted.x && this.view.y === this.fitted.y);
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.width = width;
    this.height = height;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.scene.resize(width, height, ratio);
    if (wasFitted && width > 0) this.fit(false);
    this.draw();
  }

  private request(): void {
    if (!this.frame)
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
  }

  private draw(): void {
    const { context, shown, palette, view, marks } = this;
    const ratio = this.canvas.width / Math.max(1, this.width);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    if (!shown || !palette || this.width === 0) return;
    const resting = !this.isHeld && performance.now() - this.lastMove > 90;
    if (resting || this.scene.isOutgrown(view)) this.scene.advance(view, resting ? 10 : 4);

    this.axes.drawGround(context, shown, view, palette, this.width, this.height);
    this.scene.compose(context, view, marks.focus !== null ? 0.3 : 1);
    if (marks.focus !== null) drawFocus(context, shown, view, palette, marks.focus, marks.found !== null); // a search finds a node; what feeds it need not match
    drawMarks(context, shown, view, palette, marks);
    drawNames(context, shown, view, palette, marks, this.area);
    this.axes.drawLabels(context, shown, view, palette, this.width, this.height, marks.focus === null ? null : shown.graph.nodes[marks.focus].position);
    if (this.scene.isStale(view) && (!this.isHeld || this.scene.isOutgrown(view))) this.request();
    this.host.dataset.drawn = String(!this.scene.isStale(view));
  }

  private at(x: number, y: number): number | null {
    if (!this.tree || y > this.height - this.axes.size.bottom) return null;
    const [wx, wy] = this.view.invert([x, y]);
    return this.tree.find(wx, wy, (radiusAt(this.view.k) + 6) / this.view.k) ?? null;
  }

  private point(event: PointerEvent): void {
    if (event.buttons) return;
    const node = this.at(event.offsetX, event.offsetY);
    const token = node === null ? this.axes.tokenAt(event.offsetX, event.offsetY, this.height) : null;
    this.canvas.style.cursor = node !== null || token !== null ? "pointer" : "grab";
    this.events.hover(node, event.offsetX, event.offsetY);
  }

  private click(event: MouseEvent): void {
    const token = this.axes.tokenAt(event.offsetX, event.offsetY, this.height);
    if (token !== null) return this.events.token(token);
    this.events.click(this.at(event.offsetX, event.offsetY), { pin: event.shiftKey || event.metaKey || event.ctrlKey });
  }
}
