import { signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { call, messageOf } from "../api/client";
import type { Sums } from "../api/types";
import { choose, revealNode } from "../graph/GraphPane";
import { nodeName, percent } from "../graph/graph";
import { announce } from "../state/announcement";
import { saveAll, storyState } from "../state/saving";
import { graph, hoveredId, selected, selectedId, story, trace, traceId } from "../state/store";
import { addGroup, isInStory, keepLinkedStory, moveToGroup, removeGroup, renameGroup, togglePin } from "../state/story";
import { Empty, IconButton, Pane, Popover, TokenText } from "../ui/controls";
import { Close, Download, Link, Plus } from "../ui/icons";
import { useAsync } from "../ui/useAsync";
import { drawStory, storyUnits, type Places } from "./diagram";
import { DiagramView } from "./DiagramView";
import { download, jsonOf, pngOf, standaloneSvg } from "./export";

const dragged = signal<string | null>(null);

/** Pinned nodes, dragged into named groups; the edges between them summed. */
export function StoryPane() {
  const svg = useRef<SVGSVGElement>(null);
  const shown = graph.value;
  const units = shown ? storyUnits(story.value, shown) : [];
  const key = shown && units.length > 1 && traceId.value ? JSON.stringify([traceId.value, units.map((unit) => [unit.key, unit.nodes])]) : null;
  const sums = useAsync<Sums>(key, (request) => call("POST", `/traces/${traceId.value}/sums`, { groups: units.map((unit) => ({ name: unit.key, nodes: unit.nodes })) }, { signal: request }));
  const places = (story.value.view.places ?? {}) as Places;
  const sumsFit = sums.value && sums.value.groups.length === units.length ? sums.value : null;
  const diagram = shown && units.length ? drawStory(story.value, shown, sumsFit, places) : null;
  return (
    <Pane name="Story" class="story-pane" title={<>Story <StoryShare /> <StoryState /></>} tools={<ExportMenu svg={() => svg.current} sums={sumsFit} disabled={!diagram} />}>
      {!shown ? (
        <Empty title="A story of the circuit">
          <p>Pin nodes of a graph, and drag them into groups with names.</p>
        </Empty>
      ) : (
        <div class="story">
          <div class="story-groups">
            <Tray />
            {story.value.groups.map((group, i) => (
              <GroupCard key={i} index={i} name={group.name} nodes={group.nodes} />
            ))}
            <NewGroup />
          </div>
          <div class="story-diagram">
            {sums.error && <p class="hint is-bad" role="alert">{sums.error}</p>}
            {diagram ? <DiagramView diagram={diagram} svgRef={svg} /> : <Empty title="Nothing pinned yet">{<p>Click a node twice, or press Enter on it.</p>}</Empty>}
          </div>
        </div>
      )}
    </Pane>
  );
}

/** How much of the influence on the answer goes through what is in the story. */
function StoryShare() {
  const shown = graph.value;
  const nodes = new Set([...story.value.pinned, ...story.value.groups.flatMap((group) => group.nodes)]);
  if (!shown || nodes.size === 0) return null;
  const share = [...nodes].reduce((sum, id) => sum + (shown.byId.get(id)?.influence ?? 0), 0);
  return (
    <span class="story-share" title="Of the influence on the outputs that all nodes of the whole graph hold, tokens and errors included; pinned nodes that are pruned do not count">
      {percent(share)} of all influence
    </span>
  );
}

function StoryState() {
  if (!traceId.value) return null;
  if (storyState.value === "link")
    return (
      <span class="story-state">
        from the link{" "}
        <button type="button" class="quiet" onClick={keepLinkedStory}>
          Keep
        </button>
      </span>
    );
  return (
    <span class="story-state" role="status">
      {storyState.value === "saved" ? (story.value.pinned.length ? "saved" : "") : storyState.value === "saving" ? "saving" : "not saved yet"}
    </span>
  );
}

function dropProps(onDrop: (id: string) => void) {
  return {
    onDragOver: (event: DragEvent) => {
      if (!dragged.value) return;
      event.preventDefault();
      (event.currentTarget as HTMLElement).classList.add("is-over");
    },
    onDragLeave: (event: DragEvent) => (event.currentTarget as HTMLElement).classList.remove("is-over"),
    onDrop: (event: DragEvent) => {
      (event.currentTarget as HTMLElement).classList.remove("is-over");
      if (!dragged.value) return;
      event.preventDefault();
      onDrop(dragged.value);
      dragged.value = null;
    },
  };
}

function Tray() {
  const grouped = new Set(story.value.groups.flatMap((group) => group.nodes));
  const loose = story.value.pinned.filter((id) => !grouped.has(id));
  const node = selected.value;
  return (
    <section class="tray" aria-label="Pinned, in no group" {...dropProps((id) => moveToGroup([id], -1))}>
      <h3>Pinned</h3>
      <ul class="pins">
        {loose.map((id) => (
          <PinChip id={id} group={-1} />
        ))}
      </ul>
      {loose.length === 0 && <p class="hint">{story.value.pinned.length ? "All are in groups." : "Pinned nodes come here."}</p>}
      {node && !node.members && !isInStory(node.id) && (
        <button type="button" class="quiet" onClick={() => togglePin(node.id)}>
          <Plus /> Pin {nodeName(node, graph.value!.tokens)}
        </button>
      )}
    </section>
  );
}

function GroupCard({ index, name, nodes }: { index: number; name: string; nodes: string[] }) {
  const text = useSignal<string | null>(null);
  const rename = () => {
    const next = text.value;
    text.value = null;
    if (next === null || next.trim() === name) return;
    if (!renameGroup(index, next)) announce(next.trim() ? "Another group has this name" : "A group needs a name");
  };
  return (
    <section class="group-card" aria-label={`Group ${name}`} {...dropProps((id) => moveToGroup([id], index))}>
      <header>
        <input
          type="text"
          class="group-name"
          aria-label="Group's name"
          maxLength={200}
          value={text.value ?? name}
          onInput={(event) => (text.value = event.currentTarget.value)}
          onBlur={rename}
          onKeyDown={(event) => {
            if (event.key === "Enter") event.currentTarget.blur();
          }}
        />
        <IconButton label={`Dissolve group ${name}`} onClick={() => removeGroup(index)}>
          <Close />
        </IconButton>
      </header>
      <ul class="pins">
        {nodes.map((id) => (
          <PinChip id={id} group={index} />
        ))}
      </ul>
      {nodes.length === 0 && <p class="hint">Drag pins here.</p>}
    </section>
  );
}

function PinChip({ id, group }: { id: string; group: number }) {
  const node = graph.value!.byId.get(id);
  const name = node ? nodeName(node, graph.value!.tokens) : id;
  return (
    <li
      class={`pin ${selectedId.value === id ? "is-selected" : ""} ${node ? "" : "is-pruned"}`}
      draggable
      onDragStart={(event) => {
        dragged.value = id;
        event.dataTransfer!.setData("text/plain", id);
        event.dataTransfer!.effectAllowed = "move";
      }}
      onDragEnd={() => (dragged.value = null)}
      onPointerEnter={() => (hoveredId.value = node ? id : null)}
      onPointerLeave={() => (hoveredId.value = null)}
    >
      <button
        type="button"
        class="pin-name"
        title={node ? id : `${id}: pruned at these thresholds`}
        disabled={!node}
        onClick={() => {
          choose(node!);
          revealNode(id);
        }}
      >
        <span>{name}</span>
        {node && node.kind !== "target" && node.kind !== "token" && (
          <span class="pin-at">
            <TokenText text={graph.value!.token(node.position)} />
          </span>
        )}
      </button>
      <select
        class="pin-move"
        aria-label={`Group of ${name}`}
        title="Move to a group"
        value={String(group)}
        onChange={(event) => {
          const value = event.currentTarget.value;
          if (value === "new") addGroup(node?.label || "Group", [id]);
          else moveToGroup([id], Number(value));
        }}
      >
        <option value="-1">no group</option>
        {story.value.groups.map((one, i) => (
          <option value={i}>{one.name}</option>
        ))}
        <option value="new">new group…</option>
      </select>
      <IconButton label={`Unpin ${name}`} onClick={() => togglePin(id)}>
        <Close />
      </IconButton>
    </li>
  );
}

function NewGroup() {
  return (
    <button type="button" class="new-group" onClick={() => addGroup("Group")} {...dropProps((id) => addGroup(graph.value!.byId.get(id)?.label || "Group", [id]))}>
      <Plus /> New group
    </button>
  );
}

function ExportMenu({ svg, sums, disabled }: { svg: () => SVGSVGElement | null; sums: Sums | null; disabled: boolean }) {
  const name = (extension: string) => `${(trace.value?.title || "story").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 48) || "story"}.${extension}`;
  const text = () => standaloneSvg(svg()!, getComputedStyle(document.documentElement).getPropertyValue("--surface").trim());
  const attempt = async (work: () => Promise<void> | void) => {
    try {
      await work();
    } catch (error) {
      announce(messageOf(error));
    }
  };
  const copyLink = () =>
    attempt(async () => {
      await navigator.clipboard.writeText(location.href);
      announce("Link copied");
    });
  return (
    <>
      <IconButton label="Copy a link to this story" disabled={disabled} onClick={copyLink}>
        <Link />
      </IconButton>
      <Popover label="Export the story" icon={<Download />} text="Export" align="right">
        <div class="menu">
          <button type="button" disabled={disabled} onClick={() => attempt(() => download(name("svg"), text(), "image/svg+xml"))}>
            SVG
          </button>
          <button type="button" disabled={disabled} onClick={() => attempt(async () => download(name("png"), await pngOf(text()), "image/png"))}>
            PNG
          </button>
          <button
            type="button"
            disabled={disabled}
            onClick={() =>
              attempt(async () => {
                await saveAll();
                download(name("json"), await jsonOf(traceId.value!, story.value, sums), "application/json");
              })
            }
          >
            JSON
          </button>
          {traceId.value && (
            <>
              <a href={`./api/traces/${traceId.value}/graph.json`} download={name("graph.json")}>
                graph.json
              </a>
              <a href={`./api/traces/${traceId.value}/graph.safetensors`} download={name("safetensors")}>
                Whole graph
              </a>
            </>
          )}
        </div>
      </Popover>
    </>
  );
}
