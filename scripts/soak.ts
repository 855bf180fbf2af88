import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort, HOST } from "./proxies/proxy.ts";
import { routeOf, startFeed } from "./proxies/route-feed.ts";
import { growthOf, isGrowing, type Look } from "./soak/growth.ts";
import { startSoakTraffic } from "./soak/soak-traffic.ts";
import { startSoakUpstream } from "./soak/soak-upstream.ts";

// Watches a gateway's memory under mixed traffic: `npm run test:soak [-- --minutes N | --short]`, 30 minutes unless it is
// told else, one with --short. Ends with 1 when what is in use after a garbage collection grows for certain, and by more
// than is let pass, or when an answer was not as it must be.

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    short: { type: "boolean", default: false },
    users: { type: "string", default: "24" },
  },
});
const seconds = values.short ? 60 : Number(values.minutes) * 60;
const LOOKS = 60;
/** Code is compiled and pools are filled in the first part of the watch, which is not judged. */
const WARM_UP = 1 / 3;
const MB = 1_048_576;
/**
 * What the heap may grow by in the time that is judged: what is compiled late, and tables of measurements that happen to
 * be larger at its end. The resident set is the allocator's as much as ours.
 */
const LET_PASS = { heap: 1.5 * MB, rss: 24 * MB };

interface Memory {
  readonly heap: number;
  readonly rss: number;
}

const folder = await mkdtemp(join(tmpdir(), "aibos-soak-"));
const upstream = await startSoakUpstream();
const feed = await startFeed(upstream.port);
const port = await freePort();
const gateway = fork(fileURLToPath(new URL("../packages/gateway/src/main.ts", import.meta.url)), [], {
  execArgv: ["--expose-gc", "--import", new URL("soak/memory-reporter.ts", import.meta.url).href],
  stdio: ["ignore", "ignore", "inherit", "ipc"],
  env: {
    PATH: process.env["PATH"],
    AIBOS_CONTROL_URL: feed.url,
    AIBOS_TOKEN: "none",
    AIBOS_GATEWAY_ID: "soak",
    AIBOS_GATEWAY_PORT: String(port),
    AIBOS_GATEWAY_FOLDER: join(folder, "gateway"),
    AIBOS_GATEWAY_ACCESS_LOG: join(folder, "access.log"),
    AIBOS_GATEWAY_ACCESS_LOG_SAMPLE: "0.01",
    // Upstreams die on purpose.
    AIBOS_LOG_LEVEL: "fatal",
  },
});
const isUp = (): boolean => gateway.exitCode === null && gateway.signalCode === null;
await feed.followed;
const traffic = startSoakTraffic({ url: `http://${HOST}:${port}`, path: "/t/acme/notes", users: Number(values.users) });

const looks: Record<keyof Memory, Look[]> = { heap: [], rss: [] };
const begun = performance.now();
try {
  for (let number = 1; number <= LOOKS && isUp(); number += 1) {
    changeRoutes(number);
    await sleep(Math.max(0, begun + (number * seconds * 1_000) / LOOKS - performance.now()));
    const goOn = await traffic.pause();
    const { heap, rss } = await askForMemory();
    goOn();
    const at = (performance.now() - begun) / 1_000;
    if (number <= LOOKS * WARM_UP) continue;
    looks.heap.push({ at, value: heap });
    looks.rss.push({ at, value: rss });
  }
} finally {
  await traffic.stop();
  if (isUp()) {
    gateway.kill("SIGTERM");
    await once(gateway, "exit");
  }
  await feed.stop();
  await upstream.stop();
  await rm(folder, { recursive: true, force: true });
}

const { done, failed, failures } = traffic.counts();
console.log([...done].map(([name, count]) => `${String(count).padStart(8)} ${name}`).join("\n"));
const grows = [judge("heap", "in use after a collection"), judge("rss", "resident")].includes(true);
if (failed > 0) console.log(`✘ ${failed} went wrong, such as:\n  ${failures.join("\n  ")}`);
process.exitCode = grows || failed > 0 ? 1 : 0;

/** Weights move, tenants come and go, and the upstream's connections end now and then. */
function changeRoutes(number: number): void {
  feed.change("acme", routeOf("acme", (number * 2_500) % 10_001));
  feed.change(`tenant-${number}`, routeOf(`tenant-${number}`));
  if (number > 5) feed.change(`tenant-${number - 5}`, null);
}

async function askForMemory(): Promise<Memory> {
  gateway.send("look");
  const [memory] = (await once(gateway, "message", { signal: AbortSignal.timeout(30_000) })) as [Memory];
  return memory;
}

function judge(what: keyof Memory, name: string): boolean {
  const seen = looks[what];
  const { slope, low, high } = growthOf(seen);
  const grows = isGrowing(seen, LET_PASS[what]);
  const [first, last] = [seen[0]?.value ?? 0, seen.at(-1)?.value ?? 0];
  const perMinute = [slope, low, high].map((one) => ((one * 60) / MB).toFixed(3));
  console.log(
    `${grows ? "✘" : "✔"} ${name}: ${(first / MB).toFixed(1)} → ${(last / MB).toFixed(1)} MB over ${seen.length} looks; ` +
      `${perMinute[0]} MB a minute (95 %: ${perMinute[1]} to ${perMinute[2]})${grows ? ": it grows" : ""}`,
  );
  return grows;
}
