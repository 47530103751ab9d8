import { batch, computed, signal } from "@preact/signals";
import { ApiError, get, messageOf, wasAborted } from "../api/client";
import type { ApiGraph, Group, Model, Story, Studio, Trace } from "../api/types";
import { collapse } from "../graph/collapse";
import { Graph, type GraphNode } from "../graph/graph";
import type { View } from "./address";
import { announce } from "./announcement";
import { saveAll, saveSoon, storyState, unsavedStory } from "./saving";

/** What every pane shares. Panes read signals and call the functions below; nothing else changes them. */
export const studio = signal<Studio | null>(null);
export const models = signal<Model[]>([]);
export const traces = signal<Trace[] | null>(null);
export const fatal = signal<string | null>(null);

export const view = signal<View>("graph");
export const traceId = signal<string | null>(null);
export const trace = computed(() => traces.value?.find((one) => one.id === traceId.value) ?? null);
export const model = computed(() => models.value.find((one) => one.id === trace.value?.model) ?? null);

/** The traces that are compared; null for those that suggest themselves. */
export const compared = signal<{ a: string | null; b: string | null }>({ a: null, b: null });

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

/** A story as an address has it. */
export interface LinkedStory {
  pinned: string[];
  groups: Group[];
}

type Edit = (story: Story) => Story;

/** Edits of the open story that were made before it had been read, to be made again on what was read. */
let early: Edit[] | null = null;

/** Changes the story and saves it with the graph a moment later. */
export function editStory(edit: Edit): void {
  story.value = edit(story.value);
  storyState.value = "unsaved";
  if (early) early.push(edit);
  else if (traceId.value) saveSoon(traceId.value, story.value);
}

/** The reading of each trace's story, which the next visit to it waits for: edits of the first may still be on their way. */
const reading = new Map<string, Promise<void>>();

/** Opens a finished trace: its graph, its story. */
export async function openTrace(id: string, given?: LinkedStory | null, node?: string | null): Promise<void> {
  const edits: Edit[] = (early = []);
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
  const read = readStory(id, edits, reading.get(id), given);
  reading.set(id, read);
  await read;
  if (reading.get(id) === read) reading.delete(id);
}

async function readStory(id: string, edits: Edit[], before: Promise<void> | undefined, given?: LinkedStory | null): Promise<void> {
  try {
    await before;
    await saveAll();
    const kept = unsavedStory(id); // from an earlier visit, where the server could not be reached
    const saved = { ...emptyStory, ...(kept ?? (await get<Story>(`/traces/${id}/story`))) };
    saved.view ??= {};
    const isShown = early === edits;
    if (isShown) {
      early = null;
      batch(() => {
        story.value = saved;
        storyState.value = kept ? "unsaved" : "saved";
        if (given) showLinkedStory(given);
        for (const edit of edits) editStory(edit);
      });
    } else if (edits.length) saveSoon(id, edits.reduce((one, edit) => edit(one), saved));
  } catch (error) {
    // Of a trace that has just been deleted, the graph's own error says so.
    if (!(error instanceof ApiError && error.status === 404)) announce(`The story could not be read: ${messageOf(error)}`);
  }
}

/** Shows the story of a link in place of the saved one, which stays as it is until somebody keeps the link's. */
export function showLinkedStory(given: LinkedStory): void {
  if ((given.pinned.length === 0 && given.groups.length === 0) || isSameStory(story.value, given)) return;
  story.value = { ...story.value, pinned: given.pinned, groups: given.groups };
  storyState.value = "link";
}

const isSameStory = (a: LinkedStory, b: LinkedStory) =>
  JSON.stringify([a.pinned, a.groups.map((group) => [group.name, group.nodes])]) === JSON.stringify([b.pinned, b.groups.map((group) => [group.name, group.nodes])]);

export function closeTrace(): void {
  saveAll();
  early = null;
  graphRequest?.abort();
  batch(() => {
    graphState.value = { loading: false, error: null };
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

/** Asks for a model's state again, which changes when it has been loaded or a job ends. */
export async function refreshModel(id: string): Promise<void> {
  const fresh = await get<Model>(`/models/${id}`);
  models.value = models.value.map((one) => (one.id === id ? fresh : one));
}

export async function loadTraces(): Promise<void> {
  traces.value = (await get<{ traces: Trace[] }>("/traces")).traces;
}
