import { useEffect, useState } from "preact/hooks";
import { get } from "../api/client";
import type { FeatureDetail } from "../api/types";

const most = 4;
/** What is known does not change. */
const known = new Map<string, string[]>();

/** The tokens that a feature writes towards, a moment after it has been pointed at; none while they are not known. */
export function usePromoted(trace: string | null, layer: number, feature: number | null): string[] {
  const key = trace !== null && feature !== null ? `${trace}:${layer}:${feature}` : null;
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!key || known.has(key)) return;
    const request = new AbortController();
    const timer = setTimeout(
      () =>
        get<FeatureDetail>(`/features/${layer}/${feature}?trace=${trace}`, request.signal).then(
          ({ promoted }) => {
            if (!promoted?.length) return; // the model may not be loaded yet
            if (known.size > 5000) known.clear();
            known.set(key, promoted.slice(0, most).map((word) => word.text));
            redraw((count) => count + 1);
          },
          () => {}, // the card says less then
        ),
      150,
    );
    return () => {
      clearTimeout(timer);
      request.abort();
    };
  }, [key]);
  return (key && known.get(key)) || [];
}
