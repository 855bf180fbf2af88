import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Dispatcher } from "undici";
import {
  MEASUREMENT_BATCH_ROWS,
  MEASUREMENT_WINDOW_SECONDS,
  type MeasurementRow,
  type Metric,
  metric,
} from "@aibos/contract";
import type { ExchangeObserver } from "../exchange.ts";
import type { GatewaySettings } from "../gateway-options.ts";
import { startBatchSender } from "./batch-sender.ts";
import { openBatchSpool } from "./batch-spool.ts";
import { latencyOf, requestErrorOf } from "./measured-exchange.ts";
import { MeasurementTable } from "./measurement-table.ts";
import { Tallies, type Tally } from "./tallies.ts";
import { VersionTotals } from "./version-totals.ts";
import { withTotals } from "./with-totals.ts";

const WINDOW_MS = MEASUREMENT_WINDOW_SECONDS * 1_000;
/** A table with more series than this is put into batches at the end of its window only. */
const FEW_SERIES = 1_000;
/** What is unsent at a stop gets so long. */
const STOP_MS = 2_000;

export interface Measurements {
  readonly observer: ExchangeObserver;
  /** What waits to be sent, and what was lost for lack of room or because it was refused, in batches. */
  state(): { waiting: number; waitingBytes: number; lost: number };
  /** For Prometheus: what came of requests up to the last batches, and how many requests were refused by what code. */
  metrics(): Metric[];
  /** Puts what was measured so far into batches; resolves when they are on disk. */
  flush(): Promise<void>;
  /** Keeps what was measured, and sends what can be sent soon. */
  stop(): Promise<void>;
}

/**
 * Counts what comes of requests, and sends it to the control plane in batches:
 *
 *   request ended ──▶ table in memory ──every 2 s or 10 s──▶ batches on disk ──▶ control plane
 *
 * A request waits for none of it. What was not sent yet outlives the process, but for the newest table when it is killed.
 */
export async function startMeasurements(options: {
  settings: Pick<
    GatewaySettings,
    "id" | "folder" | "controlUrl" | "token" | "now" | "random" | "log" | "flushInterval" | "spoolBytes"
  >;
  dispatcher: Dispatcher;
}): Promise<Measurements> {
  const { settings, dispatcher } = options;
  const { now, log } = settings;
  const spool = await openBatchSpool({
    folder: join(settings.folder, "measurements"),
    gatewayId: settings.id,
    maxBytes: settings.spoolBytes,
    now,
  });
  const totals = new VersionTotals();
  const refusals = new Map<string, number>();
  let lost = 0;
  const sender = startBatchSender({ settings, spool, dispatcher, log, refused: () => (lost += 1) });
  const tallies = new Tallies();
  let table = new MeasurementTable(windowOf(now()));
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function write(full: MeasurementTable): Promise<void> {
    let rows: MeasurementRow[] = [];
    const append = async (): Promise<void> => {
      const { dropped } = await spool.append(rows);
      rows = [];
      if (dropped > 0) log.error({ dropped }, "measurements were dropped: too many wait to be sent");
      lost += dropped;
      sender.wake();
    };
    for (const row of withTotals(full.rows())) {
      if (row.tenant === null) totals.add(row);
      rows.push(row);
      if (rows.length < MEASUREMENT_BATCH_ROWS) continue;
      await append();
      // Requests are served between two batches, however many there are.
      await nextTurn();
    }
    if (rows.length > 0) await append();
  }

  function cut(): void {
    const full = table;
    table = new MeasurementTable(windowOf(now()));
    for (const { series, key, count } of tallies.underWay()) table.underWay(series, count, key);
    writing = write(full)
      .catch((error: unknown) => {
        lost += 1;
        log.error({ error }, "measurements could not be kept");
      })
      .finally(() => (writing = undefined));
  }

  function tick(): void {
    const isOver = windowOf(now()) !== table.at;
    // A disk that is slower than the window makes the window longer, and nothing else.
    if (writing === undefined && table.size > 0 && (isOver || table.size <= FEW_SERIES)) cut();
    else if (table.size === 0 && isOver) table = new MeasurementTable(windowOf(now()));
    schedule();
  }

  /** Ticks are at whole multiples, so that one of them is at the end of each window. */
  function schedule(): void {
    timer = setTimeout(tick, settings.flushInterval - (now() % settings.flushInterval));
  }
  schedule();

  async function flush(): Promise<void> {
    await writing;
    if (table.size > 0) cut();
    await writing;
  }

  return {
    observer: {
      forwarding(exchange) {
        const tally = tallies.of(exchange);
        if (tally === undefined) return;
        for (let one: Tally | undefined = tally; one !== undefined; one = one.whole) {
          one.count += 1;
          table.underWay(one.series, one.count, one.key);
        }
      },
      ended(exchange) {
        if (exchange.problem !== undefined) {
          refusals.set(exchange.problem, (refusals.get(exchange.problem) ?? 0) + 1);
        }
        const tally = tallies.of(exchange);
        if (tally === undefined) return;
        for (let one: Tally | undefined = tally; one !== undefined; one = one.whole) one.count -= 1;
        const { received, sent } = exchange.bytes;
        const outcome = { error: requestErrorOf(exchange), latency: latencyOf(exchange), received, sent };
        table.record(tally.series, outcome, tally.key);
        for (const met of exchange.met ?? []) table.record({ ...tally.series, met }, outcome);
      },
    },
    state: () => ({ waiting: spool.size, waitingBytes: spool.bytes, lost }),
    metrics: () => [
      ...totals.metrics(),
      {
        name: "aibos_gateway_problems_total",
        type: "counter",
        help: "Requests that the gateway itself answered, by its problem's code.",
        samples: [...refusals].map(([code, value]) => ({ labels: { code }, value })),
      },
      metric("gauge", "aibos_gateway_batches_waiting", "Batches of measurements that wait to be sent.", spool.size),
      metric("counter", "aibos_gateway_batches_lost_total", "Batches that were given up or had no room.", lost),
    ],
    flush,
    async stop() {
      clearTimeout(timer);
      await flush();
      await sender.stop(STOP_MS);
    },
  };
}

/** When the window of a moment began, in seconds since the epoch. */
function windowOf(ms: number): number {
  return Math.floor(ms / WINDOW_MS) * MEASUREMENT_WINDOW_SECONDS;
}
