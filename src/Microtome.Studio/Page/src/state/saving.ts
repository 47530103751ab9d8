import { signal } from "@preact/signals";
import { ApiError, call, messageOf } from "../api/client";
import type { Story } from "../api/types";
import { announce } from "./announcement";

/** Of the story on the screen. */
export const storyState = signal<"saved" | "saving" | "unsaved" | "link">("saved");

/** Stories that the server does not have yet, by their trace: leaving a trace loses none. */
const unsaved = new Map<string, Story>();
const sending = new Map<string, Promise<void>>();
let timer = 0;

/** Saves a story with its graph a moment later. */
export function saveSoon(id: string, story: Story): void {
  unsaved.set(id, story);
  clearTimeout(timer);
  timer = window.setTimeout(saveAll, 350);
}

/** What of a trace's story is not saved. */
export const unsavedStory = (id: string): Story | null => unsaved.get(id) ?? null;

/** Saves what is not saved yet, at once. */
export async function saveAll(): Promise<void> {
  clearTimeout(timer);
  await Promise.all([...unsaved.keys()].map(save));
}

/** One request for a trace at a time: the last edit is the one that stays. */
async function save(id: string): Promise<void> {
  while (sending.has(id)) await sending.get(id);
  const story = unsaved.get(id);
  if (!story) return;
  const request = send(id, story).finally(() => sending.delete(id));
  sending.set(id, request);
  await request;
}

async function send(id: string, story: Story): Promise<void> {
  if (storyState.value === "unsaved") storyState.value = "saving";
  try {
    await call("PUT", `/traces/${id}/story`, story, { outlives: true });
    if (unsaved.get(id) === story) unsaved.delete(id);
    if (unsaved.size === 0 && storyState.value === "saving") storyState.value = "saved";
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) unsaved.delete(id); // its trace has been deleted
    if (storyState.value === "saving") storyState.value = "unsaved";
    announce(`The story is not saved: ${messageOf(error)}`);
  }
}

/** Forgets the edits of a trace that is deleted. */
export function forgetStory(id: string): void {
  unsaved.delete(id);
}
