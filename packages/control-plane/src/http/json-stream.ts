/** How values are written one after the other. */
export type StreamFormat = "lines" | "events";

export const CONTENT_TYPES: Readonly<Record<StreamFormat, string>> = {
  lines: "application/x-ndjson",
  events: "text/event-stream",
};

/** Sent while there is nothing to say, so that a dead connection is noticed. Readers skip it. */
const SILENCE: Readonly<Record<StreamFormat, string>> = { lines: "\n", events: ":\n\n" };

/** Server-sent events for who asks for them, as browsers' `EventSource` does; lines of JSON for everybody else. */
export function formatOf(accept: string | undefined): StreamFormat {
  return accept?.includes(CONTENT_TYPES.events) === true ? "events" : "lines";
}

/**
 * JSON out of values as they come, a line or an event each. The next value is asked for when the one before was taken, so
 * that a slow reader holds the source back. A failure of the source breaks the connection off, because the status was
 * sent long ago; `failed` learns of it.
 *
 * @param heartbeatMs how long it stays silent before it sends something that readers skip
 * @param stop called once, when the reader is gone: ends what the source waits for
 */
export function jsonStream(
  source: AsyncIterator<unknown>,
  options: { format: StreamFormat; heartbeatMs: number; stop: () => void; failed: (error: unknown) => void },
): ReadableStream<Uint8Array> {
  const { format, heartbeatMs, stop, failed } = options;
  const encoder = new TextEncoder();
  const write = (value: unknown): string =>
    format === "events" ? `data: ${JSON.stringify(value)}\n\n` : `${JSON.stringify(value)}\n`;
  let next: Promise<IteratorResult<unknown>> | undefined;

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          next ??= source.next();
          const result = await within(next, heartbeatMs);
          if (result === undefined) {
            controller.enqueue(encoder.encode(SILENCE[format]));
            return;
          }
          next = undefined;
          if (result.done === true) controller.close();
          else controller.enqueue(encoder.encode(write(result.value)));
        } catch (error) {
          failed(error);
          controller.error(error);
        }
      },
      cancel() {
        stop();
        next?.catch(() => undefined);
        source.return?.().catch(() => undefined);
      },
    },
    // Nothing is read before somebody asks: a HEAD request starts nothing.
    { highWaterMark: 0 },
  );
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}
