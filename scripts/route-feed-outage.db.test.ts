import { once } from "node:events";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { startLocalPostgres } from "@aibos/local-postgres";
import { packFiles } from "../packages/control-plane/src/testing/notes-module.ts";
import { startGatewayProcess } from "../packages/gateway/src/testing/gateway-process.ts";
import { startControlPlaneProcess } from "./crash-test/control-plane-process.ts";
import { openLink } from "./route-feed-outage/link.ts";
import { createTestClock } from "./route-feed-outage/test-clock.ts";
import { startUsers } from "./route-feed-outage/users.ts";

const OUTAGE_MS = 600_000;
const SPEED = 60;
const WAIT = { timeout: 120_000, interval: 100 };
const MODULE = {
  "aibos.module.yaml": `id: notes
version: "1.0.0"
title: Notes
runtime: { command: ["node", "server.mjs"] }
`,
  "server.mjs": `import { createHmac } from "node:crypto";
import { createServer } from "node:http";
createServer((request, response) => {
  const [scheme, payload = "", signature] = (request.headers["x-aibos-context"] ?? "").split(".");
  const wanted = createHmac("sha256", process.env.AIBOS_CONTEXT_KEY).update(scheme + "." + payload).digest("base64url");
  const { expires } = JSON.parse(Buffer.from(payload, "base64url").toString() || "{}");
  response.end(JSON.stringify({ isSigned: signature === wanted, expires }));
}).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`,
};
/** Limits of what users and processes may take: they are people's time, which does not go faster here. */
const PATIENCE = Object.fromEntries(
  [
    "CLIENT_HEADERS_TIMEOUT",
    "CLIENT_BODY_TIMEOUT",
    "CLIENT_READ_TIMEOUT",
    "KEEP_ALIVE_TIMEOUT",
    "CONNECT_TIMEOUT",
    "ANSWER_TIMEOUT",
    "ANSWER_BODY_TIMEOUT",
    "PROBE_TIMEOUT",
    "STOP_TIMEOUT",
    "IDLE_DRAIN_TIMEOUT",
  ].map((name) => [`AIBOS_GATEWAY_${name}`, name === "IDLE_DRAIN_TIMEOUT" ? "60000" : "3600000"]),
);

interface Workers {
  readonly workers: readonly { pid: number; adminUrl: string; ready: boolean; state: Record<string, unknown> | null }[];
}

