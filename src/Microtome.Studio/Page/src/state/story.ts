import type { Group, Story } from "../api/types";
import { editStory, story } from "./store";

const holds = (story: Story, id: string) => story.pinned.includes(id) || story.groups.some((group) => group.nodes.includes(id));
const without = (groups: Group[], ids: string[]) => groups.map((group) => ({ ...group, nodes: group.nodes.filter((other) => !ids.includes(other)) }));
const withPins = (pinned: string[], ids: string[]) => [...pinned, ...ids.filter((id) => !pinned.includes(id))];

export const isInStory = (id: string) => holds(story.value, id);

export function togglePin(id: string): void {
  editStory((story) =>
    holds(story, id) ? { ...story, pinned: story.pinned.filter((other) => other !== id), groups: without(story.groups, [id]) } : { ...story, pinned: [...story.pinned, id] });
}

/** Puts nodes into a group (by its index), or, with -1, out of any group. */
export function moveToGroup(ids: string[], group: number): void {
  editStory((story) => ({
    ...story,
    pinned: withPins(story.pinned, ids),
    groups: without(story.groups, ids).map((one, i) => (i === group ? { ...one, nodes: [...one.nodes, ...ids] } : one)),
  }));
}

export function addGroup(name: string, nodes: string[] = []): number {
  editStory((story) => {
    const taken = new Set(story.groups.map((group) => group.name));
    let unique = name;
    for (let i = 2; taken.has(unique); i++) unique = `${name} ${i}`;
    return { ...story, pinned: withPins(story.pinned, nodes), groups: [...without(story.groups, nodes), { name: unique, nodes }] };
  });
  return story.value.groups.length - 1;
}

/** Returns whether the name is free. */
export function renameGroup(index: number, name: string): boolean {
  const trimmed = name.trim();
  if (!trimmed || story.value.groups.some((group, i) => i !== index && group.name === trimmed)) return false;
  editStory((story) => ({ ...story, groups: story.groups.map((group, i) => (i === index ? { ...group, name: trimmed } : group)) }));
  return true;
}

export function removeGroup(index: number): void {
  editStory((story) => ({ ...story, groups: story.groups.filter((_, i) => i !== index) }));
}

export function setStoryView(view: Record<string, unknown>): void {
  editStory((story) => ({ ...story, view }));
}

export const keepLinkedStory = () => editStory((story) => ({ ...story }));
