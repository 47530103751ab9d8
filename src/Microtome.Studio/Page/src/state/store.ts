import { batch, computed, effect, signal } from "@preact/signals";
import { get, messageOf, wasAborted } from "../api/client";
import type { ApiGraph, Group, Model, Story, Studio, Trace } from "../api/types";
import { collapse } from "../graph/collapse";
import { Graph, type GraphNode } from "../graph/graph";
import { readAddress, writeAddress, type View } from "./address";

/** What every pane shares. Panes read signals and call the functions below; nothing else changes them. */
export const studio = signal<Studio | null>(null);
export const models = signal<Model[]>([]);
export const traces = signal<Trace[] | null>(null);
export const fatal = signal<string | null>(null);

export const view = signal<View>("graph");
export const traceId = signal<string | null>(null);
export const trace = computed(() => traces.value?.find((one) => one.id === traceId.value) ?? null);
export const model = computed(() => models.value.find((one) => one.id === trace.value?.model) ?? null);

export const thresholds = signal({ nodes: 0.8, edges: 0.98 });
export const wholeGraph = signal<ApiGraph | null>(null);
export const graphState = signal<{ loading: boolean; error: string | null }>({ loading: false, error: null });

/** Tokens whose features are merged into one node a layer. */
export const mergedTokens = signal<ReadonlySet<number>>(new Set());
export const labels = signal<ReadonlyMap<string, string>>(new Map());

export const graph = computed<Graph | null>(() => {
  const answer = wholeGraph.value;
  if (!answer) return null;
  const whole = Graph.read(answer);
  for (const node of whole.nodes) {
    const label = node.kind === "feature" ? labels.value.get(`${node.layer}/${node.feature}`) : undefined;
    if (label !== undefined) node.label = label || null;
  }
  return collapse(whole, mergedTokens.value);
});

export const selectedId = signal<string | null>(null);
export const hoveredId = signal<string | null>(null);
export const selected = computed<GraphNode | null>(() => (selectedId.value && graph.value?.byId.get(selectedId.value)) || null);

export interface Filters {
  search: string;
  tokens: ReadonlySet<number>;
  layer: number | null;
  kind: "all" | "labelled" | "pinned";
}
export const noFilters: Filters = { search: "", tokens: new Set(), layer: null, kind: "all" };
export const filters = signal<Filters>(noFilters);

export const emptyStory: Story = { pinned: [], groups: [], notes: "", view: {} };
export const story = signal<Story>(emptyStory);
export const storyState = signal<"saved" | "saving" | "unsaved" | "link">("saved");

export const isFiltered = computed(() => {
  const { search, tokens, layer, kind } = filters.value;
  return search.trim() !== "" || tokens.size > 0 || layer !== null || kind !== "all";
});

/** 1 for each node that passes the filters. */
export const matches = computed<Uint8Array>(() => {
  const shown = graph.value;
  if (!shown) return new Uint8Array();
  const { search, tokens, layer, kind } = filters.value;
  const words = search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const pinned = new Set([...story.value.pinned, ...story.value.groups.flatMap((group) => group.nodes)]);
  return Uint8Array.from(shown.nodes, (node) => {
    if (tokens.size && !tokens.has(node.position) && node.kind !== "target") return 0;
    if (layer !== null && node.layer !== layer) return 0;
    if (kind === "labelled" && !(node.kind === "feature" && node.label && !node.members)) return 0;
    if (kind === "pinned" && !pinned.has(node.id)) return 0;
    if (words.length === 0) return 1;
    const text = `${node.label ?? ""} ${node.text ?? ""} ${shown.token(node.position)} ${node.layer}/${node.feature} ${node.id} ${node.kind}`.toLowerCase();
    return words.every((word) => text.includes(word)) ? 1 : 0;
  });
});

let graphRequest: AbortController | null = null;

