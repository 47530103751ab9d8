import { scaleLinear } from "d3-scale";
import { useLayoutEffect, useRef } from "preact/hooks";

/** A token on a ground as strong as its activation. The strength is a custom property, so that the style sheet keeps the colour. */
export function HeatToken({ text, activation, largest, title, onClick }: { text: string; activation: number; largest: number; title?: string; onClick?: () => void }) {
  const ref = useRef<HTMLElement>(null);
  const heat = activation > 0 && largest > 0 ? scaleLinear([0, largest], [0.1, 1]).clamp(true)(activation) : 0;
  useLayoutEffect(() => {
    ref.current!.style.setProperty("--heat", heat.toFixed(3));
  }, [heat]);
  // Real spaces, so that lines break between words, as in the text.
  const shown = <span class="token-text">{text.replace(/\n/g, "↵")}</span>;
  const props = { ref: ref as never, class: `heat ${heat > 0.62 ? "is-hot" : ""}`, title: title ?? (activation > 0 ? activation.toFixed(3) : undefined) };
  return onClick ? (
    <button type="button" {...props} onClick={onClick}>
      {shown}
    </button>
  ) : (
    <span {...props}>
      {shown}
    </span>
  );
}
