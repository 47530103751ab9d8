import { signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { call, messageOf, wasAborted } from "../api/client";
import type { PromptToken, TokenChance, Trace } from "../api/types";
import { percent, shortName } from "../graph/graph";
import { examplesFor } from "./examples";
import { announce } from "../state/announcement";
import { models, openTrace, refreshModel, studio, upsertTrace } from "../state/store";
import { Pane, TokenText, Problem } from "../ui/controls";
import { Close, Play } from "../ui/icons";
import { AddModel } from "./AddModel";
import { TraceList } from "./TraceList";
import { UploadButton } from "./upload";
import { watchTrace } from "./jobs";

/** What to trace, and what was traced before. */
export function TracePane() {
  return (
    <Pane name="Trace" class="trace-pane" title="Trace" tools={<UploadButton />}>
      <div class="pane-body">
        <TraceForm />
        <TraceList />
      </div>
    </Pane>
  );
}

/** The prompt's tokens, as the model will read them. */
function useTokens(model: string, text: string) {
  const state = useSignal<{ tokens: PromptToken[]; contextLength: number | null; error: string | null }>({ tokens: [], contextLength: null, error: null });
  useEffect(() => {
    if (!model) return;
    if (!text) {
      state.value = { tokens: [], contextLength: null, error: null };
      return;
    }
    const request = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const answer = await call<{ tokens: PromptToken[]; contextLength: number }>("POST", `/models/${model}/tokens`, { text }, { signal: request.signal });
        if (!request.signal.aborted) state.value = { ...answer, error: null };
      } catch (error) {
        if (!wasAborted(error)) state.value = { tokens: [], contextLength: null, error: messageOf(error) };
      }
    }, 120);
    return () => {
      clearTimeout(timer);
      request.abort();
    };
  }, [model, text]);
  return state.value;
}


/** What is being written stays while one looks at another view. */
const chosen = signal("");
const prompt = signal("");
const target = signal("");
const targets = signal<string[]>([]);
const next = signal<TokenChance[] | null>(null);
const settings = signal({ maxTargets: "", targetProbability: "", maxFeatures: "" });

