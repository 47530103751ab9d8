import { signal } from "@preact/signals";

/** Says something to those who listen instead of look. */
export const announcement = signal("");
export function announce(text: string): void {
  announcement.value = announcement.value === text ? `${text} ` : text;
}
