import { effect } from "@preact/signals";
import { get, messageOf } from "../api/client";
import type { Studio } from "../api/types";
import { addressOf, isOwnEntry, readAddress, writeAddress, type Address } from "./address";
import { saveAll, storyState } from "./saving";
import { closeTrace, compared, fatal, graphState, loadModels, loadTraces, openTrace, selectedId, showLinkedStory, story, studio, trace, traceId, traces, view } from "./store";

/** Addresses are followed one after another; what comes while one is being followed only counts if it is the last. */
let latest = 0;
let isFollowing = false;

const shown = (): Address => ({ view: view.value, trace: traceId.value, ...compared.value, node: selectedId.value, pinned: story.value.pinned, groups: story.value.groups });
let retry = 0;

function write(isSameEntry: boolean): void {
  clearTimeout(retry);
  try {
    writeAddress(shown(), storyState.value !== "link", isSameEntry);
  } catch {
    // Some browsers allow only so many changes of the address in a while.
    retry = window.setTimeout(() => isFollowing || write(isSameEntry), 2000);
  }
}

export async function start(): Promise<void> {
  view.value = readAddress().view;
  try {
    studio.value = await get<Studio>("/studio");
    await Promise.all([loadModels(), loadTraces()]);
  } catch (error) {
    fatal.value = messageOf(error);
    return;
  }
  // Browsers tell of a step through the history by one event, of an edited address by the other or by both.
  addEventListener("popstate", changed);
  addEventListener("hashchange", changed);
  addEventListener("pagehide", saveAll);
  await follow(readAddress(), true);
  effect(() => {
    void shown();
    void storyState.value;
    if (!isFollowing) write(false);
  });
  effect(() => {
    document.title = trace.value ? `${trace.value.title} · Microtome studio` : "Microtome studio";
  });
}

function changed(): void {
  if (isFollowing || (location.hash || "#") !== addressOf(shown())) follow(readAddress(), !isOwnEntry());
}

/** Shows what an address says. A story in it counts only where somebody else wrote the address: what the page wrote has been saved. */
async function follow(address: Address, withStory: boolean): Promise<void> {
  const mine = ++latest;
  isFollowing = true;
  try {
    const isThere = () => traces.value?.some((one) => one.id === address.trace) ?? false;
    if ((address.trace && !isThere()) || [address.a, address.b].some((id) => id && !traces.value?.some((one) => one.id === id))) await loadTraces().catch(() => {}); // it may have been made in another window
    if (mine !== latest) return;
    view.value = address.view;
    if (address.view === "compare") compared.value = { a: address.a, b: address.b };
    if (address.trace === null) closeTrace();
    else if (!isThere()) {
      closeTrace();
      graphState.value = { loading: false, error: `This studio has no trace “${address.trace}”: it was deleted, or the link is another studio's.` };
    } else if (address.trace !== traceId.value || (storyState.value === "link" && !withStory)) await openTrace(address.trace, withStory ? address : null, address.node);
    else {
      await saveAll();
      if (mine !== latest || address.trace !== traceId.value) return;
      selectedId.value = address.node;
      if (withStory) showLinkedStory(address);
    }
  } finally {
    if (mine === latest) {
      isFollowing = false;
      write(true);
    }
  }
}
