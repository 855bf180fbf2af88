/** Sent while there is nothing to say, so that a dead connection is noticed. Readers skip blank lines. */
const BLANK = "\n";

/**
 * Newline-delimited JSON out of values as they come. The next value is asked for when the one before was taken, so
 * that a slow reader holds the source back. A failure of the source breaks the connection off, because the status was
 * sent long ago; `failed` learns of it.
 *
 * @param heartbeatMs how long it stays silent before it sends a blank line
 * @param stop called once, when the reader is gone: ends what the source waits for
 */
export function jsonLineStream(
  source: AsyncIterator<unknown>,
  { heartbeatMs, stop, failed }: { heartbeatMs: number; stop: () => void; failed: (error: unknown) => void },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let next: Promise<IteratorResult<unknown>> | undefined;

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          next ??= source.next();
          const result = await within(next, heartbeatMs);
          if (result === undefined) {
            controller.enqueue(encoder.encode(BLANK));
            return;
          }
          next = undefined;
          if (result.done === true) controller.close();
          else controller.enqueue(encoder.encode(`${JSON.stringify(result.value)}\n`));
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
