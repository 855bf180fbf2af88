import type { Dispatcher } from "undici";

/** The answer to a copy of a request: its status, bytes of content, and milliseconds to its end. */
export interface MirrorAnswer {
  readonly status: number;
  readonly size: number;
  readonly ms: number;
}

/** Sends a copy of a request that has no content and throws the answer's content away. Undefined: there was none. */
export function sendMirrorCopy(
  pool: Dispatcher,
  copy: { method: string; path: string; headers: string[] },
): Promise<MirrorAnswer | undefined> {
  const { promise, resolve } = Promise.withResolvers<MirrorAnswer | undefined>();
  const start = performance.now();
  let status = 0;
  let size = 0;
  pool.dispatch(copy, {
    onRequestStart: () => undefined,
    onResponseStart: (_controller, code) => void (status = code),
    onResponseData: (_controller, chunk) => void (size += chunk.length),
    onResponseEnd: () => resolve({ status, size, ms: performance.now() - start }),
    onResponseError: () => resolve(undefined),
  });
  return promise;
}
