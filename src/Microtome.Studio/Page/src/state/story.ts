import { call, messageOf } from "../api/client";
import type { Group, Story } from "../api/types";
import { announce, story, storyState, traceId } from "./store";

let saveTimer = 0;

/** Changes the story and saves it with the graph a moment later. */
function change(next: Story): void {
  story.value = next;
  storyState.value = "unsaved";
  clearTimeout(saveTimer);
  const id = traceId.value;
  if (id) saveTimer = window.setTimeout(() => save(id), 350);
}

async function save(id: string): Promise<void> {
  if (traceId.value !== id) return;
  const saving = story.value;
  storyState.value = "saving";
  try {
    await call("PUT", `/traces/${id}/story`, saving);
    if (story.value === saving) storyState.value = "saved";
  } catch (error) {
    storyState.value = "unsaved";
    announce(`The story is not saved: ${messageOf(error)}`);
  }
}

/** Saves what is not saved yet, at once: a check by group needs it. */
export async function saveNow(): Promise<void> {
  clearTimeout(saveTimer);
  if (storyState.value !== "saved" && traceId.value) await save(traceId.value);
}

export const isInStory = (id: string) => story.value.pinned.includes(id) || story.value.groups.some((group) => group.nodes.includes(id));

export const groupOf = (id: string) => story.value.groups.findIndex((group) => group.nodes.includes(id));

export function togglePin(id: string): void {
  const { pinned, groups } = story.value;
  if (isInStory(id)) change({ ...story.value, pinned: pinned.filter((other) => other !== id), groups: withoutNode(groups, id) });
  else change({ ...story.value, pinned: [...pinned, id] });
}

export function pinAll(ids: string[]): void {
  const missing = ids.filter((id) => !isInStory(id));
  if (missing.length) change({ ...story.value, pinned: [...story.value.pinned, ...missing] });
}

/** Puts nodes into a group (by its index), or, with -1, out of any group. */
export function moveToGroup(ids: string[], group: number): void {
  const { pinned } = story.value;
  const groups = story.value.groups.map((one) => ({ ...one, nodes: one.nodes.filter((id) => !ids.includes(id)) }));
  if (group >= 0) groups[group].nodes.push(...ids);
  change({ ...story.value, pinned: [...pinned, ...ids.filter((id) => !pinned.includes(id))], groups });
}

export function addGroup(name: string, nodes: string[] = []): number {
  const taken = new Set(story.value.groups.map((group) => group.name));
  let unique = name;
  for (let i = 2; taken.has(unique); i++) unique = `${name} ${i}`;
  const { pinned } = story.value;
  const groups = story.value.groups.map((one) => ({ ...one, nodes: one.nodes.filter((id) => !nodes.includes(id)) }));
  change({ ...story.value, pinned: [...pinned, ...nodes.filter((id) => !pinned.includes(id))], groups: [...groups, { name: unique, nodes }] });
  return story.value.groups.length - 1;
}

/** Returns whether the name is free. */
export function renameGroup(index: number, name: string): boolean {
  const trimmed = name.trim();
  if (!trimmed || story.value.groups.some((group, i) => i !== index && group.name === trimmed)) return false;
  change({ ...story.value, groups: story.value.groups.map((group, i) => (i === index ? { ...group, name: trimmed } : group)) });
  return true;
}

export function removeGroup(index: number): void {
  change({ ...story.value, groups: story.value.groups.filter((_, i) => i !== index) });
}

export function setStoryView(view: Record<string, unknown>): void {
  change({ ...story.value, view });
}

export function setNotes(notes: string): void {
  change({ ...story.value, notes });
}

export const keepLinkedStory = () => change({ ...story.value });

const withoutNode = (groups: Group[], id: string) => groups.map((group) => ({ ...group, nodes: group.nodes.filter((other) => other !== id) }));
