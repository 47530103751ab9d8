/** An answer that is not what was asked for, in the server's words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const base = new URL("./api", document.baseURI).pathname;

/** The most bytes that a browser is sure to send on after the page is closed. */
const mostAfterwards = 30_000;

interface Sending {
  signal?: AbortSignal;
  /** Whether the request is sent even if the page is closed meanwhile. */
  outlives?: boolean;
}

async function send(method: string, path: string, body: unknown, headers: Record<string, string>, { signal, outlives }: Sending): Promise<Response> {
  let response: Response;
  const isRaw = body instanceof Blob;
  const sent = body === undefined || isRaw ? body : new Blob([JSON.stringify(body)]);
  try {
    response = await fetch(base + path, {
      method,
      headers: { ...(body !== undefined && !isRaw ? { "Content-Type": "application/json" } : {}), ...headers },
      body: sent,
      signal,
      keepalive: outlives && (sent?.size ?? 0) < mostAfterwards,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The studio does not answer. Is microtome studio still running?");
  }
  if (!response.ok) throw new ApiError(response.status, await reason(response));
  return response;
}

async function reason(response: Response): Promise<string> {
  if (response.status === 401) return "This page's key is not valid any more. Open the address that microtome studio printed when it started.";
  try {
    const problem = await response.json();
    return String(problem.detail || problem.title || response.statusText);
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

/** Calls the API and reads its JSON. */
export async function call<T>(method: string, path: string, body?: unknown, sending: Sending = {}): Promise<T> {
  const response = await send(method, path, body, { Accept: "application/json" }, sending);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>("GET", path, undefined, { signal });

export interface StreamEvent {
  event: string;
  data: any;
}

/** Server-sent events of a request, one by one until the stream ends or the signal aborts it. */
export async function* stream(method: string, path: string, body?: unknown, signal?: AbortSignal): AsyncGenerator<StreamEvent> {
  const response = await send(method, path, body, { Accept: "text/event-stream" }, { signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      buffer += value;
      for (let end = buffer.search(/\r?\n\r?\n/); end >= 0; end = buffer.search(/\r?\n\r?\n/)) {
        const block = buffer.slice(0, end);
        buffer = buffer.slice(end).replace(/^(\r?\n){2}/, "");
        let event = "message";
        const data: string[] = [];
        for (const line of block.split(/\r?\n/)) {
          if (line.startsWith("event:")) event = line.slice(6).trim();
          else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
        }
        if (data.length) yield { event, data: JSON.parse(data.join("\n")) };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
export const wasAborted = (error: unknown) => error instanceof DOMException && error.name === "AbortError";
