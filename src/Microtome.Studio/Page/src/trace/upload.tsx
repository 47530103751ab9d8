import { batch, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { call, messageOf } from "../api/client";
import type { Trace } from "../api/types";
import { announce } from "../state/announcement";
import { openTrace, studio, upsertTrace, view } from "../state/store";
import { Upload } from "../ui/icons";

export const uploadState = signal<{ busy: string | null; error: string | null }>({ busy: null, error: null });

async function upload(file: File): Promise<void> {
  const bound = studio.value?.limits.graphBytes ?? Infinity;
  if (file.size > bound) {
    uploadState.value = { busy: null, error: `${file.name} has ${(file.size / 1048576).toFixed(1)} MiB; a graph may have ${(bound / 1048576).toFixed(0)}.` };
    return;
  }
  uploadState.value = { busy: file.name, error: null };
  try {
    const title = file.name.replace(/\.json$/i, "");
    const added = await call<Trace>("POST", `/traces/upload${title === "graph" ? "" : `?title=${encodeURIComponent(title)}`}`, new Blob([file], { type: "application/json" }));
    batch(() => {
      upsertTrace(added);
      view.value = "graph";
      uploadState.value = { busy: null, error: null };
      openTrace(added.id);
    });
    announce(`Opened ${added.title}`);
  } catch (error) {
    uploadState.value = { busy: null, error: `${file.name}: ${messageOf(error)}` };
  }
}

export function UploadButton() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="quiet" title="Open a graph.json of Neuronpedia or circuit-tracer" onClick={() => input.current!.click()}>
        <Upload /> <span>graph.json</span>
      </button>
      <input
        ref={input}
        type="file"
        accept=".json,application/json"
        class="visually-hidden"
        tabIndex={-1}
        aria-label="Graph file"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) upload(file);
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}

const dragging = signal(false);

/** The whole page takes a dropped graph file. */
export function DropZone() {
  useEffect(() => {
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    let depth = 0;
    const enter = (event: DragEvent) => {
      if (hasFile(event) && ++depth === 1) dragging.value = true;
    };
    const leave = (event: DragEvent) => {
      if (hasFile(event) && --depth <= 0) {
        depth = 0;
        dragging.value = false;
      }
    };
    const over = (event: DragEvent) => {
      if (hasFile(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      depth = 0;
      dragging.value = false;
      const file = event.dataTransfer!.files[0];
      if (file) upload(file);
    };
    addEventListener("dragenter", enter);
    addEventListener("dragleave", leave);
    addEventListener("dragover", over);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragenter", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("dragover", over);
      removeEventListener("drop", drop);
    };
  }, []);
  const { busy, error } = uploadState.value;
  return (
    <>
      {dragging.value && (
        <div class="drop-zone" aria-hidden="true">
          <p>Drop the graph to open it</p>
        </div>
      )}
      {(busy || error) && (
        <div class={`toast ${error ? "is-bad" : ""}`} role={error ? "alert" : "status"}>
          <span>{busy ? `Opening ${busy} …` : error}</span>
          {error && (
            <button type="button" class="quiet" onClick={() => (uploadState.value = { busy: null, error: null })}>
              Dismiss
            </button>
          )}
        </div>
      )}
    </>
  );
}
