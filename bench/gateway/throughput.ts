import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findProgram, installProgram } from "../../scripts/debian-package.ts";
import { startOurs } from "../../scripts/proxies/gateway.ts";
import { startDrivenHaproxy } from "../../scripts/proxies/haproxy-driven.ts";
import { startHaproxy } from "../../scripts/proxies/haproxy.ts";
import { startNginx } from "../../scripts/proxies/nginx.ts";
import { startNodePeer } from "../../scripts/proxies/node-peer.ts";
import { HOST, type RunningProxy, type StartProxy } from "../../scripts/proxies/proxy.ts";
import { spreadOf } from "../spread.ts";
import { cpuSecondsOf } from "./cpu-seconds.ts";
import type { LoadNews, LoadOrder } from "./load.ts";
import { type Subject, TRAFFIC } from "./traffic.ts";

// What proxies get through on one core: each in a process of its own on the first core, in turns; the load and the
// upstream on the second. A round is one turn of each proxy, and a ratio is of two turns of the same round.
//
// Two figures: answers a second, and answers for each second of processor time that the proxy used. The second one holds
// on a machine that others use too, and for a proxy that is faster than the load.

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "40" },
    seconds: { type: "string", default: "0.5" },
    subject: { type: "string", multiple: true },
    only: { type: "string", multiple: true },
  },
});

interface Row {
  readonly key: string;
  readonly start: StartProxy;
  readonly subjects: readonly Subject[];
  /** Debian's package, where the program is one of a system's. */
  readonly debian?: string;
}

const ALL = Object.keys(TRAFFIC) as Subject[];
const REQUESTS: readonly Subject[] = ["small", "download", "upload"];
const ROWS: readonly Row[] = [
  { key: "ours", start: startOurs, subjects: ALL },
  { key: "reply-from", start: startNodePeer("@fastify/reply-from", "fastify-reply-from"), subjects: REQUESTS },
  { key: "http-proxy-3", start: startNodePeer("http-proxy-3", "http-proxy-3"), subjects: ALL },
  { key: "dispatch", start: startNodePeer("bare undici dispatch", "undici-dispatch"), subjects: REQUESTS },
  { key: "nginx", start: startNginx, subjects: ALL, debian: "nginx" },
  { key: "haproxy", start: startHaproxy, subjects: ALL, debian: "haproxy" },
  { key: "driven", start: startDrivenHaproxy, subjects: ALL, debian: "haproxy" },
];

/** What the first must reach of the second; in small answers, where there is no subject. */
const BARS: readonly { readonly of: string; readonly than: string; readonly bar: number }[] = [
  { of: "ours", than: "reply-from", bar: 1.5 },
  { of: "ours", than: "http-proxy-3", bar: 2.3 },
  { of: "ours", than: "dispatch", bar: 0.85 },
  { of: "driven", than: "haproxy", bar: 0.9 },
];

interface Turn {
  readonly aSecond: number;
  /** Answers for each second of the proxy's processor time. */
  readonly aCpuSecond: number;
}

const rounds = Number(values.rounds);
const wanted = ROWS.filter(({ key }) => values.only?.includes(key) ?? true);
const subjects = ALL.filter((subject) => values.subject?.includes(subject) ?? true);
const isPinned = availableParallelism() > 1 && findProgram("taskset") !== undefined;
if (!isPinned) console.log("Without a second core, or taskset, the load takes time from what it measures.\n");
const on = (core: number): string[] => (isPinned ? ["taskset", "-c", String(core)] : []);

const folders: string[] = [];
const proxies = new Map<string, RunningProxy>();
const upstream = startOnSecondCore("upstream.ts");
const load = startOnSecondCore("load.ts");
try {
  const [upstreamPort] = (await once(upstream, "message")) as [number];
  for (const row of wanted) {
    if (row.debian !== undefined && findProgram(row.debian) === undefined && installProgram(row.debian) === undefined) {
      console.log(`${row.key} is left out: there is no ${row.debian}, and it can't be installed from Debian here.`);
      continue;
    }
    const folder = await mkdtemp(join(tmpdir(), "aibos-bench-"));
    folders.push(folder);
    const proxy = await row.start({ upstreamPort, folder, launcher: on(0), answerTimeout: 30_000 });
    if (proxy !== null) proxies.set(row.key, proxy);
  }
  for (const subject of subjects) {
    const rows = wanted.filter((row) => row.subjects.includes(subject) && proxies.has(row.key));
    const turns = new Map(rows.map(({ key }): [string, Turn[]] => [key, []]));
    for (let round = -1; round < rounds; round += 1) {
      // Each round begins with another proxy, so that none is always after the same one.
      for (let at = 0; at < rows.length; at += 1) {
        const { key } = rows[(at + round + 1) % rows.length] ?? { key: "" };
        const proxy = proxies.get(key);
        if (proxy === undefined) continue;
        const turn = await takeTurn(proxy, subject);
        // The round before the first warms the programs up.
        if (round >= 0) turns.get(key)?.push(turn);
      }
    }
    print(subject, turns);
  }
} finally {
  load.disconnect();
  upstream.disconnect();
  for (const proxy of proxies.values()) await proxy.stop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
}

