import type { ZoomTransform } from "d3-zoom";
import type { Palette } from "./palette";
import type { Shown } from "./scene";

/** The tokens along the bottom and the layers up the side, which stay in sight while the graph moves beneath them. */
export class Axes {
  readonly size = { left: 52, bottom: 60 };
  private spans: { from: number; to: number; position: number }[] = [];

  tokenAt(x: number, y: number, height: number): number | null {
    if (y < height - this.size.bottom) return null;
    return this.spans.find((span) => x >= span.from && x < span.to)?.position ?? null;
  }

  drawGround(context: CanvasRenderingContext2D, { layout }: Shown, view: ZoomTransform, palette: Palette, width: number, height: number): void {
    const left = view.x;
    const right = view.x + layout.width * view.k;
    context.fillStyle = palette.band;
    layout.rows.forEach((row, i) => {
      if (i % 2) context.fillRect(left, view.y + (row.middle - row.height / 2) * view.k, right - left, row.height * view.k);
    });
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    context.beginPath();
    for (const column of layout.columns.slice(1)) {
      const x = Math.round(view.x + column.left * view.k) + 0.5;
      if (x < 0 || x > width) continue;
      context.moveTo(x, Math.max(0, view.y));
      context.lineTo(x, Math.min(height, view.y + layout.height * view.k));
    }
    context.stroke();
  }

  drawLabels(context: CanvasRenderingContext2D, { layout, graph }: Shown, view: ZoomTransform, palette: Palette, width: number, height: number, focused: number | null): void {
    const { left, bottom } = this.size;
    context.fillStyle = palette.surface;
    context.fillRect(0, 0, left - 4, height);
    context.fillRect(0, height - bottom, width, bottom);
    context.strokeStyle = palette.line;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, height - bottom + 0.5);
    context.lineTo(width, height - bottom + 0.5);
    context.stroke();

    context.font = `11px ${palette.font}`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.fillStyle = palette.muted;
    const last = layout.rows.length - 1;
    const narrow = layout.rows[0].height * view.k < 13;
    layout.rows.forEach((row, i) => {
      const y = view.y + row.middle * view.k;
      if (y > height - bottom - 6 || y < 6 || (narrow && i % 2 && i !== last)) return;
      context.fillText(i === 0 ? "token" : i === last ? "output" : `L${row.layer}`, left - 10, y);
    });

    this.spans = [];
    context.font = `12px ${palette.mono}`;
    const textOf = (position: number) => graph.token(position).replace(/\n/g, "↵").replace(/^ /, "");
    const cut = layout.columns.filter((column, position) => textOf(position).length > roomFor(column.width * view.k)).length;
    const slanted = cut > layout.columns.length / 8;
    let lastEnd = -Infinity;
    layout.columns.forEach((column, position) => {
      const from = view.x + column.left * view.k;
      const to = from + column.width * view.k;
      this.spans.push({ from, to, position });
      const middle = (from + to) / 2;
      if (to < left || from > width || middle < left - 8) return;
      const text = textOf(position);
      context.fillStyle = position === focused ? palette.ink : palette.muted;
      if (slanted) {
        if (middle - lastEnd < 13) return;
        lastEnd = middle;
        context.save();
        context.translate(middle + 3, height - bottom + 8);
        context.rotate(-0.9);
        context.textAlign = "right";
        context.fillText(shorten(text, 8), 0, 0);
        context.restore();
        return;
      }
      context.textAlign = "center";
      const characters = roomFor(to - from);
      if (position === focused) {
        context.fillStyle = palette.band;
        context.beginPath();
        context.roundRect(from + 2, height - bottom + 6, to - from - 4, 22, 5);
        context.fill();
        context.fillStyle = palette.ink;
      }
      if (characters >= 1) context.fillText(shorten(text, characters), middle, height - bottom + 17);
      context.fillStyle = palette.muted;
      context.font = `10px ${palette.font}`;
      context.fillText(String(position), middle, height - bottom + 37);
      context.font = `12px ${palette.mono}`;
    });
  }
}

/** How many characters fit into a column. */
const roomFor = (width: number) => Math.floor((width - 6) / 7.3);

const shorten = (text: string, characters: number) => (text.length <= characters ? text : characters < 2 ? text.slice(0, 1) : `${text.slice(0, characters - 1)}…`);
