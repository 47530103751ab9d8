import { max, mean } from "d3-array";
import { scaleLinear, scaleSqrt } from "d3-scale";
import { curveMonotoneY, line, linkVertical } from "d3-shape";
import type { Story, Sums } from "../api/types";
import { nodeName, percent, signed, type Graph, type GraphNode } from "../graph/graph";

/** What the story's picture consists of: a box for each group and each pinned node outside of groups, and arrows between them. */
export interface Box {
  /** The group's name, or the node's id. */
  key: string;
  isGroup: boolean;
  group: number;
  title: string;
  lines: string[];
  more: number;
  nodes: string[];
  x: number;
  y: number;
  width: number;
  height: number;
  note: string;
}

export interface Arrow {
  from: Box;
  to: Box;
  weight: number;
  share: number | null;
  path: string;
  width: number;
  labelX: number;
  labelY: number;
  text: string;
}

export interface Diagram {
  boxes: Box[];
  arrows: Arrow[];
  width: number;
  height: number;
}

const lineHeight = 15;
const mostLines = 4;
const gapX = 26;
const gapY = 46;
const padding = 16;

/** What `sums` is asked about: groups, then single nodes, and never an empty one. */
export function storyUnits(story: Story, graph: Graph): { key: string; isGroup: boolean; group: number; nodes: string[] }[] {
  const grouped = new Set(story.groups.flatMap((group) => group.nodes));
  return [
    ...story.groups.map((group, i) => ({ key: group.name, isGroup: true, group: i, nodes: group.nodes })).filter((group) => group.nodes.length > 0),
    ...story.pinned.filter((id) => !grouped.has(id) && graph.byId.has(id)).map((id) => ({ key: id, isGroup: false, group: -1, nodes: [id] })),
  ];
}

export type Places = Record<string, [number, number]>;

/** Boxes stand by layer and by token, like the graph's nodes, unless someone has moved them. */
export function drawStory(story: Story, graph: Graph, sums: Sums | null, places: Places): Diagram {
  const boxes: (Box & { layer: number; position: number })[] = storyUnits(story, graph).map((unit) => {
    const nodes = unit.nodes.map((id) => graph.byId.get(id)).filter((node): node is GraphNode => !!node);
    const first = nodes[0];
    const title = unit.isGroup ? unit.key : first ? nodeName(first, graph.tokens) : unit.key;
    const lines = unit.isGroup ? unit.nodes.slice(0, mostLines).map((id) => lineOf(id, graph)) : [placeOf(first, graph)];
    const more = unit.isGroup ? Math.max(0, unit.nodes.length - mostLines) : 0;
    const longest = Math.max(title.length * 7.6, ...lines.map((line) => line.length * 6.3));
    return {
      ...unit,
      title: shorten(title, 30),
      lines: lines.map((line) => shorten(line, 32)),
      more,
      width: Math.round(Math.max(92, Math.min(220, longest + 24))),
      height: 30 + (lines.length + (more ? 1 : 0) + (unit.isGroup ? 1 : 0)) * lineHeight,
      x: 0,
      y: 0,
      layer: mean(nodes, (node) => node.layer) ?? layerOf(unit.nodes[0]),
      position: mean(nodes, (node) => node.position) ?? 0,
      note: "",
    };
  });
  arrange(boxes);
  for (const box of boxes) {
    const place = places[box.key];
    if (Array.isArray(place) && place.every(Number.isFinite)) [box.x, box.y] = place;
  }
  if (sums)
    sums.groups.forEach((sum, i) => {
      if (boxes[i]?.isGroup && sum.influence != null) boxes[i].note = percent(sum.influence);
    });

  const strongest = max(sums?.edges ?? [], (edge) => Math.abs(edge.weight)) || 1;
  const thickness = scaleSqrt([0, strongest], [0.8, 7]);
  const draw = linkVertical<unknown, [number, number]>();
  const bend = line().curve(curveMonotoneY);
  const arrows: Arrow[] = [];
  for (const edge of sums?.edges ?? []) {
    const from = boxes[edge.source];
    const to = boxes[edge.target];
    if (!from || !to || from === to || Math.abs(edge.weight) < strongest * 0.01) continue;
    const up = to.y < from.y;
    const start: [number, number] = [from.x + from.width / 2, up ? from.y : from.y + from.height];
    const end: [number, number] = [to.x + to.width / 2, up ? to.y + to.height + 5 : to.y - 5];
    const blocking = boxes.filter((box) => box !== from && box !== to && crosses(start, end, box)).sort((a, b) => (up ? b.y - a.y : a.y - b.y));
    // Past a box that is in the way, on the side that is nearer.
    const around = blocking.map((box): [number, number] => {
      const x = start[0] + ((end[0] - start[0]) * (box.y + box.height / 2 - start[1])) / (end[1] - start[1] || 1);
      return [x < box.x + box.width / 2 ? box.x - 22 : box.x + box.width + 22, box.y + box.height / 2];
    });
    const middle = around[Math.floor(around.length / 2)];
    arrows.push({
      from,
      to,
      weight: edge.weight,
      share: edge.share,
      path: (around.length ? bend([start, ...around, end]) : draw({ source: start, target: end } as never)) ?? "",
      width: thickness(Math.abs(edge.weight)),
      labelX: middle ? middle[0] : (start[0] + end[0]) / 2,
      labelY: middle ? middle[1] : (start[1] + end[1]) / 2,
      text: signed(edge.weight),
    });
  }
  arrows.sort((a, b) => Math.abs(a.weight) - Math.abs(b.weight));
  separateLabels(arrows);
  return {
    boxes,
    arrows,
    width: Math.max(200, ...boxes.map((box) => box.x + box.width + padding + 30)),
    height: Math.max(120, ...boxes.map((box) => box.y + box.height + padding)),
  };
}

