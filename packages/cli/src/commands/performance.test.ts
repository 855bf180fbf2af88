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
      "acme: accounting in the last 60 s 09:30:00Z",
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

const comparison = {
  tenant: null,
  module: "accounting",
  a: samplePerformance(),
  b: samplePerformance({ version: "1.5.0", requests: 300 }),
  confidence: 0.95,
  differences: [
    { measure: "errorRate", a: 0.005, b: 0.004, difference: -0.001, low: -0.012, high: 0.011, meaning: "unclear" },
    { measure: "p50", a: 9.34, b: 4.2, difference: -5.14, low: -6, high: -4.4, meaning: "lower" },
    { measure: "p90", a: 21, b: 90, difference: 69, low: 41, high: 77, meaning: "higher" },
    { measure: "p95", a: 48.6, b: 130, difference: 81.4, low: -10, high: null, meaning: "unclear" },
    { measure: "p99", a: 1_234, b: null, difference: null, low: null, high: null, meaning: "unclear" },
  ],
};

test("compare-versions shows two versions side by side, within 80 columns", async () => {
  const words = ["compare-versions", "-m", "accounting", "-v", "1.0.0", "-v", "1.5.0", "--window", "1m"];
  const ran = await run({ "GET /v1/modules/accounting/comparison": { body: comparison } }, words, 80);
  expect([ran.code, ran.err]).toEqual([0, ""]);
  expect(ran.out).toBe(
    [
      "all tenants: accounting in the last 60 s; requests: 1.0.0 1200, 1.5.0 300",
      "",
      "                    1.0.0   1.5.0   difference        95 % interval",
      "failed              0.5 %   0.4 %  −0.1 points  −1.2 to +1.1 points  unclear",
      "response time p50  9.3 ms  4.2 ms      −5.1 ms   −6.0 ms to −4.4 ms  lower",
      "p90                 21 ms   90 ms       +69 ms     +41 ms to +77 ms  higher",
      "p95                 49 ms  130 ms       +81 ms      at least −10 ms  unclear",
      "p99                 1.2 s       –            –                    –  unclear",
      "",
    ].join("\n"),
  );
});

test("compare-versions asks for what it was told, and --json is the answer", async () => {
  const words = ["compare-versions", "-m", "accounting", "-v", "1.0.0", "-v", "1.5.0", "-t", "acme", "--json"];
  const ran = await run({ "GET /v1/modules/accounting/comparison": { body: comparison } }, words);
  expect(JSON.parse(ran.out)).toEqual(comparison);
  expect(api?.calls[0]?.query).toEqual({ a: "1.0.0", b: "1.5.0", tenant: "acme" });
});

test.each([[["1.0.0"]], [["1.0.0", "1.0.0"]], [["1.0.0", "1.5.0", "2.0.0"]]])(
  "compare-versions of %j is a usage error",
  async (versions) => {
    const ran = await run({}, ["compare-versions", "-m", "accounting", ...versions.flatMap((one) => ["-v", one])]);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain("Give two versions to compare");
  },
);
