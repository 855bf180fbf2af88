import { type Answer, type Finding, type LockLevel, LOCK_LEVELS, type TableEffect } from "./statement-risk.ts";
import { type Fields, listOf, nameParts, nodeOf, relationName, textOf } from "./syntax-tree.ts";
import { isVolatile } from "./volatility.ts";

/** What one action of ALTER TABLE does. */
export interface Action {
  readonly lock: LockLevel;
  readonly rewrites: Answer;
  readonly scans: Answer;
  readonly reversible: Answer;
  /** Effects on other tables, such as the one that a foreign key refers to. */
  readonly others: readonly TableEffect[];
  readonly findings: readonly Finding[];
  readonly known: boolean;
  readonly inTransaction: boolean;
}

const QUIET: Action = {
  lock: "AccessExclusiveLock",
  rewrites: "no",
  scans: "no",
  reversible: "yes",
  others: [],
  findings: [],
  known: true,
  inTransaction: true,
};

/**
 * Actions that need nothing but their name. Lock levels are those of `AlterTableGetLockLevel` in PostgreSQL's
 * `tablecmds.c`; a test compares all of them with what a server does.
 */
const PLAIN: Readonly<Record<string, Partial<Action>>> = {
  AT_ColumnDefault: {},
  AT_DropNotNull: {},
  AT_DropExpression: { reversible: "no" },
  AT_AddIdentity: {},
  AT_SetIdentity: {},
  AT_DropIdentity: {},
  AT_SetStatistics: { lock: "ShareUpdateExclusiveLock" },
  AT_SetOptions: { lock: "ShareUpdateExclusiveLock" },
  AT_ResetOptions: { lock: "ShareUpdateExclusiveLock" },
  AT_SetStorage: {},
  AT_SetCompression: {},
  AT_ClusterOn: { lock: "ShareUpdateExclusiveLock" },
  AT_DropCluster: { lock: "ShareUpdateExclusiveLock" },
  AT_SetRelOptions: { lock: "ShareUpdateExclusiveLock" },
  AT_ResetRelOptions: { lock: "ShareUpdateExclusiveLock" },
  AT_EnableTrig: { lock: "ShareRowExclusiveLock" },
  AT_EnableAlwaysTrig: { lock: "ShareRowExclusiveLock" },
  AT_EnableReplicaTrig: { lock: "ShareRowExclusiveLock" },
  AT_DisableTrig: { lock: "ShareRowExclusiveLock" },
  AT_EnableTrigAll: { lock: "ShareRowExclusiveLock" },
  AT_DisableTrigAll: { lock: "ShareRowExclusiveLock" },
  AT_EnableTrigUser: { lock: "ShareRowExclusiveLock" },
  AT_DisableTrigUser: { lock: "ShareRowExclusiveLock" },
  AT_EnableRule: {},
  AT_DisableRule: {},
  AT_EnableRowSecurity: {},
  AT_DisableRowSecurity: {},
  AT_ForceRowSecurity: {},
  AT_NoForceRowSecurity: {},
  AT_ReplicaIdentity: {},
  AT_ChangeOwner: {},
  AT_AlterConstraint: {},
  AT_DropInherit: {},
  AT_DropOf: {},
  AT_SetExpression: { rewrites: "yes", scans: "yes", reversible: "no" },
  AT_SetLogged: { rewrites: "yes", scans: "yes" },
  AT_SetUnLogged: { rewrites: "yes", scans: "yes" },
  AT_SetAccessMethod: { rewrites: "yes", scans: "yes" },
};

