import type { FieldChoice, Version } from "@aibos/domain";
import { type LiveSchema, releaseFiles } from "@aibos/tenant-data";
import { carryWrites, discountFilled } from "../../rollback-points/counted-writes.ts";
import type { Detail, StepKind, StepRun } from "../migration-step.ts";
import { setDataVersion } from "../set-data-version.ts";
import { asTenant } from "./as-tenant.ts";
import { openLiveData } from "./open-live-data.ts";

interface Expansion {
  from: Version;
  to: Version;
  /** What becomes of the tenant's own columns whose names the release takes, by `table.column`. */
  customFields?: Record<string, FieldChoice>;
}

/**
 * Makes room for a release's data beside that of the versions that serve, which notice nothing. Undone, it goes again,
 * with nothing lost that the older versions can hold.
 */
export const expand: StepKind<Expansion> = {
  name: "expand",
  // What was written until now is counted in one snapshot, before rows are filled in whose place it stood.
  isolation: "repeatable read",
  title: ({ from, to }) => `make room for the data of ${to} beside ${from}'s`,
  outside: (run) => asTenant(run, (session) => startRelease(run, openLiveData(run, session))),
  async inside(tx, run, found) {
    await discountFilled(tx, run);
    await carryWrites(tx, run);
    await setDataVersion(tx, run, run.with.to);
    return { detail: found };
  },
  async undoInside(tx, run) {
    await discountFilled(tx, run);
    await setDataVersion(tx, run, run.with.from);
  },
  async undoOutside(run) {
    await asTenant(run, (session) => openLiveData(run, session).rollback(run.with.to));
  },
};

/** Starts a release of operations on data, wherever it is. */
export async function startRelease(run: StepRun<Expansion>, live: LiveSchema): Promise<Detail> {
  const { from, to, customFields = {} } = run.with;
  const { modules } = run.platform;
  const known = (await modules.readMigrations(run.module, from)).length;
  const added = (await modules.readMigrations(run.module, to)).slice(known);
  const operations = added.filter((migration) => migration.kind === "operations");
  await live.start(from, {
    version: to,
    files: releaseFiles(operations),
    customFields: new Map(Object.entries(customFields)),
  });
  return { to, files: operations.map(({ name }) => name) };
}
