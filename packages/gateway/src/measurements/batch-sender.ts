import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { type Dispatcher, request } from "undici";
import { GATEWAY_MEASUREMENTS_PATH } from "@aibos/contract";
import type { GatewaySettings } from "../gateway-options.ts";
import type { BatchSpool, SpooledBatch } from "./batch-spool.ts";

const TIMEOUT_MS = 10_000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;

export interface BatchSender {
  /** There is something to send. */
  wake(): void;
  /** Goes on for at most so long when there is something left, then ends. */
  stop(withinMs: number): Promise<void>;
}

/**
 * Sends a spool's batches, one at a time, oldest first. A batch is taken out of the spool when the control plane has
 * answered, and sent again when nobody knows whether it arrived. One that is refused for what it is, is given up.
 */
export function startBatchSender(options: {
  settings: Pick<GatewaySettings, "controlUrl" | "token" | "random">;
  spool: BatchSpool;
  dispatcher: Dispatcher;
  log: Logger;
  /** A batch was given up. */
  refused: () => void;
}): BatchSender {
  const { settings, spool, dispatcher, log, refused } = options;
  const stopping = new AbortController();
  let wake = Promise.withResolvers<void>();
  let ending = false;
  let failing = false;

  async function send(batch: SpooledBatch): Promise<void> {
    const content = await spool.read(batch);
    if (content !== undefined) {
      const { statusCode, body } = await request(settings.controlUrl + GATEWAY_MEASUREMENTS_PATH, {
        method: "POST",
        headers: {
          authorization: `Bearer ${settings.token}`,
          "content-type": "application/json",
          "content-encoding": "gzip",
        },
        body: content,
        dispatcher,
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      const answer = await body.text();
      if ([400, 413, 422].includes(statusCode)) {
        log.error({ batch: batch.name, answer: answer.slice(0, 500) }, "measurements were refused and are given up");
        refused();
      } else if (statusCode !== 204) throw new Error(`The control plane answered with status ${statusCode}.`);
    }
    await spool.remove(batch);
  }

  async function run(): Promise<void> {
    let delay = FIRST_DELAY_MS;
    while (!stopping.signal.aborted) {
      const batch = spool.first();
      if (batch === undefined) {
        if (ending) return;
        wake = Promise.withResolvers();
        // Looked at again after there is something to be woken by: it may have come just before.
        if (spool.first() === undefined && !ending) await wake.promise;
        continue;
      }
      try {
        await send(batch);
        delay = FIRST_DELAY_MS;
        if (failing) log.info({ left: spool.size }, "measurements are sent again");
        failing = false;
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (!failing) log.warn({ error }, "measurements can't be sent; they are kept on disk");
        failing = true;
        await sleep(delay * (0.5 + settings.random()), undefined, { signal: stopping.signal }).catch(() => undefined);
        delay = Math.min(LONGEST_DELAY_MS, delay * 2);
      }
    }
  }
  const running = run();

  return {
    wake: () => wake.resolve(),
    async stop(withinMs) {
      ending = true;
      wake.resolve();
      const limit = setTimeout(() => stopping.abort(), failing ? 0 : withinMs);
      await running;
      clearTimeout(limit);
    },
  };
}
