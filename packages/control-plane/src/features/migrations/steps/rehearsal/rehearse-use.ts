import { DomainError, formatPath, type Version } from "@aibos/domain";
import {
  assertSameHistory,
  compareStructures,
  fingerprintSchema,
  grantTenant,
  historyOf,
  readHistory,
} from "@aibos/tenant-data";
import { previewCarrying } from "../../../customizations/carry-customizations.ts";
import { planCarriedFlags } from "../../../feature-flags/carry-flags.ts";
import type { Detail, StepKind, StepRun } from "../../migration-step.ts";
import { onCopy, rehearsalPlace } from "./rehearsal-place.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** So many lines tell what differs between the structures. */
const LINES = 100;

/**
 * Looks what would become of the tenant's customisations and flags. A conflict stops nothing here: all of them are told,
 * and processes that read customisations on the copy find those that could be carried.
 */
export const rehearsalConflicts: StepKind<{ path: Version[] }> = {
  name: "rehearsal-conflicts",
  title: () => "look for conflicts of customisations and flags",
  async inside(tx, run) {
    const { tenant, module } = run;
    const { path } = run.with;
    const [from, to] = [path[0], path.at(-1)];
    if (from === undefined || to === undefined) return { detail: { conflicts: [] } };
    const carried = await previewCarrying(tx.db, { tenant, module }, path, { writeLast: true });
    const contents = Object.fromEntries(
      carried.flatMap(({ name, to: at, target, content }) =>
        at === to && target !== undefined && content !== undefined ? [[name, content]] : [],
      ),
    );
    await tx.db
      .updateTable("rehearsals")
      .set({ contents: JSON.stringify(contents) })
      .where("migration_id", "=", run.migrationId)
      .execute();
    const customisations = carried.flatMap(({ name, from: at, to: next, conflicts }) =>
      conflicts.map(({ kind, path: place }) => ({
        kind: "customisation",
        name,
        message: `from ${at} to ${next}${place.length === 0 ? "" : `, at ${formatPath(place)}`}: ${kind}`,
      })),
    );
    const between = path.slice(1, -1);
    const { outcome } = await planCarriedFlags(tx, { tenant, module, from, to, between });
    const flags = outcome.conflicts.map(({ flag, user, reason }) => ({
      kind: "flag",
      name: flag,
      message: user === undefined ? reason : `of user ${user}: ${reason}`,
    }));
    return { detail: { conflicts: [...customisations, ...flags] } };
  },
};

/** Lets versions reach the copy and asks whether they can serve it. What does not is told, and stops nothing. */
export const rehearsalProbe: StepKind<{ versions: { version: Version; dataVersion: Version }[]; when: string }> = {
  name: "rehearsal-probe",
  title: ({ versions, when }) =>
    `ask ${versions.map(({ version }) => version).join(", ")} whether the copy can be served${when === "" ? "" : ` ${when}`}`,
  async outside(run) {
    const checks: Check[] = [];
    for (const subject of run.with.versions) {
      const name = `${subject.version} serves the copy${run.with.when === "" ? "" : ` ${run.with.when}`}`;
      checks.push(await checked(name, () => ask(run, subject)));
    }
    return { checks };
  },
};

async function ask(run: StepRun<unknown>, subject: { version: Version; dataVersion: Version }): Promise<string> {
  const { module, platform } = run;
  const name = { module, version: subject.version };
  const versionRole = platform.deployments.roleOf(name);
  const url = await platform.deployments.ensure(name);
  await run.fenced(({ client }) => grantTenant(client, { tenantRole: rehearsalPlace(run).role, versionRole }));
  const { path, ms } = await platform.probe.check(onCopy(run), subject, url);
  return `${path} answered in ${ms} ms`;
}

/** Compares the copy with what it was copied from, and its history with the release's. */
export const rehearsalCompare: StepKind<{ version: Version }> = {
  name: "rehearsal-compare",
  title: () => "compare the data with what it was before",
  isolation: "repeatable read",
  async inside(tx, run) {
    const copy = rehearsalPlace(run);
    const owned = { schema: run.schema, owner: run.role };
    const structure = await compareStructures(tx.client, owned, { schema: copy.schema, owner: copy.role });
    const { tables } = await fingerprintSchema(tx.client, copy.schema);
    const migrations = await run.platform.modules.readMigrations(run.module, run.with.version);
    const applied = await readHistory(tx.client, copy.schema);
    const check = await checked("the data's history is the release's", async () => {
      assertSameHistory(applied, historyOf(migrations));
      if (applied.length !== migrations.length || applied.some(({ finished }) => !finished)) {
        throw new DomainHistoryError(applied.length, migrations.length);
      }
      return `${applied.length} migrations`;
    });
    const detail: Detail = {
      checks: [check],
      tables,
      structure: structure.slice(0, LINES),
      structureLines: structure.length,
    };
    return { detail };
  },
};

class DomainHistoryError extends DomainError {
  readonly code = "AIBOS_MIGRATION_DRIFT";
  constructor(applied: number, wanted: number) {
    super(`The copy went through ${applied} of ${wanted} migrations.`);
  }
}

async function checked(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await look() };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { name, ok: false, detail: error.message };
  }
}
