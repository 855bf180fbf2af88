import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { onTestFinished } from "vitest";
import {
  type FeedMessage,
  GATEWAY_FEED_PATH,
  GATEWAY_MEASUREMENTS_PATH,
  GATEWAY_REPORT_PATH,
  type GatewayReport,
  gatewayReportSchema,
  type MeasurementBatch,
  measurementBatchSchema,
  type RouteChange,
} from "@aibos/contract";
import { RouteTable } from "../route-table.ts";

export const CONTROL_TOKEN = "token-of-the-control-plane";

export const TESTER_KEY = "key-of-testers-tokens";
const EVERYTHING = Number.POSITIVE_INFINITY;
/** Few, so that snapshots come in parts. */
const ROUTES_IN_PART = 2;

/** What a gateway asked the feed for. */
export interface FeedRequest {
  readonly gateway: string | null;
  readonly feed: string | null;
  readonly since: string | null;
  readonly authorization: string | undefined;
}

/** The control plane's side of the route feed, on a real socket. */
export interface FakeControlPlane {
  readonly url: string;
  readonly feedRequests: readonly FeedRequest[];
  readonly reports: readonly GatewayReport[];
  /** What was sent of measurements, as often as it was. */
  readonly batches: readonly MeasurementBatch[];
  /** What is answered to the next batches: a status, or nothing but the end of the connection. 204 to those after. */
  readonly batchAnswers: (number | "lost")[];
  /** What the feed answers instead of 200, and whether it greets a gateway with what that has missed. */
  status: number;
  greets: boolean;
  /** Whether the feed takes the request and says nothing at all. */
  hangs: boolean;
  /** Reports are answered after this. */
  mayAnswerReports: Promise<void>;
  /** Makes the next revision and sends it; resolves when a report tells that it was applied. */
  change(...changes: RouteChange[]): Promise<GatewayReport>;
  /** Makes the next revision without sending it. */
  changeSilently(...changes: RouteChange[]): void;
  /** Begins a feed of another database, of which the gateways know nothing. */
  beginFeed(feed: string): void;
  /** Sends something to all connected gateways; text and bytes go out as they are. */
  send(message: FeedMessage | string | Uint8Array): void;
  /** Breaks all feed connections. */
  drop(): void;
  /** The first report, of those that came and those that will, which is as wanted. */
  report(isWanted: (report: GatewayReport) => boolean): Promise<GatewayReport>;
  /** Waits until the batches that were sent are as wanted. */
  sentBatches(areWanted: (batches: readonly MeasurementBatch[]) => boolean): Promise<readonly MeasurementBatch[]>;
  /** The feed request of that number, from 1. */
  feedRequest(number: number): Promise<FeedRequest>;
  stop(): Promise<void>;
}

export async function startFakeControlPlane(...first: RouteChange[]): Promise<FakeControlPlane> {
  const table = new RouteTable();
  const feedRequests: FeedRequest[] = [];
  const reports: GatewayReport[] = [];
  const batches: MeasurementBatch[] = [];
  const batchAnswers: (number | "lost")[] = [];
  const feeds = new Set<ServerResponse>();
  const watchers = new Set<() => void>();
  const notify = (): void => {
    for (const watcher of watchers) watcher();
  };
  function wait<T>(find: () => T | undefined): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    const watcher = (): void => {
      const found = find();
      if (found === undefined) return;
      watchers.delete(watcher);
      resolve(found);
    };
    watchers.add(watcher);
    watcher();
    return promise;
  }
  const send = (message: FeedMessage | string | Uint8Array): void => {
    const isRaw = typeof message === "string" || message instanceof Uint8Array;
    for (const feed of feeds) feed.write(isRaw ? message : `${JSON.stringify(message)}\n`);
  };
  const next = (changes: RouteChange[]): FeedMessage & { type: "delta" } => {
    const delta = { type: "delta" as const, revision: table.revision + 1, changes };
    table.apply(delta);
    return delta;
  };
  const beginFeed = (feed: string): void => {
    const [before = { type: "snapshot", part: 0, last: true, routes: [], endpoints: [] }] = table.snapshot(EVERYTHING);
    table.replace({ ...before, testerKey: TESTER_KEY, feed, revision: 1 });
  };
  beginFeed("feed-1");
  if (first.length > 0) next(first);

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://control");
    if (request.method === "POST" && url.pathname === GATEWAY_REPORT_PATH) {
      void new Response(request).json().then(async (body) => {
        reports.push(gatewayReportSchema.parse(body));
        notify();
        await control.mayAnswerReports;
        response.writeHead(204).end();
      });
      return;
    }
    if (request.method === "POST" && url.pathname === GATEWAY_MEASUREMENTS_PATH) {
      void new Response(request).arrayBuffer().then((body) => {
        batches.push(measurementBatchSchema.parse(JSON.parse(gunzipSync(body).toString())));
        const answer = batchAnswers.shift() ?? 204;
        if (answer === "lost") request.socket.destroy();
        else response.writeHead(answer).end();
        notify();
      });
      return;
    }
    const query = url.searchParams;
    feedRequests.push({
      gateway: query.get("gateway"),
      feed: query.get("feed"),
      since: query.get("since"),
      authorization: request.headers.authorization,
    });
    if (control.hangs) {
      notify();
      return;
    }
    const status = url.pathname === GATEWAY_FEED_PATH ? control.status : 404;
    response.writeHead(status, { "content-type": "application/x-ndjson" });
    if (status !== 200) {
      response.end("{}");
      notify();
      return;
    }
    response.flushHeaders();
    feeds.add(response);
    response.once("close", () => feeds.delete(response));
    if (control.greets) {
      const isCurrent = query.get("feed") === table.feed && query.get("since") === String(table.revision);
      const greeting = isCurrent ? [{ type: "heartbeat", revision: table.revision }] : table.snapshot(ROUTES_IN_PART);
      for (const message of greeting) response.write(`${JSON.stringify(message)}\n`);
    }
    notify();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const control: FakeControlPlane = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    feedRequests,
    reports,
    batches,
    batchAnswers,
    status: 200,
    greets: true,
    hangs: false,
    mayAnswerReports: Promise.resolve(),
    change(...changes) {
      const delta = next(changes);
      send(delta);
      return control.report((report) => report.appliedRevision >= delta.revision);
    },
    changeSilently: (...changes) => void next(changes),
    beginFeed,
    send,
    drop() {
      for (const feed of feeds) feed.destroy();
    },
    report: (isWanted) => wait(() => reports.find(isWanted)),
    sentBatches: (areWanted) => wait(() => (areWanted(batches) ? batches : undefined)),
    feedRequest: (number) => wait(() => feedRequests[number - 1]),
    async stop() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  onTestFinished(() => control.stop());
  return control;
}
