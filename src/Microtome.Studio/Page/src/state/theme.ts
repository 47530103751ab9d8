import { effect, signal } from "@preact/signals";

export type Theme = "light" | "dark" | "system";

const dark = matchMedia("(prefers-color-scheme: dark)");
const read = (): Theme => {
  try {
    const stored = localStorage.getItem("theme");
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
};

export const theme = signal<Theme>(read());
/** Counts changes of what is seen, for canvases that draw with the style sheet's colours. */
export const appearance = signal(0);

export const isDark = () => theme.value === "dark" || (theme.value === "system" && dark.matches);

dark.addEventListener("change", () => appearance.value++);
effect(() => {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  try {
    if (theme.value === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme.value);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  appearance.value = appearance.peek() + 1;
});

export const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
