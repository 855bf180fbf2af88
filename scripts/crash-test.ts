import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import pg from "pg";
import type { OperationInput } from "@aibos/contract";
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

// Kills the control plane with SIGKILL at every step of every kind of operation, of those that succeed and those that
// fail and are undone, starts it again and looks at everything. With DATABASE_URL it uses that server, else the embedded PostgreSQL of a
// temporary data folder, and with --own-server a second one that it starts as a server. --short takes the instants that
// change something.

const { values } = parseArgs({
  options: { short: { type: "boolean", default: false }, "own-server": { type: "boolean", default: false } },
});
const dataFolder = await realpath(await mkdtemp(join(tmpdir(), "aibos-crash-")));
const server = values["own-server"] ? await startLocalPostgres({ folder: join(dataFolder, "server") }) : undefined;
const databaseUrl = server?.url ?? (process.env["DATABASE_URL"] || undefined);
const say = (text: string): void => console.log(text);

/** What a tenant is brought to, what is asked for then, and how that must end. */
interface Scenario {
  readonly name: string;
  readonly prepare: (tenant: string) => Promise<unknown>;
  readonly operation: OperationInput;
  readonly status: "succeeded" | "rolled-back" | "failed";
  /** Steps whose instants the short form takes. */
  readonly short: readonly string[];
}

const install = (version: string) => (tenant: string) => controlPlane.service.install(tenant, "notes", version);
async function sideBySide(tenant: string): Promise<void> {
  await install("1.0.0")(tenant);
  await controlPlane.service.enableSideBySideVersions(tenant, "notes", "1.1.0");
  await controlPlane.service.updateTrafficSplit(tenant, "notes", { "1.0.0": 50, "1.1.0": 50 });
}
async function liveSideBySide(tenant: string): Promise<void> {
  await install("2.0.0")(tenant);
  await controlPlane.service.enableSideBySideVersions(tenant, "notes", "2.2.0");
  await controlPlane.service.updateTrafficSplit(tenant, "notes", { "2.0.0": 50, "2.2.0": 50 });
}
async function migrated(tenant: string): Promise<void> {
  await install("1.1.0")(tenant);
  await controlPlane.service.migrateTenant(tenant, "notes", "2.0.0");
}

const LIVE_CHANGES = ["expand", "backfill", "route", "drain", "contract", "roll-back-data"];
const CHANGES = ["hop", "create-schema", "restore-data", "undo-data", "route", "drain"];
const SCENARIOS: readonly Scenario[] = [
  {
    name: "a migration over two releases",
    prepare: install("1.0.0"),
    operation: { kind: "migrate", version: "2.0.0" },
    status: "succeeded",
    short: [],
  },
  {
    name: "a migration whose last release fails and is undone",
    prepare: install("1.1.0"),
    operation: { kind: "migrate", version: "2.1.0" },
    status: "rolled-back",
    short: [],
  },
  {
    name: "a migration whose last release fails and that stays at the one before",
    prepare: install("1.1.0"),
    operation: { kind: "migrate", version: "2.1.0", rollbackOnFailure: false },
    status: "failed",
    short: ["route"],
  },
  {
    name: "an installation",
    prepare: async () => undefined,
    operation: { kind: "install", version: "1.1.0" },
    status: "succeeded",
    short: CHANGES,
  },
  {
    name: "an installation that fails and is undone",
    prepare: async () => undefined,
    operation: { kind: "install", version: "2.1.0" },
    status: "rolled-back",
    short: CHANGES,
  },
  {
    name: "a second version beside the first",
    prepare: install("1.0.0"),
    operation: { kind: "side-by-side", version: "1.1.0" },
    status: "succeeded",
    short: CHANGES,
  },
  {
    name: "the end of side by side",
    prepare: sideBySide,
    operation: { kind: "complete", version: "1.1.0" },
    status: "succeeded",
    short: CHANGES,
  },
  {
    name: "a rollback out of side by side",
    prepare: sideBySide,
    operation: { kind: "rollback" },
    status: "succeeded",
    short: CHANGES,
  },
  {
    name: "a rollback to a rollback point",
    prepare: migrated,
    operation: { kind: "rollback" },
    status: "succeeded",
    short: CHANGES,
  },
  {
    name: "a migration along two live releases",
    prepare: install("2.0.0"),
    operation: { kind: "migrate", version: "2.3.0" },
    status: "succeeded",
    short: LIVE_CHANGES,
  },
  {
    name: "a migration to a live release whose process can't serve, which is undone",
    prepare: install("2.2.0"),
    operation: { kind: "migrate", version: "3.1.0" },
    status: "rolled-back",
    short: [],
  },
  {
    name: "a second version with data of its own beside the first",
    prepare: install("2.0.0"),
    operation: { kind: "side-by-side", version: "2.2.0" },
    status: "succeeded",
    short: [],
  },
  {
    name: "the end of side by side with data of their own",
    prepare: liveSideBySide,
    operation: { kind: "complete", version: "2.2.0" },
    status: "succeeded",
    short: [],
  },
  {
    name: "a rollback of a version with data of its own",
    prepare: liveSideBySide,
    operation: { kind: "rollback" },
    status: "succeeded",
    short: LIVE_CHANGES,
  },
  {
    name: "a rollback point",
    prepare: install("1.1.0"),
    operation: { kind: "rollback-point", version: "1.1.0", reason: "the crash test" },
    status: "succeeded",
    short: [],
  },
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
    const calm = await newTenant(scenario);
    const before = await inspectTenant(client, calm);
    const started = await controlPlane.service.start(calm, "notes", scenario.operation);
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
  await server?.stop();
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

async function newTenant({ prepare }: Scenario): Promise<string> {
  tenants += 1;
  const id = `t${tenants}`;
  await controlPlane.service.createTenant({ id });
  await prepare(id);
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
    else if (!values.short || isShort(scenario, name)) found.push(at("succeeded"));
  }
  for (const { position, name, status } of steps.toReversed()) {
    if (status === "undone") found.push({ position, step: name, status: "undone" });
  }
  return [...found, { position: steps.length, step: "(end)", status: "finished" }];
}

/** The short form takes every step of the first scenario, and those that change something of the others. */
function isShort(scenario: Scenario, step: string): boolean {
  return scenario === SCENARIOS[0] || scenario.short.includes(step);
}

async function crashAt(scenario: Scenario, instant: Instant, expected: TenantFacts | undefined): Promise<string[]> {
  const problems: string[] = [];
  const tenant = await newTenant(scenario);
  const before = await fingerprintTenant(client, tenant);
  await setBreakpoint(client, instant);
  const { id } = await controlPlane.service.start(tenant, "notes", scenario.operation);
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
  for (const key of Object.keys({ ...expected, ...facts }) as (keyof TenantFacts)[]) {
    if (!isDeepStrictEqual(facts?.[key], expected?.[key])) {
      problems.push(`${key} is ${JSON.stringify(facts?.[key])}, not ${JSON.stringify(expected?.[key])}`);
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
