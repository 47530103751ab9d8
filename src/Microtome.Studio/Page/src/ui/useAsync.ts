import { useEffect, useState } from "preact/hooks";
import { messageOf, wasAborted } from "../api/client";

export interface Loaded<T> {
  value: T | null;
  /** The key that `value` belongs to: it stays on the screen while the next is loading. */
  loading: boolean;
  error: string | null;
}

/** Loads something whenever the key changes; what was there stays until the next is. */
export function useAsync<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Loaded<T> & { reload: () => void } {
  const [state, setState] = useState<Loaded<T>>({ value: null, loading: key !== null, error: null });
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (key === null) {
      setState({ value: null, loading: false, error: null });
      return;
    }
    const request = new AbortController();
    setState((before) => ({ ...before, loading: true, error: null }));
    load(request.signal).then(
      (value) => !request.signal.aborted && setState({ value, loading: false, error: null }),
      (error) => !request.signal.aborted && !wasAborted(error) && setState({ value: null, loading: false, error: messageOf(error) }),
    );
    return () => request.abort();
  }, [key, round]);
  return { ...state, reload: () => setRound(round + 1) };
}
