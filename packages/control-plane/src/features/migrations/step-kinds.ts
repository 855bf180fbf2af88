import type { StepKind } from "./migration-step.ts";
import { backfill } from "./steps/backfill.ts";
import { carryFlags } from "./steps/carry-flags.ts";
import { confirm } from "./steps/confirm.ts";
import { contract } from "./steps/contract.ts";
import { countWrites } from "./steps/count-writes.ts";
import { createSchema } from "./steps/create-schema.ts";
import { deploy } from "./steps/deploy.ts";
import { drain } from "./steps/drain.ts";
import { expand } from "./steps/expand.ts";
import { grant } from "./steps/grant.ts";
import { hold } from "./steps/hold.ts";
import { hop } from "./steps/hop.ts";
import { observe } from "./steps/observe.ts";
import { mergeCustomizations } from "./steps/merge-customizations.ts";
import { probe } from "./steps/probe.ts";
import { rehearsalCopy, rehearsalDrop } from "./steps/rehearsal/rehearsal-copy.ts";
import {
  rehearsalBackfill,
  rehearsalContract,
  rehearsalExpand,
  rehearsalHop,
} from "./steps/rehearsal/rehearse-data.ts";
import { rehearsalCompare, rehearsalConflicts, rehearsalProbe } from "./steps/rehearsal/rehearse-use.ts";
import { restoreData } from "./steps/restore-data.ts";
import { rollBackData } from "./steps/roll-back-data.ts";
import { rollbackPoint } from "./steps/rollback-point.ts";
import { route } from "./steps/route.ts";
import { stageBackup } from "./steps/stage-backup.ts";
import { settleData } from "./steps/settle-data.ts";
import { undoData } from "./steps/undo-data.ts";
import { sweepTries, writeBackup } from "./steps/write-backup.ts";
import { validate } from "./steps/validate.ts";

const KINDS = [
  validate,
  deploy,
  hold,
  drain,
  countWrites,
  rollbackPoint,
  createSchema,
  hop,
  expand,
  backfill,
  mergeCustomizations,
  contract,
  rollBackData,
  settleData,
  undoData,
  restoreData,
  carryFlags,
  grant,
  probe,
  route,
  confirm,
  observe,
  writeBackup,
  sweepTries,
  stageBackup,
  rehearsalCopy,
  rehearsalHop,
  rehearsalExpand,
  rehearsalBackfill,
  rehearsalConflicts,
  rehearsalProbe,
  rehearsalContract,
  rehearsalCompare,
  rehearsalDrop,
];

/** A step's kind by the name under which plans keep it. */
export function stepKind(name: string): StepKind<unknown> {
  const kind = KINDS.find((candidate) => candidate.name === name);
  if (kind === undefined) throw new RangeError(`No step is called "${name}": a newer program made this plan.`);
  return kind;
}
