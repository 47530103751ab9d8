import { useSignal } from "@preact/signals";
import { call, messageOf } from "../api/client";
import type { FeatureDetail } from "../api/types";
import { announce } from "../state/announcement";
import { labels, studio } from "../state/store";

/** The feature's label, edited where it stands. Text is text: it is never read as HTML. */
export function LabelEditor({ detail, onSaved }: { detail: FeatureDetail; onSaved: () => void }) {
  const text = useSignal<string | null>(null);
  const error = useSignal<string | null>(null);
  const save = async () => {
    const next = text.value?.trim();
    if (next === undefined) return;
    text.value = null;
    if (next === (detail.label ?? "")) return;
    try {
      await call("PUT", "/labels", { dictionary: detail.dictionary, layer: detail.layer, feature: detail.feature, text: next });
      labels.value = new Map(labels.value).set(`${detail.layer}/${detail.feature}`, next);
      announce(next ? `Labelled: ${next}` : "Label removed");
      error.value = null;
      onSaved();
    } catch (problem) {
      error.value = messageOf(problem);
    }
  };
  return (
    <div class="label-editor">
      <label class="visually-hidden" for="feature-label">
        Label
      </label>
      <input
        id="feature-label"
        type="text"
        placeholder="Name what it does"
        maxLength={studio.value?.limits.labelCharacters ?? 2000}
        autoComplete="off"
        value={text.value ?? detail.label ?? ""}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onBlur={save}
        onKeyDown={(event) => {
          if (event.key === "Enter") event.currentTarget.blur();
          if (event.key === "Escape") {
            event.preventDefault();
            text.value = null;
            event.currentTarget.value = detail.label ?? "";
          }
        }}
      />
      {detail.labelSource === "file" && text.value === null && <p class="hint">From the file. What you write takes its place.</p>}
      {error.value && <p class="hint is-bad">{error.value}</p>}
    </div>
  );
}
