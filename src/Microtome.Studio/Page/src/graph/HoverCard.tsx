import { useLayoutEffect, useRef } from "preact/hooks";
import { explainKind, featureName, nodeName, percent, signed, type Graph, type GraphEdge, type GraphNode } from "./graph";
import { TokenText } from "../ui/controls";
import { usePromoted } from "./promoted";

const lines = 5;

/** Beside the pointer: what a node is, and its strongest inputs and outputs. */
export function HoverCard({ graph, trace, node, x, y, width, height }: { graph: Graph; trace: string | null; node: GraphNode; x: number; y: number; width: number; height: number }) {
  const ref = useRef<HTMLDivElement>(null);
  const promoted = usePromoted(trace, node.layer, node.kind === "feature" && !node.members ? node.feature : null);
  useLayoutEffect(() => {
    const card = ref.current!;
    const { offsetWidth, offsetHeight } = card;
    const left = x + 16 + offsetWidth > width ? Math.max(4, x - 16 - offsetWidth) : x + 16;
    const top = Math.max(4, Math.min(y + 12, height - offsetHeight - 4));
    card.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }, [node, promoted.length, x, y, width, height]);
  const inputs = graph.inputs[node.index];
  const outputs = graph.outputs[node.index];
  return (
    <div class="hover-card" ref={ref} role="tooltip">
      <p class="hover-name">{nodeName(node, graph.tokens)}</p>
      <p class="hover-where">
        {node.kind === "feature" && !node.members && `${featureName(node)} at `}
        {node.kind !== "target" && <TokenText text={graph.token(node.position)} />}
        {node.activation !== null && ` · active ${node.activation.toFixed(2)}`}
        {node.probability !== null && node.kind === "target" && `probability ${percent(node.probability)}`}
        {node.influence !== null && node.kind !== "target" && ` · influence ${percent(node.influence)}`}
      </p>
      {promoted.length > 0 && (
        <p class="hover-what">
          writes towards{" "}
          {promoted.map((text, i) => (
            <>
              {i > 0 && ", "}
              <TokenText text={text} />
            </>
          ))}
        </p>
      )}
      {explainKind(node.kind) && <p class="hover-what">{explainKind(node.kind)}</p>}
      {inputs.length > 0 && <EdgeList graph={graph} title="Strongest inputs" edges={inputs.slice(0, lines)} end="source" />}
      {outputs.length > 0 && <EdgeList graph={graph} title="Strongest outputs" edges={outputs.slice(0, lines)} end="target" />}
    </div>
  );
}

function EdgeList({ graph, title, edges, end }: { graph: Graph; title: string; edges: GraphEdge[]; end: "source" | "target" }) {
  return (
    <>
      <p class="hover-title">{title}</p>
      <ul>
        {edges.map((edge) => {
          const other = graph.nodes[edge[end]];
          return (
            <li>
              <span class={edge.weight > 0 ? "weight is-positive" : "weight is-negative"}>{signed(edge.weight)}</span>
              <span class="hover-other">{nodeName(other, graph.tokens)}</span>
              {other.kind !== "token" && other.kind !== "target" && <span class="hover-at">@ {graph.token(other.position).trim() || "·"}</span>}
            </li>
          );
        })}
      </ul>
    </>
  );
}
