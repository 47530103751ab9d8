import { useSignal } from "@preact/signals";
import type { Ref } from "preact";
import { hoveredId, selectedId, story } from "../state/store";
import { setStoryView } from "../state/story";
import { choose } from "../graph/GraphPane";
import { graph } from "../state/store";
import type { Box, Diagram, Places } from "./diagram";
import { percent } from "../graph/graph";

/** The story's picture. Boxes are moved with the pointer, or with the arrow keys. */
export function DiagramView({ diagram, svgRef }: { diagram: Diagram; svgRef: Ref<SVGSVGElement> }) {
  const moving = useSignal<{ key: string; dx: number; dy: number } | null>(null);
  const offset = (box: Box) => (moving.value?.key === box.key ? moving.value : { dx: 0, dy: 0 });

  const place = (box: Box, x: number, y: number) => {
    const places = { ...((story.value.view.places ?? {}) as Places), [box.key]: [Math.max(0, Math.round(x)), Math.max(0, Math.round(y))] as [number, number] };
    setStoryView({ ...story.value.view, places });
  };

  const drag = (event: PointerEvent, box: Box) => {
    if (event.button !== 0) return;
    const target = event.currentTarget as SVGGElement;
    const svg = target.ownerSVGElement!;
    const scale = svg.viewBox.baseVal.width / svg.getBoundingClientRect().width;
    const [startX, startY] = [event.clientX, event.clientY];
    target.setPointerCapture(event.pointerId);
    const move = (next: PointerEvent) => (moving.value = { key: box.key, dx: (next.clientX - startX) * scale, dy: (next.clientY - startY) * scale });
    const end = () => {
      target.removeEventListener("pointermove", move);
      target.removeEventListener("pointerup", end);
      target.removeEventListener("pointercancel", end);
      const by = moving.value;
      moving.value = null;
      if (by && Math.hypot(by.dx, by.dy) > 3) place(box, box.x + by.dx, box.y + by.dy);
    };
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerup", end);
    target.addEventListener("pointercancel", end);
  };

  const keys = (event: KeyboardEvent, box: Box) => {
    const step = 12;
    const [dx, dy] = event.key === "ArrowLeft" ? [-step, 0] : event.key === "ArrowRight" ? [step, 0] : event.key === "ArrowUp" ? [0, -step] : event.key === "ArrowDown" ? [0, step] : [0, 0];
    if (dx || dy) {
      event.preventDefault();
      place(box, box.x + dx, box.y + dy);
    } else if (event.key === "Enter") select(box);
  };

  const select = (box: Box) => {
    const node = graph.value?.byId.get(box.nodes[0]);
    if (node) choose(node);
  };

  return (
    <svg ref={svgRef} class="diagram" width={diagram.width} height={diagram.height} viewBox={`0 0 ${diagram.width} ${diagram.height}`} role="group" aria-label={`Story: ${diagram.boxes.length} boxes, ${diagram.arrows.length} summed edges`}>
      <defs>
        {(["positive", "negative"] as const).map((sign) => (
          <marker id={`arrow-${sign}`} viewBox="0 0 8 8" refX="4" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">
            <path d="M0 .8 7 4 0 7.2z" class={`arrow-head is-${sign}`} />
          </marker>
        ))}
      </defs>
      {diagram.arrows.map((arrow) => {
        const sign = arrow.weight > 0 ? "positive" : "negative";
        return (
          <path class={`arrow is-${sign}`} d={arrow.path} stroke-width={arrow.width.toFixed(2)} marker-end={`url(#arrow-${sign})`}>
            <title>{`${arrow.from.title} → ${arrow.to.title}: ${arrow.text}${arrow.share !== null ? `, ${percent(arrow.share)} of its input` : ""}`}</title>
          </path>
        );
      })}
      {diagram.boxes.map((box) => {
        const { dx, dy } = offset(box);
        const isSelected = box.nodes.includes(selectedId.value ?? "");
        return (
          <g
            key={box.key}
            class={`box ${box.isGroup ? "is-group" : ""} ${isSelected ? "is-selected" : ""}`}
            transform={`translate(${box.x + dx} ${box.y + dy})`}
            tabindex={0}
            role="button"
            aria-label={`${box.isGroup ? "Group" : "Node"} ${box.title}${box.note ? `, ${box.note} of all influence` : ""}. Arrow keys move it.`}
            onPointerDown={(event) => drag(event, box)}
            onClick={() => select(box)}
            onKeyDown={(event) => keys(event, box)}
            onPointerEnter={() => (hoveredId.value = box.nodes.length === 1 && graph.value?.byId.has(box.nodes[0]) ? box.nodes[0] : null)}
            onPointerLeave={() => (hoveredId.value = null)}
          >
            <rect class="box-ground" width={box.width} height={box.height} rx="9" />
            <text class="box-title" x="12" y="20">
              {box.title}
            </text>
            {box.note && (
              <text class="box-note" x="12" y={box.height - 8}>
                {box.note} of influence
              </text>
            )}
            {box.lines.map((line, i) => (
              <text class="box-line" x="12" y={37 + i * 15}>
                {line}
              </text>
            ))}
            {box.more > 0 && (
              <text class="box-line" x="12" y={37 + box.lines.length * 15}>
                and {box.more} more
              </text>
            )}
          </g>
        );
      })}
      {diagram.arrows
        .slice(-24)
        .map((arrow) => (
          <text class="arrow-text" x={arrow.labelX} y={arrow.labelY + 4} text-anchor="middle">
            {arrow.text}
          </text>
        ))}
    </svg>
  );
}
