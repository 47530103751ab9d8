import { batch, useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { announce } from "../state/announcement";
import { filters, graph, graphState, hoveredId, isFiltered, loadGraph, matches, mergedTokens, noFilters, selected, selectedId, setThresholds, story, thresholds, trace, wholeGraph } from "../state/store";
import { togglePin } from "../state/story";
import { appearance } from "../state/theme";
import { Empty, IconButton, Pane, Popover, Problem, Slider, TokenText, Waiting } from "../ui/controls";
import { Close, Filter, Fit, Merge, Minus, Plus, Search } from "../ui/icons";
import { describeNode, nodeName, percent, type GraphNode } from "./graph";
import { HoverCard } from "./HoverCard";
import { nextNode } from "./keys";
import { layOut } from "./layout";
import { readPalette } from "./palette";
import { GraphView } from "./view";

/** The graph: canvas, toolbar, and the list of what a search finds. */
export function GraphPane() {
  return (
    <Pane name="Graph" class="graph-pane" title="Graph" tools={<GraphTools />}>
      <div class="graph-bar">
        <Thresholds />
      </div>
      <Canvas />
      <Footer />
    </Pane>
  );
}

let currentView: GraphView | null = null;

function GraphTools() {
  return (
    <>
      <SearchBox />
      <Filters />
      <Merging />
    </>
  );
}

function ZoomTools() {
  return (
    <div class="zoom-tools" role="group" aria-label="Zoom">
      <IconButton label="Zoom in" shortcut="+" onClick={() => currentView?.zoomBy(1.4)}>
        <Plus />
      </IconButton>
      <IconButton label="Zoom out" shortcut="−" onClick={() => currentView?.zoomBy(1 / 1.4)}>
        <Minus />
      </IconButton>
      <IconButton label="Fit the graph" shortcut="0" onClick={() => currentView?.fit(true)}>
        <Fit />
      </IconButton>
    </div>
  );
}

function Canvas() {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<GraphView | null>(null);
  const isReady = useSignal(false);
  const pointer = useSignal<{ x: number; y: number } | null>(null);
  const moved = useSignal(0);

  useEffect(() => {
    const created = new GraphView(host.current!, {
      hover: (node, x, y) =>
        batch(() => {
          hoveredId.value = node === null ? null : (graph.peek()?.nodes[node].id ?? null);
          pointer.value = node === null ? null : { x, y };
        }),
      click: (node, { pin }) => {
        const found = node === null ? null : graph.peek()!.nodes[node];
        if (found && (pin || selectedId.peek() === found.id) && !found.members) pinAndSay(found);
        choose(found);
      },
      token: (position) => toggleToken(position),
      moved: () => {
        moved.value++;
        if (pointer.peek()) pointer.value = null;
      },
    });
    view.current = currentView = created;
    isReady.value = true;
    return () => {
      created.dispose();
      if (currentView === created) currentView = null;
    };
  }, []);

  const shownGraph = graph.value;
  const traceOf = wholeGraph.value?.trace ?? null;
  const shownTrace = useRef<string | null>(null);
  const layout = useComputed(() => {
    const current = graph.value;
    if (!isReady.value || !current || !view.current) return null;
    const area = view.current.area;
    return layOut(current, area.width / area.height);
  });

  useEffect(() => {
    const current = view.current!;
    void appearance.value;
    const palette = readPalette(host.current!);
    if (!shownGraph || !layout.value) current.show(null, palette, false);
    else current.show({ graph: shownGraph, layout: layout.value, matches: matches.value }, palette, shownTrace.current !== traceOf);
    shownTrace.current = traceOf;
  }, [shownGraph, layout.value, matches.value, appearance.value]);

  const focusId = hoveredId.value ?? selectedId.value;
  useEffect(() => {
    if (!shownGraph || !view.current) return;
    const indexOf = (id: string | null) => (id === null ? null : (shownGraph.byId.get(id)?.index ?? null));
    const inStory = [...story.value.pinned, ...story.value.groups.flatMap((group) => group.nodes)];
    const found = filters.value.search.trim() ? new Set(shownGraph.nodes.filter((node) => matches.value[node.index]).map((node) => node.index)) : null;
    view.current.mark({
      focus: indexOf(focusId),
      selected: indexOf(selectedId.value),
      pinned: new Set(inStory.map(indexOf).filter((index): index is number => index !== null)),
      found,
    });
  }, [shownGraph, focusId, selectedId.value, story.value, matches.value, filters.value]);

  const selectedNode = selectedId.value ? shownGraph?.byId.get(selectedId.value) : undefined;
  const hovered = hoveredId.value ? shownGraph?.byId.get(hoveredId.value) : undefined;

  const keys = (event: KeyboardEvent) => {
    // What is selected now, not when the pane was last drawn: keys can come faster.
    const shown = graph.peek();
    const node = selected.peek();
    if (!shown || !view.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const go = (next: GraphNode | null | undefined) => {
      event.preventDefault();
      if (!next) return;
      choose(next);
      view.current!.reveal(next);
    };
    if (event.key.startsWith("Arrow") && event.shiftKey) {
      event.preventDefault();
      const step = 60;
      view.current.panBy(event.key === "ArrowLeft" ? step : event.key === "ArrowRight" ? -step : 0, event.key === "ArrowUp" ? step : event.key === "ArrowDown" ? -step : 0);
    } else if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") go(nextNode(shown, layout.peek()!, matches.peek(), node, event.key));
    else if (event.key === "[") go(node && shown.nodes[shown.inputs[node.index][0]?.source]);
    else if (event.key === "]") go(node && shown.nodes[shown.outputs[node.index][0]?.target]);
    else if ((event.key === "Enter" || event.key === " " || event.key === "p") && node) {
      event.preventDefault();
      if (!node.members) pinAndSay(node);
    } else if (event.key === "g" && node) mergeToken(node.position);
    else if (event.key === "t" && node) toggleToken(node.position);
    else if (event.key === "+" || event.key === "=") view.current.zoomBy(1.4);
    else if (event.key === "-" || event.key === "_") view.current.zoomBy(1 / 1.4);
    else if (event.key === "0") view.current.fit(true);
    else if (event.key === "Escape" && node) {
      event.preventDefault();
      selectedId.value = null;
    }
  };

  const state = graphState.value;
  return (
    <div class="graph-stage">
      <div
        class="graph-canvas"
        ref={host}
        role="application"
        tabIndex={0}
        aria-label={shownGraph ? `Attribution graph: ${shownGraph.nodes.length} nodes, ${shownGraph.edges.length} edges. Arrow keys move between nodes, Enter pins, [ and ] follow the strongest input and output.` : "Attribution graph, empty"}
        aria-activedescendant={selectedNode ? "selected-node" : undefined}
        data-nodes={shownGraph?.nodes.length}
        data-edges={shownGraph?.edges.length}
        onKeyDown={keys}
      >
        {selectedNode && shownGraph && <Marker view={view.current} node={selectedNode} version={moved.value} text={describeNode(selectedNode, shownGraph.tokens)} />}
        {hovered && shownGraph && pointer.value && <HoverCard graph={shownGraph} trace={traceOf} node={hovered} x={pointer.value.x} y={pointer.value.y} width={view.current!.width} height={view.current!.height} />}
      </div>
      {shownGraph && <ZoomTools />}
      {state.error && <Problem text={state.error} onRetry={trace.value ? loadGraph : undefined} />}
      {!shownGraph && !state.error && (trace.value ? state.loading ? <Waiting text="Reading the graph" /> : null : <Empty title="No graph yet">{<p>Trace a prompt, choose an earlier trace, or drop a graph.json here.</p>}</Empty>)}
      {shownGraph && isFiltered.value && !matches.value.includes(1) && (
        <div class="graph-note">
          <Empty title="Nothing matches">
            <button type="button" onClick={() => (filters.value = noFilters)}>
              Clear the filters
            </button>
          </Empty>
        </div>
      )}
    </div>
  );
}

/** The selected node as an element, for assistive technology. */
function Marker({ view, node, version, text }: { view: GraphView | null; node: GraphNode; version: number; text: string }) {
  const ref = useRef<HTMLDivElement>(null);
  // Before the browser paints: an element that names the node has to be where the node is.
  useLayoutEffect(() => {
    const place = view?.locate(node);
    if (place) ref.current!.style.transform = `translate(${place.x}px, ${place.y}px)`;
  }, [view, node, version, graph.value]);
  return <div class="node-marker" id="selected-node" role="img" aria-label={text} ref={ref} />;
}

function SearchBox() {
  const value = filters.value.search;
  const count = value.trim() ? matches.value.reduce((sum, one) => sum + one, 0) : 0;
  const first = () => {
    const found = graph.value?.nodes.filter((node) => matches.value[node.index]).sort((a, b) => (a.cumulative ?? 0) - (b.cumulative ?? 0)) ?? [];
    if (!found.length) return;
    const at = found.findIndex((node) => node.id === selectedId.value);
    const next = found[(at + 1) % found.length];
    choose(next);
    currentView?.reveal(next);
  };
  return (
    <div class="search">
      <Search />
      <input
        id="graph-search"
        type="search"
        placeholder="Label, token, 4/142"
        aria-label="Search labels, tokens and feature ids"
        value={value}
        disabled={!graph.value}
        onInput={(event) => (filters.value = { ...filters.value, search: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key === "Enter") first();
          if (event.key === "Escape" && value) {
            event.preventDefault();
            filters.value = { ...filters.value, search: "" };
          }
        }}
      />
      <span class="search-count" role="status">
        {value.trim() ? `${count} found` : ""}
      </span>
    </div>
  );
}

function Filters() {
  const shown = graph.value;
  const { tokens, layer, kind } = filters.value;
  const count = (tokens.size ? 1 : 0) + (layer !== null ? 1 : 0) + (kind !== "all" ? 1 : 0);
  return (
    <Popover label="Filter nodes" icon={<Filter />} text={count ? `Filter · ${count}` : "Filter"} active={count > 0} align="right">
      {shown ? (
        <div class="filter-panel">
          <fieldset>
            <legend>Tokens</legend>
            <div class="chips">
              {shown.tokens.map((text, position) => (
                <button type="button" class="chip" aria-pressed={tokens.has(position)} onClick={() => toggleToken(position)}>
                  <TokenText text={text} />
                </button>
              ))}
            </div>
          </fieldset>
          <div class="field-row">
            <label>
              Layer
              <select aria-label="Layer" value={layer === null ? "" : String(layer)} onChange={(event) => (filters.value = { ...filters.value, layer: event.currentTarget.value === "" ? null : Number(event.currentTarget.value) })}>
                <option value="">all</option>
                {Array.from({ length: shown.layers }, (_, i) => (
                  <option value={i}>{i}</option>
                ))}
              </select>
            </label>
            <label>
              Nodes
              <select aria-label="Nodes to show" value={kind} onChange={(event) => (filters.value = { ...filters.value, kind: event.currentTarget.value as typeof kind })}>
                <option value="all">all</option>
                <option value="labelled">with a label</option>
                <option value="pinned">pinned</option>
              </select>
            </label>
            <button type="button" class="quiet" disabled={!isFiltered.value} onClick={() => (filters.value = noFilters)}>
              <Close /> Clear
            </button>
          </div>
        </div>
      ) : (
        <p class="hint">There is no graph yet.</p>
      )}
    </Popover>
  );
}

function Merging() {
  const shown = graph.value;
  const merged = mergedTokens.value;
  return (
    <Popover label="Group the features of tokens" icon={<Merge />} active={merged.size > 0} align="right">
      {shown ? (
        <div class="filter-panel">
          <fieldset>
            <legend>Show the features of these tokens as one node a layer</legend>
            <div class="chips">
              {shown.tokens.map((text, position) => (
                <button type="button" class="chip" aria-pressed={merged.has(position)} onClick={() => mergeToken(position)}>
                  <TokenText text={text} />
                </button>
              ))}
            </div>
          </fieldset>
          <div class="field-row">
            <button type="button" class="quiet" onClick={() => (mergedTokens.value = new Set(shown.tokens.keys()))}>
              All
            </button>
            <button type="button" class="quiet" disabled={merged.size === 0} onClick={() => (mergedTokens.value = new Set())}>
              None
            </button>
          </div>
        </div>
      ) : (
        <p class="hint">There is no graph yet.</p>
      )}
    </Popover>
  );
}

/** Thresholds move in steps that grow finer towards everything, where most nodes and edges are. */
const toThreshold = (position: number) => 1 - (1 - position) ** 2;
const toPosition = (threshold: number) => 1 - Math.sqrt(Math.max(0, 1 - threshold));

const withCount = (threshold: number, count: number | undefined) => (count === undefined ? percent(threshold) : `${percent(threshold)} · ${count.toLocaleString("en")}`);

function Thresholds() {
  const { nodes, edges } = thresholds.value;
  const round = (value: number) => Math.round(value * 1000) / 1000;
  const off = !wholeGraph.value;
  return (
    <div class="thresholds">
      <Slider label="Nodes" title="The share of influence that the nodes shown hold" value={toPosition(nodes)} min={0} max={1} step={0.01} disabled={off} format={() => withCount(nodes, wholeGraph.value?.nodes.length)} onInput={(value) => setThresholds(round(toThreshold(value)), edges)} />
      <Slider label="Edges" title="The share of influence that the edges shown hold" value={toPosition(edges)} min={0} max={1} step={0.01} disabled={off} format={() => withCount(edges, wholeGraph.value?.edges.weight.length)} onInput={(value) => setThresholds(nodes, round(toThreshold(value)))} />
    </div>
  );
}

function Footer() {
  return (
    <footer class="graph-foot">
      <ul class="legend" aria-label="Legend">
        <li>
          <svg viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="4" class="key-feature" /></svg>feature
        </li>
        <li>
          <svg viewBox="0 0 12 12" aria-hidden="true"><path d="M6 1 11 6 6 11 1 6z" class="key-open" /></svg>error
        </li>
        <li>
          <svg viewBox="0 0 12 12" aria-hidden="true"><rect x="2" y="2" width="8" height="8" class="key-open" /></svg>token
        </li>
        {graph.value?.nodes.some((node) => node.kind === "steering") && (
          <li>
            <svg viewBox="0 0 12 12" aria-hidden="true"><path d="M6 1 11 10H1z" class="key-steering" /></svg>steering
          </li>
        )}
        <li>
          <svg viewBox="0 0 16 12" aria-hidden="true"><rect x="1" y="2" width="14" height="8" rx="3" class="key-output" /></svg>output
        </li>
        <li>
          <svg viewBox="0 0 20 12" aria-hidden="true"><path d="M1 6h18" class="key-positive" /></svg>raises
        </li>
        <li>
          <svg viewBox="0 0 20 12" aria-hidden="true"><path d="M1 6h18" class="key-negative" /></svg>lowers
        </li>
      </ul>
      <p class="counts">
        <Scores />
      </p>
    </footer>
  );
}

/** How much of the computation the whole graph explains. */
export function Scores() {
  const answer = wholeGraph.value;
  const { features, activeFeatures } = trace.value ?? { features: null, activeFeatures: null };
  return (
    <>
      {answer?.replacement != null && <span title="The share of influence on the answer that comes from tokens through features rather than from errors">replacement {answer.replacement.toFixed(3)}</span>}
      {answer?.completeness != null && <span title="The share of all nodes' inputs that does not come from errors"> · completeness {answer.completeness.toFixed(3)}</span>}
      {answer && features != null && activeFeatures != null && features < activeFeatures && (
        <span title="Those of the most influence were traced; Settings, on the left, sets how many">
          {" "}
          · {features.toLocaleString("en")} of {activeFeatures.toLocaleString("en")} features
        </span>
      )}
    </>
  );
}

export function choose(node: GraphNode | null): void {
  selectedId.value = node?.id ?? null;
  if (node && graph.value) announce(describeNode(node, graph.value.tokens));
}

export function revealNode(id: string): void {
  const node = graph.value?.byId.get(id);
  if (node) currentView?.reveal(node);
}

function pinAndSay(node: GraphNode): void {
  togglePin(node.id);
  announce(`${nodeName(node, graph.value!.tokens)} ${story.value.pinned.includes(node.id) ? "pinned" : "no longer pinned"}`);
}

function toggleToken(position: number): void {
  const tokens = new Set(filters.value.tokens);
  if (!tokens.delete(position)) tokens.add(position);
  filters.value = { ...filters.value, tokens };
}

function mergeToken(position: number): void {
  const merged = new Set(mergedTokens.value);
  if (!merged.delete(position)) merged.add(position);
  mergedTokens.value = merged;
}