/** Asks for the graph at the current thresholds; the graph before stays on the screen until the answer is there. */
export async function loadGraph(): Promise<void> {
  const id = traceId.value;
  graphRequest?.abort();
  if (!id) return;
  const request = (graphRequest = new AbortController());
  graphState.value = { loading: true, error: null };
  try {
    const chosen = thresholds.value;
    const isFirst = wholeGraph.value?.trace !== id;
    const query = isFirst && !isChosen ? "" : `?nodes=${chosen.nodes}&edges=${chosen.edges}`;
    const answer = await get<ApiGraph>(`/traces/${id}/graph${query}`, request.signal);
    if (request.signal.aborted) return;
    batch(() => {
      wholeGraph.value = answer;
      thresholds.value = { nodes: answer.nodeThreshold, edges: answer.edgeThreshold };
      graphState.value = { loading: false, error: null };
    });
  } catch (error) {
    if (!wasAborted(error)) graphState.value = { loading: false, error: messageOf(error) };
  }
}

let isChosen = false;
let pruneTimer = 0;

/** Moves the thresholds: the graph follows while a slider is being dragged. */
export function setThresholds(nodes: number, edges: number): void {
  thresholds.value = { nodes, edges };
  isChosen = true;
  clearTimeout(pruneTimer);
  pruneTimer = window.setTimeout(loadGraph, 60);
}

/** Opens a finished trace: its graph, its story. */
export async function openTrace(id: string, given?: { pinned: string[]; groups: Group[] } | null, node?: string | null): Promise<void> {
  batch(() => {
    traceId.value = id;
    wholeGraph.value = null;
    mergedTokens.value = new Set();
    labels.value = new Map();
    filters.value = noFilters;
    selectedId.value = node ?? null;
    hoveredId.value = null;
    story.value = emptyStory;
    storyState.value = "saved";
  });
  isChosen = false;
  loadGraph();
  try {
    const saved = { ...emptyStory, ...(await get<Story>(`/traces/${id}/story`)) };
    saved.view ??= {};
    if (traceId.value !== id) return;
    const fromLink = given && (given.pinned.length > 0 || given.groups.length > 0) && !isSameStory(saved, given);
    batch(() => {
      story.value = fromLink ? { ...saved, pinned: given.pinned, groups: given.groups } : saved;
      storyState.value = fromLink ? "link" : "saved";
    });
  } catch {
    // A trace without a story, or one that has just been deleted: the graph's own error says so.
  }
}

const isSameStory = (a: { pinned: string[]; groups: Group[] }, b: { pinned: string[]; groups: Group[] }) =>
  JSON.stringify([a.pinned, a.groups.map((group) => [group.name, group.nodes])]) === JSON.stringify([b.pinned, b.groups.map((group) => [group.name, group.nodes])]);

export function closeTrace(): void {
  graphRequest?.abort();
  batch(() => {
    traceId.value = null;
    wholeGraph.value = null;
    selectedId.value = null;
    story.value = emptyStory;
  });
}

export function upsertTrace(one: Trace): void {
  const list = traces.value ?? [];
  traces.value = list.some((other) => other.id === one.id) ? list.map((other) => (other.id === one.id ? one : other)) : [one, ...list];
}

export async function loadModels(): Promise<void> {
  models.value = (await get<{ models: Model[] }>("/models")).models;
}

export async function loadTraces(): Promise<void> {
  traces.value = (await get<{ traces: Trace[] }>("/traces")).traces;
}

/** Says something to those who listen instead of look. */
export const announcement = signal("");
export function announce(text: string): void {
  announcement.value = announcement.value === text ? `${text} ` : text;
}

export async function start(): Promise<void> {
  const address = readAddress();
  view.value = address.view;
  try {
    studio.value = await get<Studio>("/studio");
    await Promise.all([loadModels(), loadTraces()]);
  } catch (error) {
    fatal.value = messageOf(error);
    return;
  }
  const id = address.trace && traces.value!.some((one) => one.id === address.trace) ? address.trace : null;
  if (id) await openTrace(id, address, address.node);
  effect(() => {
    writeAddress({ view: view.value, trace: traceId.value, node: selectedId.value, pinned: story.value.pinned, groups: story.value.groups });
  });
}
