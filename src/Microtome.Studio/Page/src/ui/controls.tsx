import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Boundary } from "./Boundary";
import { Expand, Shrink } from "./icons";

export interface SliderProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step: number;
  format?: (value: number) => string;
  onInput: (value: number) => void;
  title?: string;
  disabled?: boolean;
}

export function Slider({ label, value, min, max, step, format, onInput, title, disabled }: SliderProps) {
  const id = useId();
  const text = format ? format(value) : String(value);
  return (
    <div class="slider" title={title}>
      <label for={id}>{label}</label>
      <input id={id} type="range" min={min} max={max} step={step} value={value} disabled={disabled} aria-valuetext={text} onInput={(event) => onInput(Number(event.currentTarget.value))} />
      <output for={id}>{text}</output>
    </div>
  );
}

export function IconButton({ label, pressed, shortcut, class: extra, ...props }: { label: string; pressed?: boolean; shortcut?: string; class?: string } & Omit<JSX.IntrinsicElements["button"], "class" | "label">) {
  return <button type="button" {...props} class={`icon-button ${extra ?? ""}`} aria-label={label} aria-pressed={pressed} title={shortcut ? `${label} (${shortcut})` : label} />;
}

/** A part of the page with a heading, which can fill the whole window. */
export function Pane({ name, title, class: extra, tools, children, id }: { name: string; title: ComponentChildren; class?: string; tools?: ComponentChildren; children: ComponentChildren; id?: string }) {
  const [isFull, setFull] = useState(false);
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!isFull) return;
    const leave = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.stopPropagation();
      setFull(false);
    };
    addEventListener("keydown", leave);
    return () => removeEventListener("keydown", leave);
  }, [isFull]);
  return (
    <section class={`pane ${extra ?? ""} ${isFull ? "is-full" : ""}`} aria-label={name} ref={ref} id={id}>
      <header class="pane-head">
        <h2>{title}</h2>
        <div class="pane-tools">
          {tools}
          <IconButton label={isFull ? `Leave full window: ${name}` : `Full window: ${name}`} pressed={isFull} onClick={() => setFull(!isFull)}>
            {isFull ? <Shrink /> : <Expand />}
          </IconButton>
        </div>
      </header>
      <Boundary>{children}</Boundary>
    </section>
  );
}

/** Tabs that the arrow keys move through. */
export function Tabs<T extends string>({ label, value, options, onChange, id }: { label: string; value: T; options: { value: T; text: string; badge?: string | number }[]; onChange: (value: T) => void; id: string }) {
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const next = options[(options.findIndex((option) => option.value === value) + step + options.length) % options.length];
    onChange(next.value);
    requestAnimationFrame(() => document.getElementById(`${id}-${next.value}`)?.focus());
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {options.map((option) => (
        <button type="button" role="tab" id={`${id}-${option.value}`} aria-selected={option.value === value} aria-controls={`${id}-panel`} tabIndex={option.value === value ? 0 : -1} onClick={() => onChange(option.value)}>
          {option.text}
          {option.badge !== undefined && option.badge !== 0 && <span class="badge">{option.badge}</span>}
        </button>
      ))}
    </div>
  );
}

/** A small panel under a button, closed by Escape and by a click elsewhere. */
export function Popover({ label, icon, text, active, children, align }: { label: string; icon: ComponentChildren; text?: string; active?: boolean; children: ComponentChildren; align?: "right" }) {
  const [isOpen, setOpen] = useState(false);
  const ref = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!isOpen) return;
    const outside = (event: Event) => {
      if (!ref.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [isOpen]);
  const keys = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !isOpen) return;
    event.preventDefault();
    event.stopPropagation();
    setOpen(false);
    ref.current?.querySelector("button")?.focus();
  };
  return (
    <div class="popover" ref={ref} onKeyDown={keys}>
      <button type="button" class={`quiet ${active ? "is-active" : ""}`} aria-label={text ? undefined : label} title={label} aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
        {icon}
        {text && <span>{text}</span>}
      </button>
      <div class={`popover-panel ${align === "right" ? "from-right" : ""}`} id={id} role="group" aria-label={label} hidden={!isOpen}>
        {isOpen && children}
      </div>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

export function Problem({ text, onRetry }: { text: string; onRetry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <p>{text}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Waiting({ text }: { text: string }) {
  return (
    <p class="waiting" role="status">
      <span class="spinner" aria-hidden="true" />
      {text}
    </p>
  );
}

/** A token's text with its white space made visible. */
export function TokenText({ text }: { text: string }) {
  const lead = text.match(/^\s+/)?.[0] ?? "";
  const rest = text.slice(lead.length);
  return (
    <span class="token-text">
      {lead && <span class="space">{lead.replace(/ /g, "·").replace(/\n/g, "↵").replace(/\t/g, "→")}</span>}
      {rest.replace(/\n/g, "↵") || (lead ? "" : "∅")}
    </span>
  );
}
