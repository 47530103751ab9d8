import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

/** The graph's share of the middle column's height. */
const share = signal(0.64);

export function Splitter() {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    ref.current!.parentElement!.style.setProperty("--graph-share", String(share.value));
  }, [share.value]);
  const set = (value: number) => (share.value = Math.max(0.25, Math.min(0.85, value)));
  return (
    <div
      ref={ref}
      class="splitter"
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of graph and story"
      aria-valuenow={Math.round(share.value * 100)}
      aria-valuemin={25}
      aria-valuemax={85}
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
        event.preventDefault();
        set(share.value + (event.key === "ArrowUp" ? -0.03 : 0.03));
      }}
      onPointerDown={(event) => {
        const handle = event.currentTarget;
        const { top, height } = handle.parentElement!.getBoundingClientRect();
        handle.setPointerCapture(event.pointerId);
        const move = (next: PointerEvent) => set((next.clientY - top) / height);
        handle.addEventListener("pointermove", move);
        handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), { once: true });
      }}
    />
  );
}
