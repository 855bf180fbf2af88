import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { GATEWAY_REPORT_PATH, type RouteChange, type TenantRoute } from "@aibos/contract";
import { chooseVersion, parseTrafficSplit, slotOf } from "@aibos/domain";
import { spreadOf } from "../spread.ts";

// A gateway process with 100,000 routes: its memory, how long it takes to start from disk while the control plane is
// away, how long a change takes from the feed to a request that is served by it while 1,000 changes a minute arrive, and
// how long the choice of a version takes. The feed is this process: no database is a part of these times.

const { values } = parseArgs({
  allowPositionals: true,
  options: { routes: { type: "string", default: "100000" }, changes: { type: "string", default: "500" } },
});
const routes = Number(values.routes);
const changes = Number(values.changes);
const CHANGES_A_MINUTE = 1_000;

const main = join(import.meta.dirname, "../../packages/gateway/src/main.ts");
const folder = await mkdtemp(join(tmpdir(), "aibos-bench-routes-"));
const upstream = await listen((response) => void response.end("ok"));
const feeds = new Set<ServerResponse>();
const control = await listen((response, url) => {
  if (url === GATEWAY_REPORT_PATH) return void response.writeHead(204).end();
  feeds.add(response);
  response.once("close", () => feeds.delete(response));
  for (const line of snapshot()) response.write(line);
});
let gateway: ChildProcess | undefined;
let revision = 1;
// A feed that says nothing counts as lost.
const heartbeat = setInterval(() => {
  for (const feed of feeds) feed.write(`${JSON.stringify({ type: "heartbeat", revision })}\n`);
}, 2_000);
try {
  await stop((await start("http://127.0.0.1:1")).child);
  const first = await start(control.url);
  while (!(await isReady(first.adminUrl))) await sleep(100);
  await sleep(5_000);
  console.log(`${routes} routes, ${changes} changes at ${CHANGES_A_MINUTE} a minute\n`);
  print("memory after the feed's snapshot, MB", [rssOf(first.child)]);
  print("change visible, ms", await changeTimes(first.url));
  print("memory after the changes, MB", [rssOf(first.child)]);
  await stop(first.child);

  const starts: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const begun = performance.now();
    const again = await start("http://127.0.0.1:1");
    const answer = await fetch(`${again.url}/t/t0/accounting/`);
    if (answer.status !== 200) throw new Error(`a started gateway answered ${answer.status}`);
    starts.push(performance.now() - begun);
    await sleep(1_000);
    memory.push(rssOf(again.child));
    await stop(again.child);
  }
  print("start from disk to the first answer, ms", starts);
  print("memory after a start from disk, MB", memory);
  print("choice of a version, ns", choiceTimes());
} finally {
  clearInterval(heartbeat);
  gateway?.kill("SIGKILL");
  upstream.server.closeAllConnections();
  control.server.closeAllConnections();
  upstream.server.close();
  control.server.close();
  await rm(folder, { recursive: true, force: true });
}

function print(name: string, rounds: readonly number[]): void {
  const { median, min, p90 } = spreadOf(rounds);
  const sorted = rounds.toSorted((a, b) => a - b);
  const p99 = sorted[Math.ceil(0.99 * sorted.length) - 1] ?? Number.NaN;
  const figures = [median, min, p90, p99].map((figure) => figure.toFixed(1).padStart(10));
  console.log(`${name.padEnd(44)}${figures.join("")}   (median, min, p90, p99 of ${rounds.length})`);
}

function routeOf(tenant: number, newest = 2_000): TenantRoute {
  const schema = `t_tenant_${tenant}__accounting`;
  const names = { schema, views: `${schema}_v`, dataVersion: "1.0.0" };
  return {
    tenant: `t${tenant}`,
    module: "accounting",
    state: "active",
    role: `r_tenant_${tenant}__accounting`,
    hold: null,
    policy: null,
    versions: [
      { version: "1.5.0", weight: newest, ...names },
      { version: "1.0.0", weight: 10_000 - newest, ...names },
    ],
  };
}

