import { max, sum } from "d3-array";
import type { Graph } from "./graph";

/** Where nodes stand, in world units: one unit is a pixel at zoom 1. Columns are tokens; rows are tokens, layers upwards, logits. */
export interface Layout {
  x: Float32Array;
  y: Float32Array;
  width: number;
  height: number;
  /** Left edge and width of each token's column. */
  columns: { left: number; width: number }[];
  /** Middle and height of each row, from the tokens' row upwards. */
  rows: { middle: number; height: number; layer: number }[];
}

export const dotRadius = 4.5;
const spacing = 13;
const columnPadding = 26;
const rowPadding = 30;
const leastColumn = 44;
const logitSpacing = 76;

/** Packs the nodes of each token and layer into a small block, strongest first, and stretches the blocks' gaps to the pane's shape. */
export function layOut(graph: Graph, aspect: number): Layout {
  const tokens = graph.tokens.length;
  const rowCount = graph.layers + 2;
  const cells: number[][] = Array.from({ length: tokens * rowCount }, () => []);
  const rowOf = (layer: number) => Math.min(layer + 1, rowCount - 1);
  for (const node of graph.nodes) if (node.kind !== "target") cells[clampPosition(node.position, tokens) * rowCount + rowOf(node.layer)].push(node.index);
  for (const cell of cells)
    cell.sort((a, b) => Number(graph.nodes[a].kind === "error") - Number(graph.nodes[b].kind === "error") || (graph.nodes[a].cumulative ?? 2) - (graph.nodes[b].cumulative ?? 2) || a - b);

  // Blocks are as wide or as tall as lets the whole graph be shown largest.
  const most = Array.from({ length: tokens }, (_, position) => max(cells.slice(position * rowCount, (position + 1) * rowCount), (cell) => cell.length) ?? 0);
  const attempt = (shape: number) => {
    const across = most.map((count) => Math.max(1, Math.ceil(Math.sqrt(count * shape))));
    const columns = across.map((count) => ({ left: 0, width: Math.max(leastColumn, count * spacing + columnPadding) }));
    const rows = Array.from({ length: rowCount }, (_, row) => {
      const deepest = max(across, (count, position) => Math.ceil(cells[position * rowCount + row].length / count)) ?? 1;
      return { middle: 0, height: Math.max(1, deepest) * spacing + rowPadding, layer: row - 1 };
    });
    return { across, columns, rows, size: Math.max(sum(columns, (column) => column.width), sum(rows, (row) => row.height) * aspect) };
  };
  const { across, columns, rows } = [0.3, 0.6, 1, 1.6, 2.5, 4, 7].map(attempt).reduce((best, next) => (next.size < best.size ? next : best));

  const logits = graph.nodes.filter((node) => node.kind === "target").sort((a, b) => (b.probability ?? 0) - (a.probability ?? 0) || a.index - b.index);
  let width = sum(columns, (column) => column.width);
  const leastWidth = logits.length * logitSpacing;
  let height = sum(rows, (row) => row.height);
  const stretch = Math.max(leastWidth / width, Math.min(4, (height * aspect) / width), 1);
  for (const column of columns) column.width *= stretch;
  width *= stretch;
  const rise = Math.max(1, Math.min(4, width / aspect / height));
  for (const row of rows) row.height *= rise;
  height *= rise;

  let left = 0;
  for (const column of columns) {
    column.left = left;
    left += column.width;
  }
  let bottom = height;
  for (const row of rows) {
    row.middle = bottom - row.height / 2;
    bottom -= row.height;
  }

  const [stepX, stepY] = [spacing * Math.min(1.6, stretch), spacing * Math.min(1.6, rise)];
  const x = new Float32Array(graph.nodes.length);
  const y = new Float32Array(graph.nodes.length);
  for (let position = 0; position < tokens; position++)
    for (let row = 0; row < rowCount; row++) {
      const cell = cells[position * rowCount + row];
      const lines = Math.ceil(cell.length / across[position]);
      cell.forEach((node, i) => {
        const line = Math.floor(i / across[position]);
        const inLine = Math.min(across[position], cell.length - line * across[position]);
        x[node] = columns[position].left + columns[position].width / 2 + ((i % across[position]) - (inLine - 1) / 2) * stepX;
        y[node] = rows[row].middle + (line - (lines - 1) / 2) * stepY;
      });
    }
  const gap = logits.length > 1 ? Math.min(logitSpacing * 1.6, (width - logitSpacing) / (logits.length - 1)) : 0;
  logits.forEach((node, i) => {
    x[node.index] = width - logitSpacing / 2 - (logits.length - 1 - i) * gap;
    y[node.index] = rows[rowCount - 1].middle;
  });
  return { x, y, width, height, columns, rows };
}

const clampPosition = (position: number, tokens: number) => Math.max(0, Math.min(tokens - 1, position));