/** Whether the straight way from one point to another leads over a box. */
function crosses([ax, ay]: [number, number], [bx, by]: [number, number], box: Box): boolean {
  const top = Math.max(Math.min(ay, by), box.y - 6);
  const bottom = Math.min(Math.max(ay, by), box.y + box.height + 6);
  if (top >= bottom) return false;
  const at = (y: number) => ax + ((bx - ax) * (y - ay)) / (by - ay || 1);
  const [left, right] = [Math.min(at(top), at(bottom)), Math.max(at(top), at(bottom))];
  return right > box.x - 6 && left < box.x + box.width + 6;
}

/** Rows by layer, from the outputs down; within a row by token. */
function arrange(boxes: (Box & { layer: number; position: number })[]): void {
  const rows: (typeof boxes)[] = [];
  for (const box of [...boxes].sort((a, b) => b.layer - a.layer || a.position - b.position)) {
    const row = rows[rows.length - 1];
    if (row && row[0].layer - box.layer < 0.75) row.push(box);
    else rows.push([box]);
  }
  const widest = Math.max(240, ...rows.map((row) => row.reduce((sum, box) => sum + box.width + gapX, -gapX)));
  let y = padding;
  for (const row of rows) {
    row.sort((a, b) => a.position - b.position);
    const total = row.reduce((sum, box) => sum + box.width + gapX, -gapX);
    const spread = scaleLinear([0, 1], [padding + 30, padding + 30 + widest - total]);
    let x = spread(0.5);
    for (const box of row) {
      [box.x, box.y] = [Math.round(x), Math.round(y)];
      x += box.width + gapX;
    }
    y += Math.max(...row.map((box) => box.height)) + gapY;
  }
}

/** Moves numbers along until none lies on another. */
function separateLabels(arrows: Arrow[]): void {
  const placed: Arrow[] = [];
  for (const arrow of arrows.toReversed()) {
    for (let i = 0; i < 8 && placed.some((other) => Math.abs(other.labelX - arrow.labelX) < 40 && Math.abs(other.labelY - arrow.labelY) < 13); i++) arrow.labelY += i % 2 ? -14 * (i + 1) : 14 * (i + 1);
    placed.push(arrow);
  }
}

function lineOf(id: string, graph: Graph): string {
  const node = graph.byId.get(id);
  if (!node) return id;
  const name = nodeName(node, graph.tokens);
  return node.kind === "token" || node.kind === "target" ? name : `${name} @ ${graph.token(node.position).trim() || "·"}`;
}

function placeOf(node: GraphNode | undefined, graph: Graph): string {
  if (!node) return "";
  if (node.kind === "token") return `token ${node.position}`;
  if (node.kind === "target") return `output, ${percent(node.probability)}`;
  return `${node.label && node.kind === "feature" ? `${node.layer}/${node.feature} ` : ""}@ ${graph.token(node.position).trim() || "·"}`;
}

const layerOf = (id: string | undefined) => Number(id?.split("_")[0]) || 0;
const shorten = (text: string, characters: number) => (text.length <= characters ? text : `${text.slice(0, characters - 1)}…`);
