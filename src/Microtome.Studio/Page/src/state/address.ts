import type { Group } from "../api/types";

export type View = "graph" | "compare" | "steer";

export interface Address {
  view: View;
  trace: string | null;
  /** The traces that are compared. */
  a: string | null;
  b: string | null;
  node: string | null;
  pinned: string[];
  groups: Group[];
}

const list = (text: string | null) => (text ? text.split(",").filter(Boolean) : []);

/** What the address says to show: the trace, the node and the story, so that a link shows what its sender saw. */
export function readAddress(hash = location.hash): Address {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const shown = fields.get("view");
  return {
    view: shown === "compare" || shown === "steer" ? shown : "graph",
    trace: fields.get("trace"),
    a: fields.get("a"),
    b: fields.get("b"),
    node: fields.get("node"),
    pinned: list(fields.get("pins")),
    groups: fields.getAll("group").flatMap((text) => {
      const end = text.lastIndexOf(":");
      return end < 0 ? [] : [{ name: text.slice(0, end), nodes: list(text.slice(end + 1)) }];
    }),
  };
}

export function addressOf(address: Address): string {
  const fields = new URLSearchParams();
  if (address.view !== "graph") fields.set("view", address.view);
  if (address.view === "compare" && address.a) fields.set("a", address.a);
  if (address.view === "compare" && address.b) fields.set("b", address.b);
  if (address.trace) fields.set("trace", address.trace);
  if (address.node) fields.set("node", address.node);
  if (address.pinned.length) fields.set("pins", address.pinned.join(","));
  for (const group of address.groups) fields.append("group", `${group.name}:${group.nodes.join(",")}`);
  return `#${fields.toString().replace(/%2C/g, ",").replace(/%3A/g, ":")}`;
}

/** Whether the page wrote the entry of the history, with a story that is saved: not a link's, nor what somebody typed. */
export const isOwnEntry = () => history.state?.studio === true;

/** Writes what is shown into the address. Another trace or view is a new entry of the history, to go back from; all else changes the entry there is. */
export function writeAddress(address: Address, isOwn: boolean, isSameEntry: boolean): void {
  const next = addressOf(address);
  if (next === (location.hash || "#") && isOwnEntry() === isOwn) return;
  const before = readAddress();
  const place = next === "#" ? location.pathname : next;
  if (isSameEntry || (before.trace === address.trace && before.view === address.view)) history.replaceState({ studio: isOwn }, "", place);
  else history.pushState({ studio: isOwn }, "", place);
}