function startOnSecondCore(file: string): ChildProcess {
  const [program, ...args] = [...on(1), process.execPath];
  return fork(join(import.meta.dirname, file), {
    execPath: program,
    execArgv: args,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

async function takeTurn(proxy: RunningProxy, subject: Subject): Promise<Turn> {
  const order: LoadOrder = {
    host: HOST,
    port: proxy.port,
    prefix: proxy.prefix,
    subject,
    warmUp: 150,
    measured: Number(values.seconds) * 1_000,
  };
  load.send(order);
  let before = 0;
  for (;;) {
    const [news] = (await once(load, "message")) as [LoadNews];
    if (news.type === "failed") throw new Error(`${proxy.name}: ${news.message}`);
    if (news.type === "begins") before = cpuSecondsOf(proxy.pid);
    else {
      const used = cpuSecondsOf(proxy.pid) - before;
      return { aSecond: news.requests / news.seconds, aCpuSecond: news.requests / used };
    }
  }
}

function print(subject: Subject, turns: ReadonlyMap<string, readonly Turn[]>): void {
  const { connections } = TRAFFIC[subject];
  const load = loadavg()[0]?.toFixed(1);
  console.log(
    `\n${subject}: ${connections} connections, ${rounds} rounds of ${values.seconds} s; load average ${load}`,
  );
  console.log(
    `${"".padEnd(26)}${"a second".padStart(12)}${"a CPU second".padStart(14)}${"share of core".padStart(15)}`,
  );
  const median = (key: string, of: (turn: Turn) => number): number => spreadOf((turns.get(key) ?? []).map(of)).median;
  for (const [key, { name }] of proxies) {
    if (!turns.has(key)) continue;
    const figures = [median(key, (turn) => turn.aSecond), median(key, (turn) => turn.aCpuSecond)];
    const share = median(key, (turn) => turn.aSecond / turn.aCpuSecond);
    const cells = figures.map((figure, index) => figure.toFixed(0).padStart(12 + index * 2));
    console.log(`${name.padEnd(26)}${cells.join("")}${`${(share * 100).toFixed(0)} %`.padStart(15)}`);
  }
  console.log(`\n${"".padEnd(26)}${"a second".padStart(24)}${"a CPU second".padStart(24)}`);
  for (const [of, than] of pairs(turns)) {
    const cells = [(turn: Turn) => turn.aSecond, (turn: Turn) => turn.aCpuSecond].map((figure) => {
      const { median, p10, p90 } = spreadOf(ratios(turns.get(of) ?? [], turns.get(than) ?? [], figure));
      return { text: `${median.toFixed(2)} (${p10.toFixed(2)}–${p90.toFixed(2)})`.padStart(24), median };
    });
    const bar = subject === "small" ? BARS.find((one) => one.of === of && one.than === than)?.bar : undefined;
    const isMet = cells.every((cell) => bar !== undefined && cell.median >= bar);
    const said = bar === undefined ? "" : `   bar ${bar}: ${isMet ? "met" : "not met"}`;
    console.log(`${`${of} / ${than}`.padEnd(26)}${cells.map(({ text }) => text).join("")}${said}`);
  }
}

/** Ours with each other one, and HAProxy with itself. */
function pairs(turns: ReadonlyMap<string, unknown>): [string, string][] {
  const others = [...turns.keys()].filter((key) => key !== "ours").map((key): [string, string] => ["ours", key]);
  return [
    ...(turns.has("ours") ? others : []),
    ...(turns.has("driven") ? [["driven", "haproxy"] as [string, string]] : []),
  ];
}

function ratios(ours: readonly Turn[], theirs: readonly Turn[], figure: (turn: Turn) => number): number[] {
  return ours.flatMap((turn, round) => {
    const other = theirs[round];
    return other === undefined ? [] : [figure(turn) / figure(other)];
  });
}
