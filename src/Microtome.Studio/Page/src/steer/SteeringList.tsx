import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { call, messageOf } from "../api/client";
import type { Model, Steering, Vector } from "../api/types";
import { announce } from "../state/announcement";
import { graph, labels, story, trace } from "../state/store";
import { IconButton, Problem, Slider } from "../ui/controls";
import { Close, Plus, Upload } from "../ui/icons";
import { steeringKey } from "./conversation";

/** What is added to the model's stream, each with a slider. */
export function SteeringList({ model, steering, vectors, onChange, onVectors }: { model: Model | null; steering: Steering[]; vectors: Vector[]; onChange: (next: Steering[]) => void; onVectors: () => void }) {
  const text = useSignal("");
  const error = useSignal<string | null>(null);
  const file = useRef<HTMLInputElement>(null);
  const isTraced = trace.value && trace.value.model === model?.id;
  const groups = isTraced ? story.value.groups.filter((group) => group.nodes.length > 0) : [];
  const pinned = isTraced ? [...new Set([...story.value.pinned])].map((id) => graph.value?.byId.get(id)).filter((node) => node?.kind === "feature") : [];
  const has = (one: Steering) => steering.some((other) => steeringKey(other) === steeringKey(one));
  const add = (one: Steering) => {
    if (!has(one)) onChange([...steering, one]);
  };
  const label = (layer: number, feature: number) => labels.value.get(`${layer}/${feature}`) ?? graph.value?.nodes.find((node) => node.kind === "feature" && node.layer === layer && node.feature === feature)?.label ?? null;

  const addTyped = () => {
    const match = /^\s*(\d+)\s*[/:_ ]\s*(\d+)\s*$/.exec(text.value);
    if (!match) {
      error.value = "A feature is written layer/feature, such as 4/142.";
      return;
    }
    const [layer, feature] = [Number(match[1]), Number(match[2])];
    const count = model?.featuresPerLayer?.[layer];
    if (model?.featuresPerLayer && (count === undefined || feature >= count)) {
      error.value = count === undefined ? `Layer ${layer} does not exist: the model has ${model.layers}.` : `Feature ${feature} does not exist: layer ${layer} has ${count}.`;
      return;
    }
    error.value = null;
    text.value = "";
    add({ kind: "feature", layer, feature, strength: 1 });
  };

  const uploadVector = async (chosen: File) => {
    const name = chosen.name.replace(/\.(safetensors|gguf)$/i, "");
    try {
      await call("POST", `/vectors?name=${encodeURIComponent(name)}&model=${model!.id}`, new Blob([chosen], { type: "application/octet-stream" }));
      error.value = null;
      announce(`Vector ${name} added`);
      onVectors();
    } catch (problem) {
      error.value = messageOf(problem);
    }
  };

  const suggestions: { text: string; value: Steering }[] = [
    ...groups.map((group) => ({ text: `Group ${group.name}`, value: { kind: "group" as const, trace: trace.value!.id, group: group.name, strength: 1 } })),
    ...pinned.map((node) => ({ text: node!.label || `${node!.layer}/${node!.feature}`, value: { kind: "feature" as const, layer: node!.layer, feature: node!.feature!, strength: 1 } })),
    ...vectors.map((vector) => ({ text: vector.name, value: { kind: "vector" as const, name: vector.name, layer: null, strength: 1 } })),
  ].filter((one, i, all) => !has(one.value) && all.findIndex((other) => steeringKey(other.value) === steeringKey(one.value)) === i);

  return (
    <section class="part">
      <h3>Added to the stream</h3>
      <ul class="steering">
        {steering.map((one, i) => {
          const name = one.kind === "feature" ? label(one.layer, one.feature) || `${one.layer}/${one.feature}` : one.kind === "group" ? one.group : one.name;
          const largest = one.kind === "vector" ? 20 : 10;
          return (
            <li>
              <div class="steering-name">
                <span class="kind-tag">{one.kind}</span>
                <span>{name}</span>
                <IconButton label={`Leave out ${name}`} onClick={() => onChange(steering.filter((_, other) => other !== i))}>
                  <Close />
                </IconButton>
              </div>
              <Slider label="Strength" min={-largest} max={largest} step={0.1} value={one.strength} format={(value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`} onInput={(strength) => onChange(steering.map((other, j) => (j === i ? { ...other, strength } : other)))} />
            </li>
          );
        })}
      </ul>
      {steering.length === 0 && <p class="hint">Add a feature, a group of the open story, or a vector.</p>}
      {suggestions.length > 0 && (
        <div class="chips" role="group" aria-label="Add from the story and from vectors">
          {suggestions.slice(0, 24).map((one) => (
            <button type="button" class="chip" onClick={() => add(one.value)}>
              <Plus /> {one.text}
            </button>
          ))}
        </div>
      )}
      <form
        class="with-button"
        onSubmit={(event) => {
          event.preventDefault();
          addTyped();
        }}
      >
        <input type="text" aria-label="Feature to add" placeholder="Feature, 4/142" value={text.value} disabled={!model?.transcoders} onInput={(event) => (text.value = event.currentTarget.value)} />
        <button type="submit" disabled={!text.value.trim()}>
          Add
        </button>
      </form>
      <button type="button" class="quiet" disabled={!model} onClick={() => file.current!.click()}>
        <Upload /> Vector file
      </button>
      <input
        ref={file}
        type="file"
        accept=".safetensors,.gguf"
        class="visually-hidden"
        tabIndex={-1}
        aria-label="Vector file"
        onChange={(event) => {
          const chosen = event.currentTarget.files?.[0];
          if (chosen) uploadVector(chosen);
          event.currentTarget.value = "";
        }}
      />
      {error.value && <Problem text={error.value} />}
    </section>
  );
}
