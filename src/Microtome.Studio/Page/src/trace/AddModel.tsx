import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { call, get, messageOf, stream } from "../api/client";
import type { Folders, Job, Model } from "../api/types";
import { loadModels } from "../state/store";
import { Problem } from "../ui/controls";
import { phaseText } from "./jobs";

/** Adds a model with its transcoders: names on the Hub, or folders that the studio may read. */
export function AddModel({ onDone }: { onDone: (id: string | null) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const folders = useSignal<Folders | null>(null);
  const fields = useSignal({ model: "", transcoders: "", index: "" });
  const error = useSignal<string | null>(null);
  const job = useSignal<Job | null>(null);
  const busy = useSignal(false);

  useEffect(() => {
    dialog.current!.showModal();
    get<Folders>("/folders").then(
      (answer) => (folders.value = answer),
      () => {},
    );
  }, []);

  const submit = async () => {
    busy.value = true;
    error.value = null;
    try {
      const { model, transcoders, index } = fields.value;
      const added = await call<Model>("POST", "/models", { model: model.trim(), transcoders: transcoders.trim() || null, index: index.trim() || null });
      const loading = await call<Job>("POST", `/models/${added.id}/load`);
      for await (const { event, data } of stream("GET", `/jobs/${loading.id}/events`)) {
        job.value = data;
        if (event === "failed") throw new Error(data.error);
      }
      await loadModels();
      onDone(added.id);
    } catch (problem) {
      error.value = messageOf(problem);
      await loadModels().catch(() => {});
    } finally {
      busy.value = false;
      job.value = null;
    }
  };

  const field = (name: "model" | "transcoders" | "index", label: string, hint: string, options: string[] | undefined) => (
    <div class="field">
      <label for={`add-${name}`}>{label}</label>
      <input id={`add-${name}`} type="text" spellcheck={false} autoComplete="off" list={`add-${name}-list`} value={fields.value[name]} onInput={(event) => (fields.value = { ...fields.value, [name]: event.currentTarget.value })} />
      <datalist id={`add-${name}-list`}>
        {options?.map((option) => (
          <option value={option} />
        ))}
      </datalist>
      <p class="hint">{hint}</p>
    </div>
  );

  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="add-title" onClose={() => onDone(null)}>
      <h2 id="add-title">Add a model</h2>
      {field("model", "Model", "A name on the Hub, or a folder that the studio was given.", folders.value?.models)}
      {field("transcoders", "Transcoders", "Made for this model. Without them it can only be steered.", folders.value?.transcoders)}
      {field("index", "Feature data", "Optional: an index, or a folder of feature data of Neuronpedia or circuit-tracer.", folders.value?.indexes)}
      {error.value && <Problem text={error.value} />}
      <p class="hint" role="status">
        {job.value ? `${phaseText(job.value)}${job.value.fraction != null ? `, ${Math.round(job.value.fraction * 100)} %` : ""}${job.value.detail ? ` · ${job.value.detail}` : ""}` : ""}
      </p>
      <div class="dialog-buttons">
        <button type="button" onClick={() => dialog.current!.close()}>
          Cancel
        </button>
        <button type="button" class="primary" disabled={!fields.value.model.trim() || busy.value} onClick={submit}>
          Add
        </button>
      </div>
    </dialog>
  );
}