/** What an action, an `AlterTableCmd`, does. An action that is not known counts as the worst. */
export function readAction(cmd: Fields): Action {
  const subtype = textOf(cmd["subtype"]);
  const plain = PLAIN[subtype];
  if (plain !== undefined) return { ...QUIET, ...plain };
  const name = textOf(cmd["name"]);
  switch (subtype) {
    case "AT_AddColumn":
      return addColumn(nodeOf(cmd["def"])?.fields ?? {});
    case "AT_DropColumn":
      return {
        ...QUIET,
        reversible: "no",
        findings: [
          {
            code: "loses-data",
            message: `The values of column "${name}" are gone, and code that uses it fails.`,
            safer: "Drop it in a later release, when no version that uses it is live.",
          },
        ],
      };
    case "AT_AlterColumnType":
      return changeType(name, nodeOf(cmd["def"])?.fields ?? {});
    case "AT_SetNotNull":
      return {
        ...QUIET,
        scans: "yes",
        findings: [
          {
            code: "scans-table",
            message: `Every row is read, while nobody can read or write the table, to see that "${name}" is not null.`,
            safer: `Add check ("${name}" is not null) not valid, validate it in its own statement, then set not null.`,
          },
        ],
      };
    case "AT_AddConstraint":
      return addConstraint(nodeOf(cmd["def"])?.fields ?? {});
    case "AT_ValidateConstraint":
      return { ...QUIET, lock: "ShareUpdateExclusiveLock", scans: "yes" };
    case "AT_DropConstraint":
      return { ...QUIET, reversible: "unknown" };
    case "AT_AddInherit":
      return { ...QUIET, scans: "no" };
    case "AT_AttachPartition":
      return attachPartition(nodeOf(cmd["def"])?.fields ?? {});
    case "AT_DetachPartition":
      return detachPartition(nodeOf(cmd["def"])?.fields ?? {});
    default:
      return { ...QUIET, rewrites: "unknown", scans: "unknown", reversible: "unknown", known: false };
  }
}

const SERIAL = new Set(["serial", "bigserial", "smallserial", "serial4", "serial8", "serial2"]);

function addColumn(column: Fields): Action {
  const name = textOf(column["colname"]);
  const type = nameParts((column["typeName"] as Fields | undefined)?.["names"]).at(-1) ?? "";
  const constraints = constraintsOf(column);
  const kinds = new Set(constraints.map((constraint) => textOf(constraint["contype"])));
  const fallback = constraints.find((constraint) => constraint["contype"] === "CONSTR_DEFAULT");
  const isStored = constraints.some(
    (constraint) => constraint["contype"] === "CONSTR_GENERATED" && constraint["generated_kind"] !== "v",
  );
  let rewrites: Answer = fallback === undefined ? "no" : isVolatile(fallback["raw_expr"]);
  if (isStored || kinds.has("CONSTR_IDENTITY") || SERIAL.has(type)) rewrites = "yes";
  const needsIndex = kinds.has("CONSTR_UNIQUE") || kinds.has("CONSTR_PRIMARY");
  const isChecked = kinds.has("CONSTR_NOTNULL") || kinds.has("CONSTR_CHECK");
  const findings: Finding[] = [];
  if (rewrites !== "no") {
    findings.push({
      code: "rewrites-table",
      message: `${rewrites === "yes" ? "Every" : "Perhaps every"} row is written anew, while nobody can read or write the table, to give "${name}" its value.`,
      safer: "Add it without the value, set the default for new rows, and fill the old ones in batches.",
    });
  }
  if (kinds.has("CONSTR_NOTNULL") && fallback === undefined && !isStored && !kinds.has("CONSTR_IDENTITY")) {
    findings.push({
      code: "breaks-old-code",
      message: `It fails when the table has rows, and code that does not know "${name}" can't insert any more.`,
      safer: "Give it a default.",
    });
  }
  return {
    ...QUIET,
    rewrites,
    scans: rewrites === "yes" || needsIndex ? "yes" : isChecked || rewrites === "unknown" ? "unknown" : "no",
    others: referenced(constraints),
    findings,
    reversible: "yes",
  };
}

function changeType(name: string, column: Fields): Action {
  const rewrites: Answer = column["raw_default"] === undefined ? "unknown" : "yes";
  return {
    ...QUIET,
    rewrites,
    scans: rewrites,
    reversible: "unknown",
    findings: [
      {
        code: "rewrites-table",
        message: `${rewrites === "yes" ? "Every row is" : "Unless the old and the new type are stored alike, every row is"} written anew, with all indexes on "${name}", while nobody can read or write the table.`,
        safer: "Add a column of the new type, fill it in batches, and let the next release use it.",
      },
    ],
  };
}

