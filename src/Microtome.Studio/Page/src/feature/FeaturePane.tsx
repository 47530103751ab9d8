import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, messageOf } from "../api/client";
import type { Connection, FeatureDetail, Neighbour, NodeDetail } from "../api/types";
import { choose, revealNode } from "../graph/GraphPane";
import { explainKind, featureName, nodeName, percent, quote, signed, type GraphNode } from "../graph/graph";
import { announce } from "../state/announcement";
import { graph, hoveredId, model, selected, selectedId, story, trace, traceId } from "../state/store";
import { isInStory, togglePin } from "../state/story";
import { Empty, IconButton, Problem, TokenText, Waiting } from "../ui/controls";
import { Bar } from "../ui/Bar";
import { useAsync } from "../ui/useAsync";
import { Copy, Pin } from "../ui/icons";
import { Examples } from "./Examples";
import { HeatToken } from "./heat";
import { Histogram } from "./Histogram";
import { Harvest } from "./Harvest";
import { LabelEditor } from "./LabelEditor";

/** A feature that is not a node of the graph, opened from a list of neighbours. */
const visited = { value: null as { layer: number; feature: number } | null };

export function FeaturePane() {
  const node = selected.value;
  const elsewhere = useSignal(visited.value);
  useEffect(() => {
    elsewhere.value = null;
  }, [selectedId.value]);
  if (!graph.value)
    return (
      <Empty title="What a node is">
        <p>Once there is a graph, click a node, or press Tab and the arrow keys.</p>
      </Empty>
    );
  if (elsewhere.value)
    return (
      <div class="feature">
        <header class="feature-head">
          <p class="feature-id">Feature {featureName(elsewhere.value)}</p>
          <button type="button" class="quiet" onClick={() => (elsewhere.value = null)}>
            Back
          </button>
        </header>
        <FeatureBody layer={elsewhere.value.layer} feature={elsewhere.value.feature} onVisit={(next) => (elsewhere.value = next)} />
      </div>
    );
  if (!node)
    return (
      <Empty title="What a node is">
        <p>Click a node, or move to one with the arrow keys. A second click pins it for the story.</p>
        <Strongest />
      </Empty>
    );
  return (
    <div class="feature">
      <header class="feature-head">
        <div>
          <p class="feature-id">
            {node.kind === "feature" ? (node.members ? node.label : `Feature ${featureName(node)}`) : node.kind === "target" ? "Output" : node.kind === "error" ? `Error of layer ${node.layer}` : node.kind === "steering" ? `Steering in layer ${node.layer}` : "Token"}
          </p>
          <p class="feature-place">
            {node.kind === "target" ? `${quote(node.text ?? "")} ${percent(node.probability)}` : <><TokenText text={graph.value.token(node.position)} /> position {node.position}</>}
            {node.activation !== null && ` · active ${node.activation.toFixed(3)}`}
            {node.influence !== null && node.kind !== "target" && ` · ${percent(node.influence)} of all influence`}
          </p>
        </div>
        {node.kind === "feature" && !node.members && (
          <IconButton label="Copy the feature's number" onClick={() => copyFeature(node)}>
            <Copy />
          </IconButton>
        )}
        {!node.members && (
          <IconButton label={isInStory(node.id) ? "Unpin" : "Pin for the story"} shortcut="Enter" pressed={isInStory(node.id)} onClick={() => togglePin(node.id)}>
            <Pin />
          </IconButton>
        )}
      </header>
      {node.kind === "feature" && !node.members && <FeatureBody key={node.id} layer={node.layer} feature={node.feature!} node={node} onVisit={(next) => visit(next, (value) => (elsewhere.value = value))} />}
      {explainKind(node.kind) && <p class="hint">{explainKind(node.kind)}</p>}
      {node.members && (
        <ul class="members">
          {node.members.map((id) => (
            <li>{id}</li>
          ))}
        </ul>
      )}
      {(node.kind !== "feature" || node.members) && <Connections node={node} />}
    </div>
  );
}

function copyFeature(node: GraphNode): void {
  navigator.clipboard.writeText(featureName(node)).then(
    () => announce(`${featureName(node)} copied`),
    (error) => announce(messageOf(error)),
  );
}

