import type { FieldChoice, Version } from "@aibos/domain";
import { mergeAtHop, undoMergeAtHop } from "../../customizations/carry-customizations.ts";
import { forgetConflicts } from "../../customizations/open-conflicts.ts";
import type { StepKind } from "../migration-step.ts";

interface Merge {
  readonly from: Version;
  readonly to: Version;
  /** False: the tenant starts with the new version's defaults. */
  readonly preserve: boolean;
  /** What the data's changes did with the tenant's own columns. */
  readonly customFields?: Record<string, FieldChoice>;
}

/**
 * Merges the tenant's customisations with the new release's defaults and stores them for it; what the tenant has of the
 * old version stays as it is, for going back. A conflict that nobody decided fails the step.
 */
export const mergeCustomizations: StepKind<Merge> = {
  name: "merge-customizations",
  title: ({ from, to, preserve }) =>
    preserve ? `merge customisations of ${from} with the defaults of ${to}` : `begin with the defaults of ${to}`,
  async inside(tx, run) {
    const { tenant, module, migrationId } = run;
    const detail = await mergeAtHop(tx.db, { tenant, module }, { ...run.with, migrationId });
    await forgetConflicts(tx.db, { tenant, module });
    return { detail };
  },
  async undoInside(tx, { tenant, module, migrationId, with: { to } }) {
    await undoMergeAtHop(tx.db, { tenant, module }, to, migrationId);
  },
};
