import type { ConnectionPool } from "./upstream-client/connection-pool.ts";

/** The answer to a copy of a request: its status, bytes of content, and milliseconds to its end. */
export interface MirrorAnswer {
  readonly status: number;
  readonly size: number;
  readonly ms: number;
}

/** Sends a copy of a request that has no content and throws the answer's content away. Undefined: there was none. */
export function sendMirrorCopy(
  pool: ConnectionPool,
  copy: { method: string; path: string; headers: string[] },
): Promise<MirrorAnswer | undefined> {
  const { promise, resolve } = Promise.withResolvers<MirrorAnswer | undefined>();
  const start = performance.now();
  let status = 0;
  let size = 0;
  pool.dispatch(
    { ...copy, body: null },
    {
      started: () => undefined,
      head: (code) => void (status = code),
      data: (part) => void (size += part.length),
      flush: () => undefined,
      end: () => resolve({ status, size, ms: performance.now() - start }),
      failed: () => resolve(undefined),
    },
  );
  return promise;
}
