import { signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { call, get, messageOf, wasAborted } from "../api/client";
import type { Preset, Steering, Vector } from "../api/types";
import { shortName } from "../graph/graph";
import { announce } from "../state/announcement";
import { models, refreshModel, studio, trace } from "../state/store";
import { saveAll } from "../state/saving";
import { Pane, Problem, Slider } from "../ui/controls";
import { Play, Stop, Trash } from "../ui/icons";
import { IconButton } from "../ui/controls";
import { examplesFor } from "../trace/examples";
import { useAsync } from "../ui/useAsync";
import { messagesOf, steer, type Settings, type Side, type Turn } from "./conversation";
import { SteeringList } from "./SteeringList";

/** What is set up and what was answered stay while one looks at another view. */
const chosen = signal<string | null>(null);
const steering = signal<Steering[]>([]);
const settings = signal<Settings>({ temperature: 0, maxTokens: 60, seed: 0 });
const prompt = signal<string | null>(null);
const beginning = signal("");
const turns = signal<Turn[]>([]);
const current = signal<Turn | null>(null);
const mode = signal<"completion" | "chat">("completion");
const status = signal<string | null>(null);
const error = signal<string | null>(null);

/** A completion or a chat, steered and unsteered side by side. */
export function SteerView() {
  const modelId = chosen.value ?? trace.value?.model ?? studio.value?.defaultModel ?? models.value[0]?.id ?? "";
  const model = models.value.find((one) => one.id === modelId);
  const isChat = mode.value === "chat" && !!model?.hasChatTemplate;
  // The open trace's prompt is what one most likely goes on from.
  const text = prompt.value ?? (isChat || trace.value?.model !== modelId ? "" : trace.value.prompt);
  const request = useRef<AbortController | null>(null);
  const vectors = useAsync<{ vectors: Vector[] }>(modelId || null, (signal) => get(`/vectors?model=${modelId}`, signal));

  // Asking for its vectors has loaded the model: what it can do is known now.
  useEffect(() => {
    if (vectors.value && model && model.state !== "ready") refreshModel(model.id).catch(() => {});
  }, [vectors.value, modelId]);
  useEffect(() => () => request.current?.abort(), []);

  const run = async () => {
    if (!text.trim() || status.value !== null) return;
    const abort = (request.current = new AbortController());
    const user = text;
    error.value = null;
    status.value = "Starting";
    if (!isChat) turns.value = [];
    const begun = isChat ? beginning.value : "";
    current.value = { user, steered: begun, unsteered: begun };
    const progress = {
      token: (side: Side, text: string) => {
        status.value = "Answering";
        current.value = { ...current.value!, [side]: current.value![side] + text };
      },
      queued: (place: number) => (status.value = place > 0 ? `Waiting, ${place} before it` : "Starting"),
    };
    const base = { model: modelId, ...settings.value, topP: 1, topK: 0 };
    try {
      await saveAll();
      if (!isChat) await steer({ ...base, prompt: user, steering: steering.value, unsteered: true }, progress, ["steered", "unsteered"], abort.signal);
      else {
        // Once the two answers differ, each side goes on with its own conversation.
        const same = turns.value.every((turn) => turn.steered === turn.unsteered);
        await steer({ ...base, messages: messagesOf(turns.value, "steered", user, begun), steering: steering.value, unsteered: same }, progress, same ? ["steered", "unsteered"] : ["steered"], abort.signal);
        if (!same) await steer({ ...base, messages: messagesOf(turns.value, "unsteered", user, begun), steering: steering.value, unsteered: true }, progress, ["unsteered"], abort.signal);
        prompt.value = "";
      }
      announce("Both answers are complete");
    } catch (problem) {
      // What was written before it was stopped stays; what could not be answered is left to be sent again.
      if (!wasAborted(problem)) {
        error.value = messageOf(problem);
        if (isChat) current.value = null;
      }
    } finally {
      status.value = null;
      if (isChat && current.value) {
        turns.value = [...turns.value, current.value];
        current.value = null;
      }
    }
  };

  const shownTurns = current.value ? [...turns.value, current.value] : turns.value;
  const usable = models.value.filter((one) => one.state !== "failed");
  return (
    <main class="steer" id="main">
      <Pane name="Steering" class="steer-controls" title="Steering">
        <div class="pane-body">
          <div class="field">
            <label for="steer-model">Model</label>
            <select
              id="steer-model"
              value={modelId}
              onChange={(event) => {
                chosen.value = event.currentTarget.value;
                steering.value = [];
                turns.value = [];
                current.value = null;
              }}
            >
              {usable.map((one) => (
                <option value={one.id}>{shortName(one.name)}</option>
              ))}
            </select>
          </div>
          <SteeringList model={model ?? null} steering={steering.value} vectors={vectors.value?.vectors ?? []} onChange={(next) => (steering.value = next)} onVectors={vectors.reload} />
          <section class="part">
            <h3>Sampling</h3>
            <Slider label="Temperature" min={0} max={2} step={0.05} value={settings.value.temperature} format={(value) => (value === 0 ? "greedy" : value.toFixed(2))} onInput={(temperature) => (settings.value = { ...settings.value, temperature })} />
            <Slider label="Tokens" min={5} max={300} step={5} value={settings.value.maxTokens} onInput={(maxTokens) => (settings.value = { ...settings.value, maxTokens })} />
            {settings.value.temperature > 0 && <Slider label="Seed" min={0} max={100} step={1} value={settings.value.seed} onInput={(seed) => (settings.value = { ...settings.value, seed })} />}
          </section>
          <Presets
            model={modelId}
            steering={steering.value}
            settings={settings.value}
            onOpen={(preset) => {
              steering.value = preset.steering;
              settings.value = { ...settings.value, ...(preset.settings as Partial<Settings>) };
            }}
          />
        </div>
      </Pane>
      <Pane
        name="Answers"
        class="steer-answers"
        title={isChat ? "Chat" : "Completion"}
        tools={
          <>
            {model?.hasChatTemplate && (
              <div class="segmented" role="group" aria-label="Mode">
                <button type="button" aria-pressed={!isChat} onClick={() => { mode.value = "completion"; prompt.value = null; }}>
                  Completion
                </button>
                <button type="button" aria-pressed={isChat} onClick={() => { mode.value = "chat"; prompt.value = null; }}>
                  Chat
                </button>
              </div>
            )}
            {isChat && turns.value.length > 0 && (
              <button type="button" class="quiet" onClick={() => (turns.value = [])}>
                New chat
              </button>
            )}
          </>
        }
      >
        <div class="answers-scroll">
          <div class="answers">
            <h3 class="answer-head is-unsteered">Unsteered</h3>
            <h3 class="answer-head is-steered">Steered</h3>
            {shownTurns.map((turn, i) => (
              <Exchange turn={turn} isChat={isChat} isRunning={turn === current.value && status.value !== null} key={i} />
            ))}
            {shownTurns.length === 0 && <p class="answer-empty">{isChat ? "Write a message below. The model answers twice" : "Write a beginning below. The model goes on from it twice"}: as it is, and with what is on the left added to its stream.</p>}
          </div>
        </div>
        <form
          class="composer"
          onSubmit={(event) => {
            event.preventDefault();
            run();
          }}
        >
          {error.value && <Problem text={error.value} />}
          <label class="visually-hidden" for="steer-prompt">
            {isChat ? "Message" : "Prompt"}
          </label>
          <textarea
            id="steer-prompt"
            rows={2}
            placeholder={isChat ? "Message" : examplesFor(model).prompts[1]}
            value={text}
            maxLength={studio.value?.limits.promptCharacters}
            onInput={(event) => (prompt.value = event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (isChat ? !event.shiftKey : event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                run();
              }
            }}
          />
          {isChat && (
            <label class="inline-label composer-beginning">
              Answer begins
              <input type="text" placeholder="as the model likes" value={beginning.value} onInput={(event) => (beginning.value = event.currentTarget.value)} />
            </label>
          )}
          <p class="composer-status" role="status">
            {status.value ?? (steering.value.length === 0 ? "Nothing is added yet: both answers will be the same." : "")}
          </p>
          {status.value === null ? (
            <button type="submit" class="primary" disabled={!text.trim()}>
              <Play /> {isChat ? "Send" : "Continue"}
            </button>
          ) : (
            <button type="button" onClick={() => request.current?.abort()}>
              <Stop /> Stop
            </button>
          )}
        </form>
      </Pane>
    </main>
  );
}

function Exchange({ turn, isChat, isRunning }: { turn: Turn; isChat: boolean; isRunning: boolean }) {
  return (
    <>
      {isChat && <p class="answer-user">{turn.user}</p>}
      {(["unsteered", "steered"] as const).map((side) => (
        <div class={`answer is-${side}`} aria-label={side === "steered" ? "Steered answer" : "Unsteered answer"} role="region" aria-busy={isRunning}>
          {!isChat && <span class="answer-prompt">{turn.user}</span>}
          <span class="answer-text">{turn[side]}</span>
          {isRunning && <span class="caret" aria-hidden="true" />}
        </div>
      ))}
    </>
  );
}

function Presets({ model, steering, settings, onOpen }: { model: string; steering: Steering[]; settings: Settings; onOpen: (preset: Preset) => void }) {
  const list = useAsync<{ presets: Preset[] }>(model || null, (signal) => get(`/presets?model=${model}`, signal));
  const name = useSignal("");
  const error = useSignal<string | null>(null);
  const presets = list.value?.presets ?? [];
  const attempt = async (work: Promise<unknown>, said: string) => {
    try {
      await work;
      error.value = null;
      announce(said);
      list.reload();
    } catch (problem) {
      error.value = messageOf(problem);
    }
  };
  const save = () => {
    const title = name.value.trim();
    if (!title) return;
    const body = { name: title, model, steering, settings };
    const known = presets.find((preset) => preset.name === title);
    attempt(known ? call("PUT", `/presets/${known.id}`, body) : call("POST", "/presets", body), `Preset ${title} saved`);
    name.value = "";
  };
  return (
    <section class="part">
      <h3>Presets</h3>
      <ul class="node-list">
        {presets.map((preset) => (
          <li class="preset">
            <button type="button" onClick={() => onOpen(preset)}>
              <span class="node-list-name">{preset.name}</span>
              <span class="node-list-at">{preset.steering.length}</span>
            </button>
            <IconButton label={`Delete preset ${preset.name}`} onClick={() => attempt(call("DELETE", `/presets/${preset.id}`), "Preset deleted")}>
              <Trash />
            </IconButton>
          </li>
        ))}
      </ul>
      {presets.length === 0 && list.value && <p class="hint">None saved for this model.</p>}
      <form
        class="with-button"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <input type="text" aria-label="Preset's name" placeholder="Name" maxLength={200} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
        <button type="submit" disabled={!name.value.trim() || steering.length === 0}>
          Save
        </button>
      </form>
      {error.value && <Problem text={error.value} />}
    </section>
  );
}
