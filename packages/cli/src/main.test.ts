import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { FAKE_TOKEN, type FakeApi, startFakeApi } from "./testing/fake-api.ts";
import { until } from "./testing/fake-journal.ts";
import { runCommand, startCommand } from "./testing/run-command.ts";
import { sampleMigration, sampleStep, sampleTenant } from "./testing/sample-answers.ts";

const LAUNCHER = fileURLToPath(new URL("../bin/aibos-versions.js", import.meta.url));

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

function environment(): Record<string, string> {
  return { AIBOS_URL: api?.url ?? "", AIBOS_TOKEN: FAKE_TOKEN };
}

test("the process ends with the command's exit code", async () => {
  api = await startFakeApi({ "GET /v1/modules": { body: { items: [], nextCursor: null } } });
  expect(await runCommand(["module", "list"], { environment: environment() })).toMatchObject({ code: 0, err: "" });
  expect(await runCommand(["tenant", "list"], { environment: environment() })).toMatchObject({ code: 1, out: "" });
  expect(await runCommand(["tenant", "lists"], { environment: environment() })).toMatchObject({ code: 2, out: "" });
  const unauthorised = { ...environment(), AIBOS_TOKEN: "another-token" };
  expect(await runCommand(["module", "list"], { environment: unauthorised })).toMatchObject({ code: 3, out: "" });
});

test("a reader that goes away is no failure", async () => {
  const items = Array.from({ length: 20_000 }, (_, index) => sampleTenant({ id: `tenant-${index}` }));
  api = await startFakeApi({ "GET /v1/tenants": { body: { items, nextCursor: null } } });
  const { child, ended } = startCommand(["tenant", "list"], { environment: environment() });
  child.stdout?.once("data", () => child.stdout?.destroy());
  expect(await ended).toMatchObject({ code: 0, err: "" });
});

test("Ctrl-C while watching ends the watching alone, tells how to go on, and exits with 130", async () => {
  const running = sampleMigration({ steps: [sampleStep(1)] });
  api = await startFakeApi({
    "GET /v1/migrations/mig_8f3c2a1b9d04": { body: running },
    "GET /v1/migrations/mig_8f3c2a1b9d04/events": { lines: [running], open: true },
    "GET /v1/migrations/mig_8f3c2a1b9d04/log/events": { lines: [], open: true },
  });
  const words = ["migration-status", "mig_8f3c2a1b9d04", "--watch"];
  const { child, ended, said } = startCommand(words, { environment: environment() });
  await said("✔ Step 1");
  await until(() => api?.calls.length === 3);
  child.kill("SIGINT");
  const { code, out, err } = await ended;
  expect([code, err]).toEqual([130, ""]);
  expect(out).toContain("The operation goes on. See how it stands: aibos-versions migration-status mig_8f3c2a1b9d04");
});

test("the launcher runs the command, and on an old Node starts it again on a newer one", async () => {
  const here = await runCommand(["--version"], { file: LAUNCHER });
  expect(here).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  const old = 'Object.defineProperty(process, "versions", { value: { node: "20.0.0" } })';
  const words = [LAUNCHER, "tenant", "lists"];
  const again = await runCommand([`data:text/javascript,${old}`, ...words], { file: "--import" });
  expect(again).toMatchObject({ code: 2, out: "" });
  expect(again.err).toContain("Did you mean list?");
});
