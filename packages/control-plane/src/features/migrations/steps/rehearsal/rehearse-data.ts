import type { FieldChoice, Version } from "@aibos/domain";
import { applyMigrations, openTenantLiveSchema, type TenantSession } from "@aibos/tenant-data";
import { RehearsalInterruptedError } from "@aibos/contract";
import type { Detail, StepKind, StepRun } from "../../migration-step.ts";
import { asTenant } from "../as-tenant.ts";
import { fillRows } from "../backfill.ts";
import { startRelease } from "../expand.ts";
import { HeldLocks, onCopy } from "./rehearsal-place.ts";

// What a migration does to the data, done to a rehearsal's copy. Nothing here is undone: the copy goes.

/** Brings the copy from one release to the next by its files. One that was interrupted at it can't be gone on with. */
export const rehearsalHop: StepKind<{ from: Version | null; to: Version; customFields?: Record<string, FieldChoice> }> =
  {
    name: "rehearsal-hop",
    title: ({ from, to }) => `rehearse: bring the data from ${from ?? "nothing"} to ${to}`,
    async outside(run) {
      const begun = await run.fenced(async (_tx, noted, note) => {
        await note({ ...noted, begun: true });
        return noted["begun"] === true;
      });
      if (begun) throw new RehearsalInterruptedError(run.migrationId);
      const migrations = await run.platform.modules.readMigrations(run.module, run.with.to);
      const customFields = new Map(Object.entries(run.with.customFields ?? {}));
      return onTheCopy(run, async (session) => {
        const applied = await applyMigrations(session, migrations, { customFields });
        return { files: applied.migrations.map(({ name }) => name), notices: applied.notices };
      });
    },
  };

/** Makes room on the copy for a release's data beside that of the one before. */
export const rehearsalExpand: StepKind<{
  from: Version;
  to: Version;
  customFields?: Record<string, FieldChoice>;
}> = {
  name: "rehearsal-expand",
  title: ({ from, to }) => `rehearse: make room for the data of ${to} beside ${from}'s`,
  outside: (run) => onTheCopy(run, (session) => startRelease(run, openTenantLiveSchema(session))),
};

export const rehearsalBackfill: StepKind<{ version: Version }> = {
  name: "rehearsal-backfill",
  title: ({ version }) => `rehearse: fill the rows that are there for ${version}`,
  outside: (run) => onTheCopy(run, (session) => fillRows(run, session)),
};

export const rehearsalContract: StepKind<{ version: Version }> = {
  name: "rehearsal-contract",
  title: ({ version }) => `rehearse: take away what only the versions before ${version} need`,
  outside: (run) =>
    onTheCopy(run, async (session) => {
      await openTenantLiveSchema(session).complete(run.with.version);
      return {};
    }),
};

/** Works on the copy as its owner, and tells which of its tables were locked. */
async function onTheCopy<With>(run: StepRun<With>, work: (session: TenantSession) => Promise<Detail>): Promise<Detail> {
  const locks = new HeldLocks();
  const detail = await asTenant(onCopy(run), work, { watcher: { lock: locks.add } });
  return { ...detail, locks: locks.list() };
}
