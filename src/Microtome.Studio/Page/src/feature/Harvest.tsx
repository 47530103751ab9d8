import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { call, messageOf, stream, wasAborted } from "../api/client";
import type { Job } from "../api/types";
import { model, refreshModel } from "../state/store";
import { phaseText } from "../trace/jobs";
import { Problem } from "../ui/controls";

/** Where no feature data is at hand: offers to run texts through the model and note what features fire on. */
export function Harvest() {
  const owner = model.value;
  const job = useSignal<Job | null>(null);
  const error = useSignal<string | null>(null);
  const jobId = owner?.index.job ?? null;

  const follow = async (id: string, signal: AbortSignal) => {
    try {
      for await (const { event, data } of stream("GET", `/jobs/${id}/events`, undefined, signal)) {
        job.value = data;
        if (event === "failed") error.value = data.error;
        if (event === "done" || event === "failed" || event === "cancelled") {
          job.value = null;
          if (owner) await refreshModel(owner.id);
        }
      }
    } catch (problem) {
      if (!wasAborted(problem)) error.value = messageOf(problem);
    }
  };

  useEffect(() => {
    if (!jobId) return;
    const request = new AbortController();
    follow(jobId, request.signal);
    return () => request.abort();
  }, [jobId]);

  if (!owner)
    return (
      <section class="part">
        <h3>Examples</h3>
        <p class="hint">The model of this file is not at hand, so there are no examples. Add the model with the same transcoders, or a folder of its feature data.</p>
      </section>
    );
  const begin = async () => {
    error.value = null;
    try {
      await call<Job>("POST", `/models/${owner.id}/index`, {});
      await refreshModel(owner.id);
    } catch (problem) {
      error.value = messageOf(problem);
    }
  };
  return (
    <section class="part">
      <h3>Examples</h3>
      <div class="harvest">
        {job.value ? (
          <>
            <p role="status">
              {phaseText(job.value)}
              {job.value.detail ? ` · ${job.value.detail}` : ""}
            </p>
            <progress max={1} value={job.value.fraction ?? undefined} aria-label="Progress of harvesting" />
            <button type="button" onClick={() => call("POST", `/jobs/${job.value!.id}/cancel`).catch((problem) => (error.value = messageOf(problem)))}>
              Cancel
            </button>
          </>
        ) : (
          <>
            <p>What fires this feature is not known yet. Run texts through {owner.name} once; it is kept for all of its features.</p>
            <button type="button" onClick={begin}>
              Find examples
            </button>
          </>
        )}
        {error.value && <Problem text={error.value} />}
      </div>
    </section>
  );
}