/** Selects the feature where it is in the graph, or else shows it by itself. */
function visit(next: { layer: number; feature: number }, show: (value: { layer: number; feature: number }) => void): void {
  const here = graph.value!.nodes.find((node) => node.kind === "feature" && node.layer === next.layer && node.feature === next.feature);
  if (!here) return show(next);
  choose(here);
  revealNode(here.id);
}

function Strongest() {
  const shown = graph.value!;
  const list = shown.nodes
    .filter((node) => node.kind === "feature" && node.influence !== null)
    .sort((a, b) => b.influence! - a.influence!)
    .slice(0, 8);
  return (
    <section class="part">
      <h3>Most influence on the answer</h3>
      <ul class="node-list">
        {list.map((node) => (
          <NodeLine node={node} value={percent(node.influence)} />
        ))}
      </ul>
    </section>
  );
}

function NodeLine({ node, value }: { node: GraphNode; value: string }) {
  return (
    <li>
      <button
        type="button"
        onClick={() => {
          choose(node);
          revealNode(node.id);
        }}
        onPointerEnter={() => (hoveredId.value = node.id)}
        onPointerLeave={() => (hoveredId.value = null)}
      >
        <span class="weight">{value}</span>
        <span class="node-list-name">{nodeName(node, graph.value!.tokens)}</span>
        <span class="node-list-at">
          <TokenText text={graph.value!.token(node.position)} />
        </span>
      </button>
    </li>
  );
}

function FeatureBody({ layer, feature, node, onVisit }: { layer: number; feature: number; node?: GraphNode; onVisit: (next: { layer: number; feature: number }) => void }) {
  const id = traceId.value;
  const index = model.value?.index.state;
  const detail = useAsync<FeatureDetail>(id && `${id}:${layer}:${feature}:${index}`, (signal) => get(`/features/${layer}/${feature}?trace=${id}`, signal));
  if (detail.error) return <Problem text={detail.error} onRetry={detail.reload} />;
  const value = detail.value;
  if (!value || value.layer !== layer || value.feature !== feature) return <Waiting text="Reading the feature" />;
  return (
    <>
      <LabelEditor detail={value} onSaved={detail.reload} />
      {trace.value?.tokens && value.here && <Here detail={value} node={node} />}
      {node && <Connections node={node} />}
      {(value.promoted?.length || value.suppressed?.length) ? <Words detail={value} /> : null}
      {value.indexed ? (
        <>
          {value.histogram && (
            <section class="part">
              <h3>
                Activations <span class="h3-note">{value.density !== null ? `active on ${percent(value.density, value.density < 0.01 ? 2 : 1)} of ${value.tokensSeen?.toLocaleString("en")} tokens` : ""}</span>
              </h3>
              <Histogram edges={value.histogram.edges} counts={value.histogram.counts} mark={node?.activation ?? null} />
            </section>
          )}
          <Examples detail={value} />
        </>
      ) : (
        <Harvest />
      )}
      <Neighbours layer={layer} feature={feature} onVisit={onVisit} />
    </>
  );
}

function Here({ detail, node }: { detail: FeatureDetail; node?: GraphNode }) {
  const tokens = trace.value!.tokens!;
  const at = new Map(detail.here!.map((place) => [place.position, place.activation]));
  const largest = Math.max(detail.maximum ?? 0, ...at.values());
  const position = node?.position;
  return (
    <section class="part">
      <h3>In this prompt</h3>
      <p class="heat-line">
        {tokens.map((text, i) => {
          const activation = at.get(i) ?? 0;
          const other = activation > 0 && i !== position ? graph.value!.byId.get(`${detail.layer}_${detail.feature}_${i}`) : undefined;
          return <HeatToken text={text} activation={activation} largest={largest} onClick={other && (() => choose(other))} />;
        })}
      </p>
    </section>
  );
}