function addConstraint(constraint: Fields): Action {
  const kind = textOf(constraint["contype"]);
  const isValid = constraint["skip_validation"] !== true;
  const name = textOf(constraint["conname"]);
  const scan: Finding = {
    code: "scans-table",
    message: `Every row is checked against ${name === "" ? "the constraint" : `"${name}"`} under the lock.`,
    safer: "Add it not valid, and validate it in a statement of its own, which blocks nobody.",
  };
  const scans: Answer = isValid ? "yes" : "no";
  switch (kind) {
    case "CONSTR_FOREIGN":
      return {
        ...QUIET,
        lock: "ShareRowExclusiveLock",
        scans,
        others: referenced([constraint]),
        findings: isValid ? [scan] : [],
      };
    case "CONSTR_CHECK":
    case "CONSTR_NOTNULL":
      return { ...QUIET, scans, findings: isValid ? [scan] : [] };
    case "CONSTR_UNIQUE":
    case "CONSTR_PRIMARY":
    case "CONSTR_EXCLUSION": {
      if (constraint["indexname"] !== undefined)
        return { ...QUIET, scans: kind === "CONSTR_PRIMARY" ? "unknown" : "no" };
      const index: Finding = {
        code: "scans-table",
        message: "An index over all rows is built, while nobody can read or write the table.",
        ...(kind === "CONSTR_EXCLUSION"
          ? {}
          : { safer: "Create a unique index concurrently, then add the constraint using index." }),
      };
      return { ...QUIET, scans: "yes", findings: [index] };
    }
    default:
      return { ...QUIET, scans: "unknown", reversible: "unknown", known: false };
  }
}

function attachPartition(command: Fields): Action {
  const partition = relationName(command["name"]);
  return {
    ...QUIET,
    lock: "ShareUpdateExclusiveLock",
    others: [{ relation: partition, lock: "AccessExclusiveLock", rewrites: "no", scans: "yes" }],
    findings: [
      {
        code: "scans-table",
        message: `Every row of "${partition}" is checked against the bounds, while nobody can read or write it.`,
        safer: "Give it a check constraint with the bounds before, not valid and then validated.",
      },
    ],
  };
}

function detachPartition(command: Fields): Action {
  const partition = relationName(command["name"]);
  const concurrent = command["concurrent"] === true;
  return {
    ...QUIET,
    lock: concurrent ? "ShareUpdateExclusiveLock" : "AccessExclusiveLock",
    others: [{ relation: partition, lock: "AccessExclusiveLock", rewrites: "no", scans: "no" }],
    inTransaction: !concurrent,
  };
}

export function constraintsOf(column: Fields): Fields[] {
  return listOf(column["constraints"]).map((constraint) => nodeOf(constraint)?.fields ?? {});
}

/** The tables that foreign keys refer to: writers there wait, too. */
export function referenced(constraints: readonly Fields[]): TableEffect[] {
  return constraints
    .filter((constraint) => constraint["contype"] === "CONSTR_FOREIGN")
    .map((constraint) => ({
      relation: relationName(constraint["pktable"]),
      lock: "ShareRowExclusiveLock",
      rewrites: "no",
      scans: "no",
    }));
}

/** All actions of one ALTER TABLE as one: it takes the strongest lock for all of them. */
export function combine(actions: readonly Action[]): Action {
  const worst = (answers: readonly Answer[]): Answer =>
    answers.includes("yes") ? "yes" : answers.includes("unknown") ? "unknown" : "no";
  const least = (answers: readonly Answer[]): Answer =>
    answers.includes("no") ? "no" : answers.includes("unknown") ? "unknown" : "yes";
  return {
    lock: LOCK_LEVELS.findLast((level) => actions.some((action) => action.lock === level)) ?? "AccessExclusiveLock",
    rewrites: worst(actions.map((action) => action.rewrites)),
    scans: worst(actions.map((action) => action.scans)),
    reversible: least(actions.map((action) => action.reversible)),
    others: actions.flatMap((action) => action.others),
    findings: actions.flatMap((action) => action.findings),
    known: actions.every((action) => action.known),
    inTransaction: actions.every((action) => action.inTransaction),
  };
}
