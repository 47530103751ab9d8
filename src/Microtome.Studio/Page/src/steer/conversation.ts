import { stream } from "../api/client";
import type { Steering } from "../api/types";

export type Side = "steered" | "unsteered";

export interface Turn {
  user: string;
  steered: string;
  unsteered: string;
}

export interface Settings {
  temperature: number;
  maxTokens: number;
  seed: number;
}

/** The conversation as one side has had it, up to a new message and, if it is given, the beginning of its answer. */
export const messagesOf = (turns: Turn[], side: Side, user: string, beginning: string) => [
  ...turns.flatMap((turn) => [
    { role: "user", content: turn.user },
    { role: "assistant", content: turn[side] },
  ]),
  { role: "user", content: user },
  ...(beginning ? [{ role: "assistant", content: beginning }] : []),
];

export interface Progress {
  token(side: Side, text: string): void;
  queued(place: number): void;
}

/** Streams one answer, or both sides of it. */
export async function steer(body: Record<string, unknown>, progress: Progress, sides: readonly Side[], signal: AbortSignal): Promise<void> {
  for await (const { event, data } of stream("POST", "/steer", body, signal)) {
    if (event === "token" && sides.includes(data.side)) progress.token(data.side, data.text);
    else if (event === "queued") progress.queued(data.place);
    else if (event === "failed") throw new Error(data.error);
    else if (event === "done") return;
  }
}

export function steeringKey(one: Steering): string {
  return one.kind === "feature" ? `feature ${one.layer}/${one.feature}` : one.kind === "group" ? `group ${one.trace}/${one.group}` : `vector ${one.name}`;
}
