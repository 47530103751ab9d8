import { batch, signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { call, messageOf, wasAborted } from "../api/client";
import type { Action, Change, CheckResult } from "../api/types";
import { nodeName } from "../graph/graph";
import { announce } from "../state/announcement";
import { graph, model, selected, story, trace, traceId } from "../state/store";
import { saveAll } from "../state/saving";
import { Empty, IconButton, Problem, Waiting } from "../ui/controls";
import { Close, Play, Plus } from "../ui/icons";
import { CheckResults } from "./CheckResults";

interface Draft {
  /** `group:NAME` or a feature's id. */
  what: string;
  action: Action;
  value: string;
  everywhere: boolean;
}

/** What is set up and what came of it stay with their trace while one looks at another view. */
const checked = signal<string | null>(null);
const drafts = signal<Draft[]>([]);
const tokens = signal("20");
const result = signal<CheckResult | null>(null);
const error = signal<string | null>(null);

/** Reaches into the running model: sets, scales or removes features, and shows what follows beside what was. */
export function CheckPane() {
  const running = useSignal(false);
  const request = useRef<AbortController | null>(null);

  useEffect(() => {
    if (checked.value !== traceId.value)
      batch(() => {
        checked.value = traceId.value;
        drafts.value = [];
        result.value = null;
        error.value = null;
      });
    return () => request.current?.abort();
  }, [traceId.value]);

  const shown = graph.value;
  if (!shown)
    return (
      <Empty title="Check a story by intervening">
        <p>Once there is a graph, its features and groups can be changed in the running model.</p>
      </Empty>
    );
  if (!model.value)
    return (
      <Empty title="The model of this graph is not at hand">
        <p>Add the model with the transcoders {trace.value?.dictionary ?? "of this file"} to change its features.</p>
      </Empty>
    );

  const options = [
    ...story.value.groups.filter((group) => group.nodes.some((id) => (shown.byId.get(id)?.kind ?? "feature") === "feature")).map((group) => ({ value: `group:${group.name}`, text: `Group ${group.name}` })),
    ...[...new Set([...(selected.value?.kind === "feature" && !selected.value.members ? [selected.value.id] : []), ...story.value.pinned, ...drafts.value.map((draft) => draft.what).filter((what) => !what.startsWith("group:"))])]
      .map((id) => shown.byId.get(id))
      .filter((node) => node?.kind === "feature")
      .map((node) => ({ value: node!.id, text: `${nodeName(node!, shown.tokens)} @ ${shown.token(node!.position).trim() || "·"}` })),
  ];
  const change = (index: number, part: Partial<Draft>) => (drafts.value = drafts.value.map((draft, i) => (i === index ? { ...draft, ...part } : draft)));
  const unused = options.find((option) => !drafts.value.some((draft) => draft.what === option.value));
  const add = () => {
    const preferred = selected.value && options.find((option) => option.value === selected.value!.id && !drafts.value.some((draft) => draft.what === option.value));
    const what = (preferred ?? unused)?.value;
    if (what) drafts.value = [...drafts.value, { what, action: "remove", value: "0", everywhere: false }];
  };

  const run = async () => {
    request.current?.abort();
    const abort = (request.current = new AbortController());
    running.value = true;
    error.value = null;
    try {
      await saveAll();
      const changes: Change[] = drafts.value.map(({ what, action, value, everywhere }) => ({
        ...(what.startsWith("group:") ? { group: what.slice(6) } : { nodes: [what] }),
        action,
        value: action === "remove" ? 0 : Number(value),
        everywhere,
      }));
      result.value = await call<CheckResult>("POST", "/check", { trace: traceId.value, changes, maxTokens: Number(tokens.value) || 0, temperature: 0, seed: 0, top: 8 }, { signal: abort.signal });
      announce("The check is done");
    } catch (problem) {
      if (!wasAborted(problem)) error.value = messageOf(problem);
    } finally {
      if (request.current === abort) running.value = false;
    }
  };

  const isValid = drafts.value.length > 0 && drafts.value.every((draft) => draft.action === "remove" || (draft.value.trim() !== "" && Number.isFinite(Number(draft.value))));
  return (
    <div class="check">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isValid) run();
        }}
      >
        {drafts.value.length === 0 && <p class="hint">{options.length ? "Say what to change, then compare what the model says with what the graph predicts." : "Select a feature, or pin and group some, to change them in the running model."}</p>}
        <ul class="changes">
          {drafts.value.map((draft, i) => (
            <li class="change">
              <select aria-label="What to change" value={draft.what} onChange={(event) => change(i, { what: event.currentTarget.value })}>
                {options.map((option) => (
                  <option value={option.value}>{option.text}</option>
                ))}
                {!options.some((option) => option.value === draft.what) && <option value={draft.what}>{draft.what.replace(/^group:/, "Group ")}</option>}
              </select>
              <IconButton label="Leave this change out" onClick={() => (drafts.value = drafts.value.filter((_, other) => other !== i))}>
                <Close />
              </IconButton>
              <div class="change-how">
                <select aria-label="How" value={draft.action} onChange={(event) => change(i, { action: event.currentTarget.value as Action, value: event.currentTarget.value === "scale" ? "2" : draft.value })}>
                  <option value="remove">remove</option>
                  <option value="scale">scale by</option>
                  <option value="set">set to</option>
                </select>
                {draft.action !== "remove" && <input type="text" inputMode="decimal" aria-label={draft.action === "scale" ? "Factor" : "Activation"} value={draft.value} onInput={(event) => change(i, { value: event.currentTarget.value })} />}
                <label class="tick" title="At every later position too, those of the continuation included">
                  <input type="checkbox" checked={draft.everywhere} onChange={(event) => change(i, { everywhere: event.currentTarget.checked })} />
                  also later
                </label>
              </div>
            </li>
          ))}
        </ul>
        <div class="check-buttons">
          <button type="button" disabled={!unused} onClick={add}>
            <Plus /> Add a change
          </button>
          <label class="inline-label">
            Continue for
            <input type="text" inputMode="numeric" class="short" value={tokens.value} onInput={(event) => (tokens.value = event.currentTarget.value)} />
            tokens
          </label>
          <button type="submit" class="primary" disabled={!isValid || running.value}>
            <Play /> Run
          </button>
        </div>
      </form>
      {error.value && <Problem text={error.value} />}
      {running.value && !result.value && <Waiting text="Running the model" />}
      {result.value && (
        <div class={running.value ? "is-stale" : ""} aria-busy={running.value}>
          <CheckResults result={result.value} />
        </div>
      )}
    </div>
  );
}
