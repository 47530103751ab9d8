import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Example, FeatureDetail } from "../api/types";
import { HeatToken } from "./heat";

const atFirst = 4;

/** Where it is most active, and samples from lower intervals of its range: a label that fits only the strongest ones is not right. */
export function Examples({ detail }: { detail: FeatureDetail }) {
  const all = detail.examples ?? [];
  const intervals = detail.intervals?.length
    ? detail.intervals
    : [...new Set(all.map((example) => example.interval))].map((interval) => ({ interval, from: null, to: null, count: all.filter((example) => example.interval === interval).length, name: interval === 0 ? "strongest" : `interval ${interval}` }));
  const largest = detail.maximum ?? Math.max(0, ...all.flatMap((example) => example.activations));
  const [isWhole, setWhole] = useState(false);
  return (
    <section class="part examples">
      <h3>
        Examples
        <button type="button" class="quiet h3-action" aria-pressed={isWhole} onClick={() => setWhole(!isWhole)}>
          Whole passages
        </button>
      </h3>
      {all.length === 0 && <p class="hint">It was never active on the texts that were run.</p>}
      {intervals.map((interval) => (
        <Interval key={interval.interval} name={interval.name} from={interval.from} to={interval.to} examples={all.filter((example) => example.interval === interval.interval)} largest={largest} isWhole={isWhole} />
      ))}
    </section>
  );
}

function Interval({ name, from, to, examples, largest, isWhole }: { name: string; from: number | null; to: number | null; examples: Example[]; largest: number; isWhole: boolean }) {
  const shown = useSignal(atFirst);
  if (examples.length === 0) return null;
  return (
    <div class="interval">
      <h4>
        {name[0].toUpperCase() + name.slice(1)}
        {to !== null && to > 0 && <span class="h3-note">{from === null ? `up to ${to.toFixed(2)}` : `${from.toFixed(2)} to ${to.toFixed(2)}`}</span>}
      </h4>
      <ol class="passages">
        {examples.slice(0, shown.value).map((example) => (
          <li>
            <Passage example={example} largest={largest} isWhole={isWhole} />
          </li>
        ))}
      </ol>
      {examples.length > shown.value && (
        <button type="button" class="quiet" onClick={() => (shown.value += 12)}>
          {examples.length - shown.value} more
        </button>
      )}
    </div>
  );
}

function Passage({ example, largest, isWhole }: { example: Example; largest: number; isWhole: boolean }) {
  const from = isWhole ? 0 : Math.max(0, example.peak - 14);
  const to = isWhole ? example.tokens.length : Math.min(example.tokens.length, example.peak + 8);
  return (
    <p class="heat-line passage">
      {from > 0 && "…"}
      {example.tokens.slice(from, to).map((text, i) => (
        <HeatToken text={text} activation={example.activations[from + i] ?? 0} largest={largest} />
      ))}
      {to < example.tokens.length && "…"}
    </p>
  );
}
