import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { call, messageOf } from "../api/client";
import type { Trace } from "../api/types";
import { percent, quote, shortName } from "../graph/graph";
import { announce } from "../state/announcement";
import { forgetStory } from "../state/saving";
import { closeTrace, openTrace, traceId, traces, upsertTrace } from "../state/store";
import { Empty, IconButton, Waiting } from "../ui/controls";
import { Pencil, Stop, Trash } from "../ui/icons";
import { cancelTrace, deleteTrace, phaseText, watchTrace } from "./jobs";

/** Earlier traces, newest first; running ones with their progress. */
export function TraceList() {
  const list = traces.value;
  useEffect(() => {
    for (const one of list ?? []) if (one.state === "running" || one.state === "queued") watchTrace(one.id, () => traceId.value === null);
  }, [list]);
  return (
    <section class="trace-list" aria-label="Earlier traces">
      <h3>Earlier traces</h3>
      {list === null && <Waiting text="Reading the list" />}
      {list?.length === 0 && (
        <Empty title="Nothing traced yet">
          <p>What you trace is kept here, with its story.</p>
        </Empty>
      )}
      <ul>{list?.map((one) => <Line key={one.id} trace={one} />)}</ul>
    </section>
  );
}

function Line({ trace }: { trace: Trace }) {
  const renaming = useSignal<string | null>(null);
  const isOpen = traceId.value === trace.id;
  const runs = trace.state === "queued" || trace.state === "running";
  const top = trace.targets?.[0];
  const rename = async () => {
    const title = renaming.value?.trim();
    renaming.value = null;
    if (!title || title === trace.title) return;
    try {
      upsertTrace(await call<Trace>("PATCH", `/traces/${trace.id}`, { title }));
    } catch (error) {
      announce(messageOf(error));
    }
  };
  const remove = async () => {
    try {
      forgetStory(trace.id);
      if (isOpen) closeTrace();
      await deleteTrace(trace.id);
      announce("Trace deleted");
    } catch (error) {
      announce(messageOf(error));
    }
  };
  return (
    <li class={`trace-line ${isOpen ? "is-open" : ""}`}>
      {renaming.value !== null ? (
        <input
          type="text"
          class="rename"
          aria-label="Title"
          value={renaming.value}
          ref={(element) => element?.focus()}
          onInput={(event) => (renaming.value = event.currentTarget.value)}
          onBlur={rename}
          onKeyDown={(event) => {
            if (event.key === "Enter") rename();
            if (event.key === "Escape") {
              event.preventDefault();
              renaming.value = null;
            }
          }}
        />
      ) : (
        <button type="button" class="trace-open" aria-current={isOpen ? "true" : undefined} disabled={trace.state !== "done"} onClick={() => openTrace(trace.id)}>
          <span class="trace-title">{trace.title || trace.prompt}</span>
          <span class="trace-facts">
            {trace.state === "done" && (
              <>
                {top && <span class="trace-answer">→ {quote(top.text)} {percent(top.probability, 0)}</span>}
                <span title={trace.modelName ?? undefined}>{trace.source === "uploaded" ? "file" : shortName(trace.modelName)}</span>
                <time dateTime={trace.created}>{ago(trace.created)}</time>
              </>
            )}
            {trace.state === "failed" && <span class="is-bad">{trace.error ?? "failed"}</span>}
            {trace.state === "cancelled" && <span>cancelled</span>}
            {runs && <span>{phaseText(trace)}</span>}
          </span>
        </button>
      )}
      <div class="trace-tools">
        {runs ? (
          <IconButton label={`Cancel ${trace.title}`} onClick={() => cancelTrace(trace.id).catch((error) => announce(messageOf(error)))}>
            <Stop />
          </IconButton>
        ) : (
          <>
            <IconButton label={`Rename ${trace.title}`} onClick={() => (renaming.value = trace.title)}>
              <Pencil />
            </IconButton>
            <IconButton label={`Delete ${trace.title}`} onClick={remove}>
              <Trash />
            </IconButton>
          </>
        )}
      </div>
      {runs && <progress class="trace-progress" aria-label={`Progress of ${trace.title}`} max={1} value={trace.fraction ?? undefined} />}
    </li>
  );
}

function ago(time: string): string {
  const seconds = (Date.now() - Date.parse(time)) / 1000;
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 60) return "now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return new Date(time).toISOString().slice(0, 10);
}
