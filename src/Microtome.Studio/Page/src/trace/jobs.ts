import { call, messageOf, stream, wasAborted } from "../api/client";
import type { Job, Trace } from "../api/types";
import { announce } from "../state/announcement";
import { loadTraces, openTrace, traces, upsertTrace } from "../state/store";

const watched = new Map<string, AbortController>();

/** Follows a trace to its end: its line in the list moves with it, and once it is done it opens, if it is still what one waits for. */
export async function watchTrace(id: string, opens: () => boolean): Promise<void> {
  if (watched.has(id)) return;
  const request = new AbortController();
  watched.set(id, request);
  try {
    for await (const { event, data } of stream("GET", `/traces/${id}/events`, undefined, request.signal)) {
      const job = data as Job;
      const known = traces.value?.find((one) => one.id === id);
      if (!known) continue;
      if (event === "done") {
        const finished = job.trace ?? (await call<Trace>("GET", `/traces/${id}`));
        upsertTrace(finished);
        announce(`Traced: ${finished.title}`);
        if (opens()) openTrace(id);
        return;
      }
      upsertTrace({ ...known, state: job.state, place: job.place, phase: job.phase, fraction: job.fraction, error: job.error ?? null });
      if (event === "failed" || event === "cancelled") {
        announce(event === "failed" ? `The trace failed: ${job.error}` : "The trace is cancelled");
        return;
      }
    }
    await loadTraces();
  } catch (error) {
    if (!wasAborted(error)) announce(messageOf(error));
  } finally {
    watched.delete(id);
  }
}

export async function cancelTrace(id: string): Promise<void> {
  upsertTrace(await call<Trace>("POST", `/traces/${id}/cancel`));
}

export async function deleteTrace(id: string): Promise<void> {
  await call("DELETE", `/traces/${id}`);
  watched.get(id)?.abort();
  traces.value = traces.value?.filter((one) => one.id !== id) ?? null;
}

/** What a phase of a job is called. */
export function phaseText(job: { state: string; phase: string | null; place: number | null }): string {
  if (job.state === "queued") return job.place ? `Waiting, ${job.place} before it` : "Waiting";
  const names: Record<string, string> = {
    loading: "Loading the model",
    downloading: "Downloading",
    forward: "Running the prompt",
    features: "Finding active features",
    targets: "Choosing targets",
    rows: "Computing edges",
    saving: "Saving",
    harvesting: "Running texts",
  };
  return job.phase ? (names[job.phase] ?? job.phase[0].toUpperCase() + job.phase.slice(1)) : "Starting";
}
