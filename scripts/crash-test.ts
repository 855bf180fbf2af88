import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import pg from "pg";
import { startLocalPostgres } from "@aibos/local-postgres";
import { NOTES_VERSIONS, notesArchive } from "../packages/control-plane/src/testing/notes-module.ts";
import {
  clearBreakpoints,
  type Instant,
  installBreakpoints,
  removeBreakpoints,
  setBreakpoint,
  waitForBreakpoint,
} from "./crash-test/breakpoint.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "./crash-test/control-plane-process.ts";
import {
  fingerprintTenant,
  inspectTenant,
  leftoverSchemas,
  moduleProcesses,
  type TenantFacts,
} from "./crash-test/inspection.ts";

// Kills the control plane with SIGKILL at every step of a migration, one that succeeds and one that fails and is undone,
// starts it again and looks at everything. With DATABASE_URL it uses that server, else the embedded PostgreSQL of a
// temporary data folder. --short takes one instant a step of the migration that succeeds, and the undo steps.

const { values } = parseArgs({ options: { short: { type: "boolean", default: false } } });
const databaseUrl = process.env["DATABASE_URL"] || undefined;
const dataFolder = await realpath(await mkdtemp(join(tmpdir(), "aibos-crash-")));
const say = (text: string): void => console.log(text);

/** Where a tenant starts from, what is asked for, and where it must be in the end. */
interface Scenario {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly status: "succeeded" | "rolled-back";
}

const SCENARIOS: readonly Scenario[] = [
  { name: "a migration over two releases", from: "1.0.0", to: "2.0.0", status: "succeeded" },
  { name: "a migration whose last release fails and is undone", from: "1.1.0", to: "2.1.0", status: "rolled-back" },
];

let tenants = 0;
let controlPlane: ControlPlaneProcess = await start();
const url = databaseUrl ?? (await embeddedUrl());
const client = new pg.Client({ connectionString: url, application_name: "crash test" });
client.on("error", () => undefined);
await client.connect();
await installBreakpoints(client);

let failures = 0;
let instants = 0;
try {
  for (const version of NOTES_VERSIONS) await controlPlane.service.publish(await notesArchive(version));
  for (const scenario of SCENARIOS) {
    // A tenant that nothing happens to shows which steps there are, and what the others must look like in the end.
    const calm = await newTenant(scenario.from);
    const before = await inspectTenant(client, calm);
    const started = await controlPlane.service.start(calm, "notes", { kind: "migrate", version: scenario.to });
    const migration = await controlPlane.service.waitForMigration(started.id);
    const expected = await inspectTenant(client, calm);
    if (migration.status !== scenario.status) {
      throw new Error(
        `Without a crash, ${scenario.name} ended ${migration.status}: ${migration.failure?.message ?? ""}`,
      );
    }
    if (scenario.status === "rolled-back" && !isDeepStrictEqual(before, expected)) {
      throw new Error(`Without a crash, ${scenario.name} left something else than there was before.`);
    }
    say(`\n${scenario.name}: ${migration.steps.map((step) => step.name).join(" → ")}`);
    for (const instant of instantsOf(migration.steps, scenario)) {
      instants += 1;
      const problems = await crashAt(scenario, instant, expected);
      failures += problems.length > 0 ? 1 : 0;
      const where = `${String(instant.position).padStart(2)} ${instant.step} ${instant.status}`;
      say(
        `  ${problems.length === 0 ? "✔" : "✖"} killed at ${where}${problems.map((text) => `\n      ${text}`).join("")}`,
      );
    }
  }
  const leftover = await leftoverSchemas(client);
  if (leftover.length > 0) {
    failures += 1;
    say(`✖ schemas that belong to nobody: ${leftover.join(", ")}`);
  }
  await removeBreakpoints(client);
} finally {
  await client.end().catch(() => undefined);
  await controlPlane.stop();
  const orphans = await moduleProcesses(dataFolder);
  if (orphans.length > 0) {
    failures += 1;
    say(`✖ processes that outlived the control plane: ${orphans.join("; ")}`);
  }
  await rm(dataFolder, { recursive: true, force: true });
}
say(`\n${instants} instants, ${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;

async function start(): Promise<ControlPlaneProcess> {
  return startControlPlaneProcess({ dataFolder, databaseUrl });
}

/** The server of the data folder runs already: adopting it tells its address. */
async function embeddedUrl(): Promise<string> {
  const postgres = await startLocalPostgres({ folder: join(dataFolder, "postgres") });
  return postgres.url;
}

async function newTenant(version: string): Promise<string> {
  tenants += 1;
  const id = `t${tenants}`;
  await controlPlane.service.createTenant({ id });
  await controlPlane.service.install(id, "notes", version);
  return id;
}

function instantsOf(
  steps: readonly { position: number; name: string; status: string }[],
  scenario: Scenario,
): Instant[] {
  const found: Instant[] = [];
  for (const { position, name, status } of steps) {
    const at = (which: Instant["status"]): Instant => ({ position, step: name, status: which });
    if (!values.short) found.push(at("running"));
    if (status === "failed") found.push(at("failed"));
    else if (!values.short || scenario.status === "succeeded") found.push(at("succeeded"));
  }
  for (const { position, name, status } of steps.toReversed()) {
    if (status === "undone") found.push({ position, step: name, status: "undone" });
  }
  return [...found, { position: steps.length, step: "(end)", status: "finished" }];
}

async function crashAt(scenario: Scenario, instant: Instant, expected: TenantFacts): Promise<string[]> {
  const problems: string[] = [];
  const tenant = await newTenant(scenario.from);
  const before = await fingerprintTenant(client, tenant);
  await setBreakpoint(client, instant);
  const { id } = await controlPlane.service.start(tenant, "notes", { kind: "migrate", version: scenario.to });
  await waitForBreakpoint(client);
  await controlPlane.kill();
  await clearBreakpoints(client);
  controlPlane = await start();
  const migration = await Promise.race([
    controlPlane.service.waitForMigration(id),
    new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`${id} did not end within 60 s after the restart.`)), 60_000).unref();
    }),
  ]);
  if (migration.status !== scenario.status) {
    problems.push(`it ended ${migration.status}: ${migration.failure?.message ?? ""}`);
  }
  const facts = await inspectTenant(client, tenant);
  for (const key of Object.keys(expected) as (keyof TenantFacts)[]) {
    if (!isDeepStrictEqual(facts[key], expected[key])) {
      problems.push(`${key} is ${JSON.stringify(facts[key])}, not ${JSON.stringify(expected[key])}`);
    }
  }
  const after = await fingerprintTenant(client, tenant);
  if (scenario.status === "rolled-back" && !isDeepStrictEqual(after, before)) {
    problems.push("structure or data are not what they were before");
  }
  const leftover = await leftoverSchemas(client);
  if (leftover.length > 0) problems.push(`schemas that belong to nobody: ${leftover.join(", ")}`);
  const processes = await moduleProcesses(dataFolder);
  const commands = processes.length;
  const { items } = await controlPlane.service.listDeployments();
  const running = items.filter((deployment) => deployment.pid !== null).length;
  if (commands !== running) problems.push(`${commands} module processes run, ${running} deployments are known`);
  return problems;
}