test("ten minutes without control plane and database: no request fails, also while the gateway is restarted; then nothing is missing", async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-outage-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const postgresOptions = { folder: join(folder, "postgres"), settings: ["fsync=off"] };
  let postgres = await startLocalPostgres(postgresOptions);
  onTestFinished(() => postgres.stop());
  const controlOptions = { dataFolder: join(folder, "control"), databaseUrl: postgres.url };
  let control = await startControlPlaneProcess(controlOptions);
  onTestFinished(async () => void (await control.stop()));
  await control.service.publish(await packFiles(MODULE));
  await control.service.createTenant({ id: "acme" });
  await control.service.install("acme", "notes", "1.0.0");

  // The gateway's clock is behind, so that it shows no time to come when the outage is over.
  const clock = createTestClock(join(folder, "clock.json"), Date.now() - 2 * OUTAGE_MS);
  const link = await openLink();
  onTestFinished(() => link.close());
  link.lead(control.url);
  const gateway = await startGatewayProcess({
    ...PATIENCE,
    ...clock.environment,
    PATH: process.env["PATH"],
    AIBOS_CONTROL_URL: link.url,
    AIBOS_TOKEN: (await readFile(join(folder, "control", "token"), "utf8")).trim(),
    AIBOS_GATEWAY_FOLDER: join(folder, "gateway"),
    AIBOS_GATEWAY_WORKERS: "2",
    AIBOS_LOG_LEVEL: "warn",
  });
  const { url = "", adminUrl = "" } = await gateway.line;
  const workers = async () => ((await (await fetch(`${adminUrl}/healthz`)).json()) as Workers).workers;
  const revisions = async () => (await workers()).map(({ state }) => state?.["revision"]);
  await expect.poll(async () => (await workers()).map(({ ready }) => ready), WAIT).toEqual([true, true]);
  const [revision] = await revisions();

  const users = startUsers({ url: `${url}/t/acme/notes/`, count: 4, now: () => clock.now() });
  onTestFinished(() => users.stop());
  await users.more(50);

  // Everything but the gateway and the module's process is gone.
  await control.kill();
  link.cut();
  await postgres.stop();
  const began = clock.now();
  clock.setSpeed(SPEED);
  await users.more(50);
  const before = (await workers()).map(({ pid }) => pid);
  gateway.child.kill("SIGUSR2");
  await expect.poll(() => clock.now() - began, WAIT).toBeGreaterThan(OUTAGE_MS);
  clock.setSpeed(1);
  await expect
    .poll(async () => (await workers()).filter(({ pid, ready }) => ready && !before.includes(pid)), WAIT)
    .toHaveLength(2);
  await users.more(50);
  expect((await workers()).map(({ state }) => state)).toEqual([
    expect.objectContaining({ controlPlane: "away", revision }),
    expect.objectContaining({ controlPlane: "away", revision }),
  ]);

  // They are back, and routes change before a gateway hears of them.
  postgres = await startLocalPostgres(postgresOptions);
  // At the same address: a process that is told another one to follow its flags at is replaced.
  control = await startControlPlaneProcess({ ...controlOptions, port: Number(new URL(control.url).port) });
  for (const id of ["globex", "initech"]) {
    await control.service.createTenant({ id });
    await control.service.install(id, "notes", "1.0.0");
  }
  link.lead(control.url);
  const database = new pg.Client({ connectionString: postgres.superuserUrl.replace(/\/postgres$/, "/aibos") });
  await database.connect();
  onTestFinished(() => database.end());
  const asked = async <T>(sql: string): Promise<T[]> => (await database.query(sql)).rows as T[];
  const [head] = await asked<{ revision: number }>("select revision::int from aibos.route_head");
  expect(head?.revision).toBeGreaterThan(Number(revision));
  await expect.poll(revisions, WAIT).toEqual([head?.revision, head?.revision]);
  for (const id of ["globex", "initech"]) expect((await fetch(`${url}/t/${id}/notes/`)).status).toBe(200);
  await users.more(50);
  await users.stop();
  expect(users.failures).toEqual([]);

  // Each revision that was missed came to each worker, once and in order, and nothing was sent anew.
  const missed = Array.from({ length: (head?.revision ?? 0) - Number(revision) }, (_, n) => Number(revision) + n + 1);
  const feeds = link.heard.map((text) => [
    ...text.matchAll(/"type":"(delta|snapshot)","(?:feed":"[^"]*",")?revision":(\d+)/g),
  ]);
  expect(feeds.filter((messages) => messages.length > 0).map((messages) => messages.map(([, type]) => type))).toEqual([
    missed.map(() => "delta"),
    missed.map(() => "delta"),
  ]);
  for (const messages of feeds.filter(({ length }) => length > 0)) {
    expect(messages.map(([, , number]) => Number(number))).toEqual(missed);
  }

  // Every request was measured, and none twice.
  const measured = async (): Promise<number> => {
    const [row] = await asked<{ requests: number }>(
      "select sum(requests)::int as requests from aibos.measurements_10s where tenant = 'acme'",
    );
    return row?.requests ?? 0;
  };
  await expect.poll(measured, WAIT).toBeGreaterThanOrEqual(users.answered);
  gateway.child.kill("SIGTERM");
  await once(gateway.child, "exit");
  expect(await measured()).toBe(users.answered);
  const gaps = await asked(
    "select source from aibos.measurement_batches group by source having count(*) <> max(number) - min(number) + 1",
  );
  expect(gaps).toEqual([]);
  const [windows] = await asked<{ minutes: number }>(
    "select count(distinct date_trunc('minute', at))::int as minutes from aibos.measurements_10s where tenant = 'acme'",
  );
  expect(windows?.minutes).toBeGreaterThanOrEqual(10);
}, 300_000);
