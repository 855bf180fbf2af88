import type { Logger } from "pino";
import { type Dispatcher, request } from "undici";
import { GATEWAY_REPORT_PATH, type GatewayReport } from "@aibos/contract";
import type { GatewaySettings } from "./gateway-options.ts";

const TIMEOUT_MS = 5_000;

export interface Reporter {
  /** Reports at once; while a report is on its way, right after it. */
  report(): void;
  stop(): Promise<void>;
}

/** Tells the control plane what was applied and what is still under way: at every change, and every second. */
export function startReporter(options: {
  settings: Pick<GatewaySettings, "controlUrl" | "token" | "reportInterval">;
  dispatcher: Dispatcher;
  log: Logger;
  /** Undefined while there is nothing that the control plane could use. */
  current: () => GatewayReport | undefined;
}): Reporter {
  const { settings, dispatcher, log, current } = options;
  const stopping = new AbortController();
  let sending: Promise<void> | undefined;
  let again = false;
  let failing = false;

  async function send(): Promise<void> {
    const report = current();
    if (report === undefined) return;
    try {
      const { statusCode, body } = await request(settings.controlUrl + GATEWAY_REPORT_PATH, {
        method: "POST",
        headers: { authorization: `Bearer ${settings.token}`, "content-type": "application/json" },
        body: JSON.stringify(report),
        dispatcher,
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await body.dump();
      if (statusCode !== 204) throw new Error(`The control plane answered with status ${statusCode}.`);
      failing = false;
    } catch (error) {
      // Once: the feed tells that the control plane is away, and the next report has all that this one had.
      if (!failing && !stopping.signal.aborted) log.warn({ error }, "a report to the control plane failed");
      failing = true;
    }
  }

  async function sendAll(): Promise<void> {
    do {
      again = false;
      await send();
    } while (again && !stopping.signal.aborted);
    sending = undefined;
  }

  function report(): void {
    again = true;
    sending ??= sendAll();
  }

  const timer = setInterval(report, settings.reportInterval);
  return {
    report,
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await sending;
    },
  };
}