function Words({ detail }: { detail: FeatureDetail }) {
  const largest = Math.max(...[...(detail.promoted ?? []), ...(detail.suppressed ?? [])].map((word) => Math.abs(word.logit)), 1e-9);
  const column = (title: string, words: FeatureDetail["promoted"], sign: "positive" | "negative") => (
    <div>
      <h4>{title}</h4>
      <ul class="words">
        {words?.slice(0, 8).map((word) => (
          <li>
            <Bar share={Math.abs(word.logit) / largest} tone={sign} />
            <TokenText text={word.text} />
            <span class="weight">{signed(word.logit)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
  return (
    <section class="part">
      <h3>What it writes towards</h3>
      <div class="two">
        {column("Promotes", detail.promoted, "positive")}
        {column("Suppresses", detail.suppressed, "negative")}
      </div>
    </section>
  );
}

function Connections({ node }: { node: GraphNode }) {
  const id = traceId.value;
  const detail = useAsync<NodeDetail>(id && !node.members ? `${id}:${node.id}` : null, (signal) => get(`/traces/${id}/nodes/${encodeURIComponent(node.id)}?top=8`, signal));
  const shown = graph.value!;
  const merged: NodeDetail | null = node.members
    ? {
        node,
        inputs: shown.inputs[node.index].slice(0, 8).map((edge) => ({ node: shown.nodes[edge.source], weight: edge.weight, share: shown.share(edge) })),
        outputs: shown.outputs[node.index].slice(0, 8).map((edge) => ({ node: shown.nodes[edge.target], weight: edge.weight, share: null })),
      }
    : null;
  const value = merged ?? detail.value;
  if (detail.error) return <Problem text={detail.error} onRetry={detail.reload} />;
  if (!value) return <Waiting text="Reading its edges" />;
  return (
    <section class="part">
      <h3>Edges</h3>
      <div class="two">
        <ConnectionList title="Inputs" connections={value.inputs} empty="none" />
        <ConnectionList title="Outputs" connections={value.outputs} empty="none" />
      </div>
    </section>
  );
}

function ConnectionList({ title, connections, empty }: { title: string; connections: Connection[]; empty: string }) {
  const shown = graph.value!;
  void story.value;
  return (
    <div>
      <h4>{title}</h4>
      {connections.length === 0 && <p class="hint">{empty}</p>}
      <ul class="node-list">
        {connections.map((connection) => {
          const other = shown.byId.get(connection.node.id);
          return (
            <li>
              <button
                type="button"
                disabled={!other}
                title={other ? undefined : "Pruned: raise the node threshold to see it"}
                onClick={() => {
                  if (!other) return;
                  choose(other);
                  revealNode(other.id);
                }}
                onPointerEnter={() => (hoveredId.value = other?.id ?? null)}
                onPointerLeave={() => (hoveredId.value = null)}
              >
                <span class={`weight ${connection.weight > 0 ? "is-positive" : "is-negative"}`}>{signed(connection.weight)}</span>
                <span class="node-list-name">{nodeName(other ?? connection.node, shown.tokens)}</span>
                {connection.node.kind !== "token" && connection.node.kind !== "target" && (
                  <span class="node-list-at">
                    <TokenText text={shown.token(connection.node.position)} />
                  </span>
                )}
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Neighbours({ layer, feature, onVisit }: { layer: number; feature: number; onVisit: (next: { layer: number; feature: number }) => void }) {
  const id = traceId.value;
  const list = useAsync<{ neighbours: Neighbour[] }>(id && `${id}:${layer}:${feature}`, (signal) => get(`/features/${layer}/${feature}/neighbours?trace=${id}&count=8`, signal));
  if (list.error || (list.value && list.value.neighbours.length === 0)) return null;
  return (
    <section class="part">
      <h3>
        Neighbours <span class="h3-note">by decoder direction</span>
      </h3>
      {!list.value && <Waiting text="Comparing decoder rows" />}
      <ul class="node-list">
        {list.value?.neighbours.map((one) => (
          <li>
            <button type="button" onClick={() => onVisit(one)}>
              <span class="weight">{one.cosine.toFixed(2)}</span>
              <span class="node-list-name">{one.label || featureName(one)}</span>
              {one.label && <span class="node-list-at">{featureName(one)}</span>}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
