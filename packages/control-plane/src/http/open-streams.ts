import type { Context } from "hono";
import type { Logger } from "pino";
import type { HttpEnvironment } from "./http-context.ts";
import { CONTENT_TYPES, formatOf, jsonStream, type StreamFormat } from "./json-stream.ts";

/** Answers that go on until somebody ends them. */
export interface OpenStreams {
  /**
   * Answers with a source's values: a line of JSON each or, where `text/event-stream` is asked for, an event each. The first one is waited for, so that a source which fails at
   * once is answered with a problem.
   */
  answer(c: Context<HttpEnvironment>, open: (signal: AbortSignal) => AsyncIterable<unknown>): Promise<Response>;
  /** Ends all of them, at the end of a line. */
  end(): void;
}

const HEARTBEAT_MS = 5_000;
// Proxies that collect an answer before they pass it on would hold a stream back for ever.
const headersOf = (format: StreamFormat) => ({ "content-type": CONTENT_TYPES[format], "x-accel-buffering": "no" });

export function createOpenStreams(log: Logger): OpenStreams {
  const all = new AbortController();
  return {
    async answer(c, open) {
      const one = new AbortController();
      const signal = AbortSignal.any([all.signal, one.signal, c.req.raw.signal]);
      const requestId = c.get("requestId");
      const format = formatOf(c.req.header("accept"));
      const headers = headersOf(format);
      const source = open(signal)[Symbol.asyncIterator]();
      const first = await source.next();
      if (c.req.method === "HEAD") {
        one.abort();
        await source.return?.();
        return c.body(null, 200, headers);
      }
      const stream = jsonStream(continued(first, source), {
        format,
        heartbeatMs: HEARTBEAT_MS,
        stop: () => one.abort(),
        failed: (error) => log.warn({ requestId, err: error }, "a stream broke off"),
      });
      return c.body(stream, 200, headers);
    },
    end: () => all.abort(),
  };
}

async function* continued(first: IteratorResult<unknown>, rest: AsyncIterator<unknown>): AsyncGenerator {
  try {
    for (let result = first; result.done !== true; result = await rest.next()) yield result.value;
  } finally {
    await rest.return?.();
  }
}
