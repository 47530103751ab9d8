import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { CheckPane } from "./check/CheckPane";
import { CompareView } from "./compare/CompareView";
import { FeaturePane } from "./feature/FeaturePane";
import { GraphPane, Scores } from "./graph/GraphPane";
import { announcement } from "./state/announcement";
import { fatal, selectedId, studio, trace, traceId, traces, view } from "./state/store";
import type { View } from "./state/address";
import { theme, type Theme } from "./state/theme";
import { SteerView } from "./steer/SteerView";
import { StoryPane } from "./story/StoryPane";
import { DropZone } from "./trace/upload";
import { TracePane } from "./trace/TracePane";
import { Boundary } from "./ui/Boundary";
import { IconButton, Pane, Problem, Tabs, Waiting } from "./ui/controls";
import { Auto, Keyboard, Moon, Panel, Sun } from "./ui/icons";
import { Shortcuts } from "./ui/Shortcuts";
import { Splitter } from "./ui/Splitter";

const helpOpen = signal(false);
const sideOpen = signal(true);
const inspector = signal<"feature" | "check">("feature");

const views: { value: View; text: string }[] = [
  { value: "graph", text: "Graph" },
  { value: "compare", text: "Compare" },
  { value: "steer", text: "Steer" },
];

export function App() {
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (target.matches("input, textarea, select")) return;
      if (event.key === "?") helpOpen.value = true;
      else if (event.key === "/" && view.value === "graph") document.getElementById("graph-search")?.focus();
      else if (event.key === "n") {
        view.value = "graph";
        sideOpen.value = true;
        requestAnimationFrame(() => document.getElementById("trace-prompt")?.focus());
      } else if (event.key === "e" && view.value === "graph") document.querySelector<HTMLElement>(".graph-canvas")?.focus();
      else if (event.key === "f" || event.key === "c") {
        inspector.value = event.key === "f" ? "feature" : "check";
        document.getElementById(`inspector-${inspector.value}`)?.focus();
      } else return;
      event.preventDefault();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);

  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.querySelector<HTMLElement>(".graph-canvas, #main button")?.focus(); }}>
        Skip to the graph
      </a>
      <Bar />
      {fatal.value ? (
        <main id="main" class="fatal">
          <Problem text={fatal.value} onRetry={() => location.reload()} />
        </main>
      ) : !studio.value || !traces.value ? (
        <main id="main" class="fatal">
          <Waiting text="Opening the studio" />
        </main>
      ) : view.value === "compare" ? (
        <CompareView />
      ) : view.value === "steer" ? (
        <SteerView />
      ) : (
        <Explore />
      )}
      <DropZone />
      {helpOpen.value && <Shortcuts onClose={() => (helpOpen.value = false)} />}
      <p class="visually-hidden" role="status" aria-live="polite">
        {announcement.value}
      </p>
    </>
  );
}

function Bar() {
  const next: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
  const shown = trace.value;
  return (
    <header class="bar">
      <h1>
        <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" class="mark">
          <path d="M4 16 10 4M16 16 10 4M4 16l6-5.5M16 16l-6-5.5" />
          <circle cx="10" cy="4" r="2.3" class="mark-top" />
          <circle cx="10" cy="10.5" r="1.8" class="mark-middle" />
          <circle cx="4" cy="16" r="1.9" class="mark-top" />
          <circle cx="16" cy="16" r="1.9" class="mark-top" />
        </svg>
        Microtome
      </h1>
      <nav aria-label="Views">
        {views.map((one) => (
          <button type="button" aria-current={view.value === one.value ? "page" : undefined} onClick={() => (view.value = one.value)}>
            {one.text}
          </button>
        ))}
      </nav>
      <p class="bar-title" title={shown?.prompt}>
        {shown && view.value === "graph" && (
          <>
            {shown.title}
            <span class="bar-scores">
              <Scores />
            </span>
          </>
        )}
      </p>
      <div class="bar-tools">
        {view.value === "graph" && (
          <IconButton label={sideOpen.value ? "Hide traces" : "Show traces"} pressed={sideOpen.value} onClick={() => (sideOpen.value = !sideOpen.value)}>
            <Panel />
          </IconButton>
        )}
        <IconButton label={`Theme: ${theme.value}`} onClick={() => (theme.value = next[theme.value])}>
          {theme.value === "light" ? <Sun /> : theme.value === "dark" ? <Moon /> : <Auto />}
        </IconButton>
        <IconButton label="Keyboard shortcuts" shortcut="?" onClick={() => (helpOpen.value = true)}>
          <Keyboard />
        </IconButton>
      </div>
    </header>
  );
}

function Explore() {
  // Where panes stand below one another, what has been opened comes into sight.
  useEffect(() => {
    if (traceId.value && matchMedia("(max-width: 900px)").matches) document.querySelector(".graph-pane")?.scrollIntoView();
  }, [traceId.value]);
  return (
    <main class={`explore ${sideOpen.value ? "" : "without-side"}`} id="main">
      {sideOpen.value && <TracePane />}
      <div class="middle">
        <GraphPane />
        <Splitter />
        <StoryPane />
      </div>
      <Pane
        name="Inspector"
        class="inspector"
        title={
          <Tabs
            id="inspector"
            label="Inspector"
            value={inspector.value}
            options={[
              { value: "feature", text: "Feature" },
              { value: "check", text: "Check" },
            ]}
            onChange={(value) => (inspector.value = value)}
          />
        }
      >
        <div class="pane-body" role="tabpanel" id="inspector-panel" aria-labelledby={`inspector-${inspector.value}`} tabIndex={0}>
          <div hidden={inspector.value !== "feature"} key={`feature-${selectedId.value}`}>
            <Boundary>
              <FeaturePane />
            </Boundary>
          </div>
          <div hidden={inspector.value !== "check"}>
            <Boundary>
              <CheckPane />
            </Boundary>
          </div>
        </div>
      </Pane>
    </main>
  );
}
