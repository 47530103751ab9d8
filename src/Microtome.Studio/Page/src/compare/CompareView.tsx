import { signal, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ZoomTransform } from "d3-zoom";
import { get } from "../api/client";
import type { Comparison, Trace } from "../api/types";
import { featureName, nodeName, percent, quote, shortName } from "../graph/graph";
import { layOut, type Layout } from "../graph/layout";
import { readPalette } from "../graph/palette";
import { nextNode } from "../graph/keys";
import { GraphView } from "../graph/view";
import { announce } from "../state/announcement";
import { compared, traceId, traces } from "../state/store";
import { appearance } from "../state/theme";
import { Empty, IconButton, Pane, Problem, Slider, TokenText, Waiting } from "../ui/controls";
import { Fit } from "../ui/icons";
import { useAsync } from "../ui/useAsync";
import { differences, edgeKey, sidesOf, type Sides } from "./comparison";

const threshold = signal(0.8);

/** Two traces side by side: prompts, targets or models. */
export function CompareView() {
  const done = (traces.value ?? []).filter((one) => one.state === "done");
  const { a, b } = compared.value;
  const known = (id: string | null) => (done.some((one) => one.id === id) ? id : null);
  const firstA = known(a) ?? (done.some((one) => one.id === traceId.value) ? traceId.value : (done[0]?.id ?? null));
  const firstB = known(b) ?? done.find((one) => one.id !== firstA)?.id ?? null;
  const key = firstA && firstB ? `${firstA}|${firstB}|${threshold.value}` : null;
  const comparison = useAsync<Comparison>(key, (signal) => get(`/compare?a=${firstA}&b=${firstB}&nodes=${threshold.value}&edges=0.98`, signal));

  if (done.length < 2)
    return (
      <main class="compare" id="main">
        <Empty title="Two traces are needed">
          <p>Trace two prompts, or one prompt with two targets or two models, then compare them here.</p>
        </Empty>
      </main>
    );
  const picker = (side: "a" | "b", value: string | null, set: (id: string) => void) => (
    <label class={`side-picker is-${side}`}>
      <span class="side-name">{side.toUpperCase()}</span>
      <select aria-label={`Trace ${side.toUpperCase()}`} value={value ?? ""} onChange={(event) => set(event.currentTarget.value)}>
        {done.map((one) => (
          <option value={one.id}>
            {one.title} {one.targets?.[0] ? `→ ${quote(one.targets[0].text)}` : ""} ({shortName(one.modelName) ?? one.dictionary ?? "file"})
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <main class="compare" id="main">
      <div class="compare-bar">
        {picker("a", firstA, (id) => (compared.value = { a: id, b: firstB }))}
        {picker("b", firstB, (id) => (compared.value = { a: firstA, b: id }))}
        <Slider label="Nodes" value={threshold.value} min={0.3} max={0.99} step={0.01} format={(value) => percent(value, 0)} onInput={(value) => (threshold.value = value)} />
      </div>
      {comparison.error && <Problem text={comparison.error} onRetry={comparison.reload} />}
      {!comparison.value && !comparison.error && <Waiting text="Comparing" />}
      {comparison.value && <Compared comparison={comparison.value} />}
    </main>
  );
}

function Compared({ comparison }: { comparison: Comparison }) {
  const sides = useMemo(() => sidesOf(comparison), [comparison]);
  const graphs = useRef<HTMLDivElement>(null);
  const [aspect, setAspect] = useState(1.5);
  const layout = useMemo(() => layOut(sides.a, aspect), [sides, aspect]);
  useLayoutEffect(() => {
    const { width, height } = graphs.current!.querySelector(".graph-canvas")!.getBoundingClientRect();
    if (width > 100 && height > 120) setAspect((width - 62) / (height - 70));
  }, []);
  const transform = useSignal<ZoomTransform | null>(null);
  const focus = useSignal<number | null>(null);
  const { summary } = comparison;
  return (
    <>
      <div class="compare-graphs" ref={graphs}>
        <Side side="a" trace={comparison.a} sides={sides} layout={layout} transform={transform} focus={focus} />
        <Side side="b" trace={comparison.b} sides={sides} layout={layout} transform={transform} focus={focus} />
      </div>
      <div class="compare-foot">
        <ul class="legend" aria-label="Legend">
          <li>
            <svg viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="4" class="key-feature" /></svg>in both, {summary.both}
          </li>
          <li>
            <svg viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="4" class="key-a" /></svg>only in A, {summary.onlyA}
          </li>
          <li>
            <svg viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="4" class="key-b" /></svg>only in B, {summary.onlyB}
          </li>
        </ul>
        <p class="hint">
          {summary.correlation !== null && `Correlation of the edges' weights ${summary.correlation.toFixed(2)}.`}
          {!comparison.sameDictionary && " The two have different transcoders: features match by number only, which says little."}
        </p>
      </div>
      <div class="compare-tables">
        <Targets comparison={comparison} />
        <Differences comparison={comparison} focus={focus} />
      </div>
    </>
  );
}

interface Shared<T> {
  value: T;
}

function Side({ side, trace, sides, layout, transform, focus }: { side: "a" | "b"; trace: Trace; sides: Sides; layout: Layout; transform: Shared<ZoomTransform | null>; focus: Shared<number | null> }) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<GraphView | null>(null);
  const isFirst = useRef(true);
  const graph = sides[side];
  const inSide = side === "a" ? sides.inA : sides.inB;
  const only = side === "a" ? sides.onlyA : sides.onlyB;

  useEffect(() => {
    const created: GraphView = new GraphView(host.current!, {
      hover: (node) => (focus.value = node),
      click: (node) => (focus.value = node),
      token: () => {},
      moved: () => (transform.value = created.transform),
    });
    view.current = created;
    return () => created.dispose();
  }, []);
  useEffect(() => {
    const palette = readPalette(host.current!);
    const own = side === "a" ? palette.onlyA : palette.onlyB;
    view.current!.show({ graph, layout, matches: inSide, isOnly: (edge) => only.has(edgeKey(edge)) }, { ...palette, positive: own, negative: palette.muted }, isFirst.current);
    isFirst.current = false;
  }, [graph, layout, appearance.value]);
  useEffect(() => {
    if (transform.value) view.current!.follow(transform.value);
  }, [transform.value]);
  useEffect(() => {
    const shown = focus.value;
    view.current!.mark({ focus: shown, selected: shown, pinned: new Set(), found: null });
  }, [focus.value, graph]);

  const keys = (event: KeyboardEvent) => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const next = nextNode(graph, layout, inSide, focus.value === null ? null : graph.nodes[focus.value], event.key);
    if (!next) return;
    focus.value = next.index;
    view.current!.reveal(next);
    announce(`${nodeName(next, graph.tokens)}${next.only ? `, only in ${next.only.toUpperCase()}` : ", in both"}`);
  };
  const best = trace.targets?.[0];
  return (
    <Pane
      name={`Graph ${side.toUpperCase()}`}
      class={`compare-side is-${side}`}
      title={
        <>
          <span class="side-name">{side.toUpperCase()}</span> {trace.title}
        </>
      }
      tools={
        <IconButton label={`Fit graph ${side.toUpperCase()}`} onClick={() => view.current?.fit(true)}>
          <Fit />
        </IconButton>
      }
    >
      <p class="side-facts">
        {best && <>→ {quote(best.text)} {percent(best.probability)} · </>}
        {shortName(trace.modelName) ?? trace.dictionary ?? "file"}
      </p>
      <div class="graph-stage">
        <div class="graph-canvas" ref={host} tabIndex={0} role="application" aria-label={`Graph ${side.toUpperCase()}: arrow keys move between nodes`} onKeyDown={keys} />
      </div>
    </Pane>
  );
}

function Targets({ comparison }: { comparison: Comparison }) {
  const rows = comparison.nodes.filter((node) => node.kind === "target").sort((one, other) => Math.max(other.a?.probability ?? 0, other.b?.probability ?? 0) - Math.max(one.a?.probability ?? 0, one.b?.probability ?? 0));
  return (
    <section class="part" tabIndex={0} aria-label="Outputs">
      <h3>Outputs</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">Token</th>
            <th scope="col">A</th>
            <th scope="col">B</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, 10).map((node) => (
            <tr>
              <th scope="row">
                <TokenText text={(node.a ?? node.b)!.text ?? ""} />
              </th>
              <td class="weight">{percent(node.a?.probability)}</td>
              <td class="weight">{percent(node.b?.probability)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Differences({ comparison, focus }: { comparison: Comparison; focus: Shared<number | null> }) {
  const list = useMemo(() => differences(comparison).slice(0, 24), [comparison]);
  return (
    <section class="part" tabIndex={0} aria-label="Features that differ most">
      <h3>
        Features that differ most <span class="h3-note">relative change of activation, weighted by influence</span>
      </h3>
      {list.length === 0 && <p class="hint">None does.</p>}
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Feature</th>
              <th scope="col">At</th>
              <th scope="col">A</th>
              <th scope="col">B</th>
            </tr>
          </thead>
          <tbody>
            {list.map((one) => {
              const node = comparison.nodes[one.index];
              const token = comparison.tokens[node.column];
              return (
                <tr class={`state-${node.state} ${focus.value === one.index ? "is-focus" : ""}`} onPointerEnter={() => (focus.value = one.index)} onPointerLeave={() => (focus.value = null)}>
                  <th scope="row">
                    <button type="button" class="plain" onFocus={() => (focus.value = one.index)} onClick={() => (focus.value = one.index)}>
                      {(node.a ?? node.b)!.label || featureName(node)}
                    </button>
                  </th>
                  <td>{placeOf(node.state, token)}</td>
                  <td class="weight">{one.a === null ? "–" : one.a.toFixed(2)}</td>
                  <td class="weight">{one.b === null ? "–" : one.b.toFixed(2)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** The token that a node stands at: of the graph that has it, or of both where they differ. */
function placeOf(state: "both" | "a" | "b", token: Comparison["tokens"][number] | undefined) {
  const texts = [state !== "b" ? token?.textA : null, state !== "a" ? token?.textB : null].filter((text): text is string => text != null);
  const [first, second] = texts.length ? texts : [token?.textA ?? token?.textB ?? ""];
  return (
    <>
      <TokenText text={first} />
      {second !== undefined && second !== first && (
        <>
          {" / "}
          <TokenText text={second} />
        </>
      )}
    </>
  );
}
