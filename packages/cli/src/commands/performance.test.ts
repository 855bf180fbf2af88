import { afterEach, expect, test } from "vitest";
import { readEnvironment } from "../config.ts";
import { createOutput } from "../output/output.ts";
import { createRedrawnBlock } from "../output/redrawn-block.ts";
import { FAKE_TOKEN, type FakeAnswer, type FakeApi, problem, startFakeApi } from "../testing/fake-api.ts";
import { startCommand } from "../testing/run-command.ts";
import { runInProcess } from "../testing/run-in-process.ts";
import { samplePerformance } from "../testing/sample-answers.ts";

const EVENTS = "GET /v1/tenants/acme/modules/accounting/performance/events";
const TARGET = ["-t", "acme", "-m", "accounting"];

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

async function run(answers: Record<string, FakeAnswer>, words: string[], columns?: number) {
  api = await startFakeApi(answers);
  return runInProcess(api.url, words, columns === undefined ? {} : { columns });
}

const quiet = samplePerformance({
  version: "1.5.0",
  requests: 0,
  requestsPerSecond: 0,
  errorRate: null,
  responseTime: { samples: 0, mean: null, p50: null, p90: null, p95: null, p99: null },
  inFlight: 0,
  cpuUsage: null,
  memoryBytes: null,
});
const report = {
  at: "2027-01-31T09:30:00.000Z",
  tenant: "acme",
  module: "accounting",
  versions: [samplePerformance(), quiet],
};

test("monitor-performance --once shows each version with what is known of it, within 80 columns", async () => {
  const answers = { [EVENTS]: { lines: [report], open: true } };
  const ran = await run(answers, ["monitor-performance", ...TARGET, "--once", "--window", "24h"], 80);
  expect([ran.code, ran.err]).toEqual([0, ""]);
  expect(ran.out).toBe(
    [
      "acme: accounting in the last 1 min 0 s 09:30:00Z",
      "",
      "version  requests  per s  failed     p50    p95    p99  open   cpu    memory",
      "1.0.0        1200   20.0   0.5 %  9.3 ms  49 ms  1.2 s     7  25 %  85.8 MiB",
      "1.5.0           0      0       –       –      –      –     0     –         –",
      "",
    ].join("\n"),
  );
  expect(api?.calls[0]?.query).toEqual({ window: "86400" });
});

test("monitor-performance goes on until Ctrl-C, which is no failure", async () => {
  const later = { ...report, versions: [samplePerformance({ requests: 1_300 })] };
  api = await startFakeApi({ [EVENTS]: { lines: [report, later], open: true } });
  const environment = { AIBOS_URL: api.url, AIBOS_TOKEN: FAKE_TOKEN };
  const command = startCommand(["monitor-performance", ...TARGET], { environment });
  await command.said("1300");
  command.child.kill("SIGINT");
  const ended = await command.ended;
  expect([ended.code, ended.err]).toEqual([0, ""]);
  expect(ended.out).toMatch(/ 1200 [^]*\n\nacme: accounting [^]* 1300 /);
});

test("what is shown again takes the place of what was there, however its lines were broken", () => {
  let out = "";
  const streams = {
    out: { write: (text: string) => (out += text), isTTY: true, columns: 40 },
    err: { write: () => 0 },
  };
  const block = createRedrawnBlock(createOutput({ json: false }, readEnvironment({}), streams));
  block.show(`short\n\n${"x".repeat(50)}`);
  block.show("next");
  expect(out).toBe(`short\n\n${"x".repeat(50)}\n\u001b[4A\r\u001b[Jnext\n`);
});

test("monitor-performance --json is one report", async () => {
  const ran = await run({ [EVENTS]: { lines: [report], open: true } }, ["monitor-performance", ...TARGET, "--json"]);
  expect(JSON.parse(ran.out)).toEqual(report);
});

test("monitor-performance of a module that is not installed says so and exits with 1", async () => {
  const answers = { [EVENTS]: problem(404, "AIBOS_MODULE_NOT_INSTALLED", "Tenant acme does not use accounting.") };
  const ran = await run(answers, ["monitor-performance", ...TARGET]);
  expect(ran.code).toBe(1);
  expect(ran.err).toContain("does not use accounting");
});

test.each(["5s", "401d", "a week", "-5m", ""])("monitor-performance --window %j is a usage error", async (window) => {
  const ran = await run({}, ["monitor-performance", ...TARGET, "--window", window]);
  expect(ran.code).toBe(2);
  expect(ran.err).toContain("It must be a time from 10s to 400d, such as 90s, 15m, 6h or 30d.");
});