function TraceForm() {
  const error = useSignal<string | null>(null);
  const starting = useSignal(false);
  const latest = useRef<string | null>(null);
  const adding = useSignal(false);

  const usable = models.value.filter((model) => model.transcoders);
  const modelId = chosen.value || (usable.some((model) => model.id === studio.value?.defaultModel) ? studio.value!.defaultModel : (usable[0]?.id ?? ""));
  const model = models.value.find((one) => one.id === modelId);
  const { tokens, contextLength, error: tokenError } = useTokens(modelId, prompt.value);
  const { prompts: examples, answer, other } = examplesFor(model);
  // Reading the prompt has loaded the model: what it is like is known now.
  useEffect(() => {
    if (contextLength !== null && model && model.state !== "ready") refreshModel(model.id).catch(() => {});
  }, [contextLength, modelId]);
  const isLong = contextLength !== null && tokens.length > contextLength;

  const preview = async () => {
    next.value = null;
    try {
      next.value = (await call<{ next: TokenChance[] }>("POST", `/models/${modelId}/next`, { prompt: prompt.value, top: 8 })).next;
    } catch (problem) {
      error.value = messageOf(problem);
    }
  };

  const addTarget = async (text: string): Promise<boolean> => {
    if (!text.trim() || targets.value.includes(text)) {
      target.value = "";
      return true;
    }
    try {
      await call("POST", `/models/${modelId}/target`, { text });
      targets.value = [...targets.value, text];
      target.value = "";
      error.value = null;
      return true;
    } catch (problem) {
      error.value = messageOf(problem);
      return false;
    }
  };

  const submit = async () => {
    if (!prompt.value || !modelId || starting.value) return;
    error.value = null;
    if (target.value && !(await addTarget(target.value))) return;
    starting.value = true;
    const number = (text: string) => (text.trim() === "" ? null : Number(text));
    const { maxTargets, targetProbability, maxFeatures } = settings.value;
    try {
      const started = await call<Trace>("POST", "/traces", {
        model: modelId,
        prompt: prompt.value,
        targets: targets.value,
        ...(number(maxTargets) !== null && { maxTargets: number(maxTargets) }),
        ...(number(targetProbability) !== null && { targetProbability: number(targetProbability) }),
        ...(number(maxFeatures) !== null && { maxFeatures: number(maxFeatures) }),
      });
      upsertTrace(started);
      announce("Tracing");
      latest.current = started.id;
      if (started.state === "done") openTrace(started.id);
      else watchTrace(started.id, () => latest.current === started.id);
    } catch (problem) {
      error.value = messageOf(problem);
    } finally {
      starting.value = false;
    }
  };

  return (
    <form
      class="trace-form"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div class="field">
        <label for="trace-model">Model</label>
        <div class="with-button">
          <select
            id="trace-model"
            value={modelId}
            onChange={(event) => {
              chosen.value = event.currentTarget.value;
              targets.value = [];
              next.value = null;
            }}
          >
            {usable.length === 0 && <option value="">no model with transcoders</option>}
            {usable.map((one) => (
              <option value={one.id}>{shortName(one.name)}</option>
            ))}
          </select>
          <button type="button" class="quiet" onClick={() => (adding.value = true)}>
            Add…
          </button>
        </div>
        <p class="hint">
          {model ? `Transcoders ${model.transcoders}${model.layers ? ` · ${model.layers} layers` : ""}` : " "}
          {model?.state === "failed" && <span class="is-bad"> · {model.error}</span>}
        </p>
      </div>
      {adding.value && (
        <AddModel
          onDone={(id) => {
            adding.value = false;
            if (id) chosen.value = id;
          }}
        />
      )}

      <div class="field">
        <label for="trace-prompt">Prompt</label>
        <textarea
          id="trace-prompt"
          rows={3}
          spellcheck={false}
          value={prompt.value}
          placeholder={examples[0]}
          maxLength={studio.value?.limits.promptCharacters}
          aria-describedby="trace-tokens-count"
          onInput={(event) => {
            prompt.value = event.currentTarget.value;
            next.value = null;
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              submit();
            }
          }}
        />
        <div class="prompt-tokens" aria-label="The prompt's tokens" role="group">
          {tokens.slice(0, 400).map((token) => (
            <span class={`prompt-token ${token.added ? "is-added" : ""}`} title={`${token.id}${token.added ? ", put before the text" : ""}`}>
              <TokenText text={token.text} />
            </span>
          ))}
          {!prompt.value &&
            examples.map((text) => (
              <button type="button" class="example" onClick={() => (prompt.value = text)}>
                {text} …
              </button>
            ))}
        </div>
        <p class={`hint ${isLong ? "is-bad" : ""}`} id="trace-tokens-count">
          {tokenError ? <span class="is-bad">{tokenError}</span> : tokens.length ? `${tokens.length} tokens${contextLength ? ` of at most ${contextLength.toLocaleString("en")}` : ""}` : prompt.value ? " " : "Or begin with one of these."}
        </p>
      </div>

      <div class="field">
        <label for="trace-target">Explain</label>
        <div class="with-button">
          <input
            id="trace-target"
            type="text"
            spellcheck={false}
            autoComplete="off"
            placeholder="the likely next tokens"
            value={target.value}
            onInput={(event) => (target.value = event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && target.value) {
                event.preventDefault();
                addTarget(target.value);
              }
            }}
          />
          <button type="button" class="quiet" disabled={!prompt.value} onClick={preview}>
            Show next
          </button>
        </div>
        {(targets.value.length > 0 || next.value) && (
          <div class="chips">
            {targets.value.map((text) => (
              <button type="button" class="chip is-chosen" aria-label={`Do not explain ${text}`} onClick={() => (targets.value = targets.value.filter((other) => other !== text))}>
                <TokenText text={text} /> <Close />
              </button>
            ))}
            {next.value
              ?.filter((token) => !targets.value.includes(token.text))
              .map((token) => (
                <button type="button" class="chip" onClick={() => addTarget(token.text)}>
                  <TokenText text={token.text} /> <span class="chip-note">{percent(token.probability)}</span>
                </button>
              ))}
          </div>
        )}
        <p class="hint">A token such as “{answer}”, mind the space, or a difference: “{answer} - {other}”.</p>
      </div>

      <details class="more">
        <summary>Settings</summary>
        <div class="settings-grid">
          {(
            [
              ["maxTargets", "Targets at most", "10"],
              ["targetProbability", "Targets' probability", "0.95"],
              ["maxFeatures", "Features at most", "7500"],
            ] as const
          ).map(([name, label, placeholder]) => (
            <label>
              {label}
              <input type="text" inputMode="decimal" placeholder={placeholder} value={settings.value[name]} onInput={(event) => (settings.value = { ...settings.value, [name]: event.currentTarget.value })} />
            </label>
          ))}
        </div>
      </details>

      {error.value && <Problem text={error.value} />}
      <button type="submit" class="primary" disabled={!prompt.value || !modelId || starting.value || isLong}>
        <Play /> Trace <kbd>Ctrl ↵</kbd>
      </button>
    </form>
  );
}