function* snapshot(): Generator<string> {
  const parts = Math.ceil(routes / 1_000);
  const endpoints = ["1.0.0", "1.5.0"].map((version) => {
    return { module: "accounting", version, urls: [upstream.url], healthPath: null, contextKey: "k".repeat(43) };
  });
  for (let part = 0; part < parts; part += 1) {
    const size = Math.min(1_000, routes - part * 1_000);
    yield `${JSON.stringify({
      type: "snapshot",
      feed: "bench",
      revision: 1,
      part,
      last: part === parts - 1,
      testerKey: "k",
      routes: Array.from({ length: size }, (_, index) => routeOf(part * 1_000 + index)),
      endpoints: part === 0 ? endpoints : [],
    })}\n`;
  }
}

/** Times from a line of the feed to a request that goes by it, in milliseconds. */
async function changeTimes(url: string): Promise<number[]> {
  const times: number[] = [];
  const begun = performance.now();
  for (let number = 0; number < changes; number += 1) {
    const tenant = (number * 7_919) % routes;
    const route = routeOf(tenant, 10_000);
    const change: RouteChange = { kind: "route", tenant: route.tenant, module: route.module, route };
    const start = performance.now();
    revision = number + 2;
    const line = `${JSON.stringify({ type: "delta", revision, changes: [change] })}\n`;
    for (const feed of feeds) feed.write(line);
    // The user is one whom the weights before gave the older version.
    const user = olderUser(route.tenant);
    for (;;) {
      const answer = await fetch(`${url}/t/${route.tenant}/accounting/`, { headers: { "x-user-id": user } });
      await answer.arrayBuffer();
      if (answer.headers.get("x-aibos-version") === "1.5.0") break;
    }
    times.push(performance.now() - start);
    const next = begun + ((number + 1) * 60_000) / CHANGES_A_MINUTE;
    await sleep(Math.max(0, next - performance.now()));
  }
  return times;
}

function olderUser(tenant: string): string {
  for (let n = 0; ; n += 1) if (slotOf(`${tenant}/accounting`, `user-${n}`) >= 2_000) return `user-${n}`;
}

/** Nanoseconds of a user's slot and the version for it, by rounds of 100,000. */
function choiceTimes(): number[] {
  const split = parseTrafficSplit({ "1.5.0": 20, "1.0.0": 80 });
  const users = Array.from({ length: 1_000 }, (_, n) => `user-${n}@example.com`);
  const keys = Array.from({ length: 100 }, (_, n) => `tenant-${n}/accounting`);
  const rounds: number[] = [];
  let newest = 0;
  for (let round = -5; round < 30; round += 1) {
    const start = performance.now();
    for (const key of keys) {
      for (const user of users) if (chooseVersion(split, slotOf(key, user)) === "1.5.0") newest += 1;
    }
    if (round >= 0) rounds.push(((performance.now() - start) * 1e6) / (users.length * keys.length));
  }
  if (newest === 0) throw new Error("nobody got the newest version");
  return rounds;
}

async function start(controlUrl: string): Promise<{ child: ChildProcess; url: string; adminUrl: string }> {
  const child = spawn(process.execPath, [main], {
    stdio: ["ignore", "pipe", "ignore"],
    env: {
      PATH: process.env["PATH"],
      AIBOS_CONTROL_URL: controlUrl,
      AIBOS_TOKEN: "token",
      AIBOS_GATEWAY_PORT: "0",
      AIBOS_GATEWAY_FOLDER: folder,
      AIBOS_LOG_LEVEL: "silent",
      // As `up` starts it. Compiled code is there from the second start on.
      NODE_COMPILE_CACHE: join(folder, "compile-cache"),
    },
  });
  gateway = child;
  if (child.stdout === null) throw new Error("the gateway has no output");
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { type: string; url: string; adminUrl: string; message?: string };
    if (said.type !== "ready") throw new Error(said.message);
    return { child, url: said.url, adminUrl: said.adminUrl };
  }
  throw new Error("the gateway did not start");
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

async function isReady(adminUrl: string): Promise<boolean> {
  return (await fetch(`${adminUrl}/readyz`)).ok;
}

/** Resident memory in MB. */
function rssOf({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024;
}

async function listen(
  answer: (response: ServerResponse, url: string) => void,
): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    request.resume();
    answer(response, request.url ?? "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
