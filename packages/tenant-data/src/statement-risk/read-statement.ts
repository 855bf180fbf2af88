import { combine, constraintsOf, readAction, referenced } from "./alter-table.ts";
import { type Answer, type Finding, LOCK_LEVELS, type LockLevel, type TableEffect } from "./statement-risk.ts";
import { type Fields, listOf, nameParts, nodeOf, relationName, relationsIn, textOf } from "./syntax-tree.ts";

/** What a statement does, before the general findings are drawn from it. */
export interface Reading {
  readonly effects: readonly TableEffect[];
  readonly reversible: Answer;
  readonly inTransaction?: boolean;
  readonly findings?: readonly Finding[];
}

type Reader = (fields: Fields) => Reading | undefined;

const NOTHING: Reading = { effects: [], reversible: "yes" };

function effect(relation: string, lock: LockLevel, scans: Answer = "no", rewrites: Answer = "no"): TableEffect {
  return { relation, lock, scans, rewrites };
}

const reads = (fields: unknown, except: readonly string[] = []): TableEffect[] =>
  relationsIn(fields)
    .filter((name) => !except.includes(name))
    .map((name) => effect(name, "AccessShareLock"));

const READERS: Readonly<Record<string, Reader>> = {
  AlterTableStmt: alterTable,
  CreateStmt: createTable,
  IndexStmt: createIndex,
  DropStmt: drop,
  RenameStmt: rename,
  TruncateStmt: (fields) => ({
    effects: listOf(fields["relations"]).map((relation) => effect(rangeOf(relation), "AccessExclusiveLock")),
    reversible: "no",
    findings: [{ code: "loses-data", message: "All rows are gone." }],
  }),
  InsertStmt: (fields) => {
    const into = relationName(fields["relation"]);
    return {
      effects: [effect(into, "RowExclusiveLock"), ...reads(fields["selectStmt"], [into])],
      reversible: "unknown",
    };
  },
  UpdateStmt: (fields) => changeRows(fields, "UPDATE"),
  DeleteStmt: (fields) => changeRows(fields, "DELETE"),
  MergeStmt: (fields) => changeRows({ ...fields, whereClause: {} }, "MERGE"),
  SelectStmt: select,
  CreateTableAsStmt: (fields) => ({ effects: reads(fields["query"]), reversible: "yes" }),
  ViewStmt: (fields) => ({
    effects: [
      ...reads(fields["query"]),
      ...(fields["replace"] === true ? [effect(relationName(fields["view"]), "AccessExclusiveLock")] : []),
    ],
    reversible: fields["replace"] === true ? "unknown" : "yes",
  }),
  RefreshMatViewStmt: (fields) => ({
    effects: [
      effect(
        relationName(fields["relation"]),
        fields["concurrent"] === true ? "ExclusiveLock" : "AccessExclusiveLock",
        "no",
        fields["concurrent"] === true ? "no" : "yes",
      ),
    ],
    reversible: "yes",
  }),
  CreateTrigStmt: (fields) => ({
    effects: [effect(relationName(fields["relation"]), "ShareRowExclusiveLock")],
    reversible: "yes",
  }),
  RuleStmt: (fields) => ({
    effects: [effect(relationName(fields["relation"]), "AccessExclusiveLock")],
    reversible: "yes",
  }),
  CreatePolicyStmt: (fields) => ({
    effects: [effect(relationName(fields["table"]), "AccessExclusiveLock")],
    reversible: "yes",
  }),
  AlterPolicyStmt: (fields) => ({
    effects: [effect(relationName(fields["table"]), "AccessExclusiveLock")],
    reversible: "unknown",
  }),
  CreateStatsStmt: (fields) => ({
    effects: listOf(fields["relations"]).map((relation) => effect(rangeOf(relation), "ShareUpdateExclusiveLock")),
    reversible: "yes",
  }),
  CommentStmt: comment,
  LockStmt: (fields) => ({
    effects: listOf(fields["relations"]).map((relation) =>
      effect(rangeOf(relation), LOCK_LEVELS[Number(fields["mode"] ?? 8) - 1] ?? "AccessExclusiveLock"),
    ),
    reversible: "yes",
  }),
  ClusterStmt: (fields) => wholeTable(fields["relation"]),
  VacuumStmt: vacuum,
  ReindexStmt: reindex,
  AlterEnumStmt: (fields) => ({
    ...NOTHING,
    reversible: "no",
    findings:
      fields["newVal"] !== undefined && fields["oldVal"] === undefined
        ? [
            {
              code: "used-after-commit",
              message: `The value '${textOf(fields["newVal"])}' can be used only after this transaction, and never be taken out again.`,
              safer: "Use it in a later file.",
            },
          ]
        : [],
  }),
  AlterObjectSchemaStmt: (fields) =>
    fields["relation"] === undefined
      ? { ...NOTHING, reversible: "unknown" }
      : { effects: [effect(relationName(fields["relation"]), "AccessExclusiveLock")], reversible: "yes" },
  GrantStmt: () => NOTHING,
  CreateFunctionStmt: (fields) => ({ ...NOTHING, reversible: fields["replace"] === true ? "unknown" : "yes" }),
  AlterFunctionStmt: () => ({ ...NOTHING, reversible: "unknown" }),
  CreateSeqStmt: () => NOTHING,
  CompositeTypeStmt: () => NOTHING,
  CreateEnumStmt: () => NOTHING,
  CreateRangeStmt: () => NOTHING,
  CreateDomainStmt: () => NOTHING,
  DefineStmt: () => NOTHING,
  CreateSchemaStmt: () => NOTHING,
  VariableSetStmt: () => NOTHING,
  VariableShowStmt: () => NOTHING,
  AlterOwnerStmt: () => ({ ...NOTHING, reversible: "unknown" }),
};

/** Reads one statement; undefined for a kind that nothing is known about. */
export function readStatement(kind: string, fields: Fields): Reading | undefined {
  return Object.hasOwn(READERS, kind) ? READERS[kind]?.(fields) : undefined;
}

function alterTable(fields: Fields): Reading | undefined {
  const relation = relationName(fields["relation"]);
  if (fields["objtype"] !== "OBJECT_TABLE") return undefined;
  const actions = listOf(fields["cmds"]).map((cmd) => readAction(nodeOf(cmd)?.fields ?? {}));
  const whole = combine(actions);
  if (!whole.known) return undefined;
  return {
    effects: [effect(relation, whole.lock, whole.scans, whole.rewrites), ...whole.others],
    reversible: whole.reversible,
    inTransaction: whole.inTransaction,
    findings: whole.findings,
  };
}

function createTable(fields: Fields): Reading {
  const elements = listOf(fields["tableElts"]).flatMap((element) => nodeOf(element) ?? []);
  const columns = elements
    .filter(({ type }) => type === "ColumnDef")
    .flatMap(({ fields: column }) => constraintsOf(column));
  const constraints = elements.filter(({ type }) => type === "Constraint").map(({ fields: constraint }) => constraint);
  const self = relationName(fields["relation"]);
  const parentLock: LockLevel = fields["partbound"] === undefined ? "ShareUpdateExclusiveLock" : "AccessExclusiveLock";
  return {
    effects: [
      ...referenced([...columns, ...constraints]).filter(({ relation }) => relation !== self),
      ...listOf(fields["inhRelations"]).map((parent) => effect(rangeOf(parent), parentLock)),
    ],
    reversible: "yes",
  };
}

function createIndex(fields: Fields): Reading {
  const relation = relationName(fields["relation"]);
  const concurrent = fields["concurrent"] === true;
  if (concurrent) {
    return { effects: [effect(relation, "ShareUpdateExclusiveLock", "yes")], reversible: "yes", inTransaction: false };
  }
  return {
    effects: [effect(relation, "ShareLock", "yes")],
    reversible: "yes",
    findings: [
      {
        code: "scans-table",
        message: `An index over all rows of "${relation}" is built, while nobody can write the table.`,
        safer: "Create it concurrently, outside of a transaction.",
      },
    ],
  };
}

const DROPPED_WITH_DATA = new Set(["OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"]);
const ON_A_TABLE = new Set(["OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"]);

function drop(fields: Fields): Reading {
  const type = textOf(fields["removeType"]);
  const names = listOf(fields["objects"]).map((object) => nameParts(object));
  const concurrent = fields["concurrent"] === true;
  if (ON_A_TABLE.has(type)) {
    // The last part is the trigger's own name.
    const effects = names.map((parts) => effect(parts.slice(0, -1).join("."), "AccessExclusiveLock"));
    return { effects, reversible: "unknown" };
  }
  const isRelation = ["OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE"].includes(type);
  if (!isRelation && !DROPPED_WITH_DATA.has(type)) return { ...NOTHING, reversible: "unknown" };
  const losesData = DROPPED_WITH_DATA.has(type);
  return {
    effects: names.map((parts) =>
      effect(parts.join("."), concurrent ? "ShareUpdateExclusiveLock" : "AccessExclusiveLock"),
    ),
    reversible: losesData ? "no" : "unknown",
    inTransaction: !concurrent,
    findings: losesData
      ? [
          {
            code: "loses-data",
            message: `${names.map((parts) => `"${parts.join(".")}"`).join(", ")} and all rows are gone, and code that uses them fails.`,
            safer: "Drop it in a later release, when no version that uses it is live.",
          },
        ]
      : [],
  };
}

function rename(fields: Fields): Reading {
  const relation = relationName(fields["relation"]);
  const type = textOf(fields["renameType"]);
  if (relation === "") return { ...NOTHING, reversible: "yes" };
  const isIndex = type === "OBJECT_INDEX";
  const breaks = ["OBJECT_TABLE", "OBJECT_COLUMN", "OBJECT_VIEW", "OBJECT_MATVIEW"].includes(type);
  const was = textOf(fields["subname"]) || relation;
  return {
    effects: [effect(relation, isIndex ? "ShareUpdateExclusiveLock" : "AccessExclusiveLock")],
    reversible: "yes",
    findings: breaks
      ? [
          {
            code: "breaks-old-code",
            message: `Code that knows "${was}" fails from this moment on.`,
            safer: "Let both names be there while versions that use the old one are live.",
          },
        ]
      : [],
  };
}

function changeRows(fields: Fields, verb: "UPDATE" | "DELETE" | "MERGE"): Reading {
  const relation = relationName(fields["relation"]);
  const isAll = fields["whereClause"] === undefined;
  const others = reads(
    [fields["fromClause"], fields["usingClause"], fields["whereClause"], fields["sourceRelation"]],
    [relation],
  );
  const findings: Finding[] = [];
  if (isAll) {
    findings.push({
      code: verb === "DELETE" ? "loses-data" : "writes-all-rows",
      message: `Every row of "${relation}" is ${verb === "DELETE" ? "deleted" : "written anew and locked until the transaction ends"}.`,
      ...(verb === "DELETE" ? {} : { safer: "Write them in batches, each in a transaction of its own." }),
    });
  }
  return {
    effects: [effect(relation, "RowExclusiveLock", isAll ? "yes" : "unknown"), ...others],
    reversible: verb === "DELETE" ? "no" : "unknown",
    findings,
  };
}

function select(fields: Fields): Reading {
  const lock: LockLevel = fields["lockingClause"] === undefined ? "AccessShareLock" : "RowShareLock";
  return { effects: relationsIn(fields).map((name) => effect(name, lock)), reversible: "yes" };
}

function comment(fields: Fields): Reading {
  const parts = nameParts(fields["object"]);
  const type = textOf(fields["objtype"]);
  const ofPart = ["OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"];
  const relation = ofPart.includes(type) ? parts.slice(0, -1) : parts;
  const isRelation = ofPart.includes(type) || ["OBJECT_TABLE", "OBJECT_INDEX", "OBJECT_VIEW"].includes(type);
  return {
    effects: isRelation ? [effect(relation.join("."), "ShareUpdateExclusiveLock")] : [],
    reversible: "unknown",
  };
}

function wholeTable(relation: unknown): Reading {
  return { effects: [effect(relationName(relation), "AccessExclusiveLock", "yes", "yes")], reversible: "yes" };
}

function vacuum(fields: Fields): Reading {
  const isVacuum = fields["is_vacuumcmd"] === true;
  const full = listOf(fields["options"]).some((option) => nodeOf(option)?.fields["defname"] === "full");
  const relations = listOf(fields["rels"]).map((rel) => relationName(nodeOf(rel)?.fields["relation"]));
  const lock: LockLevel = full ? "AccessExclusiveLock" : "ShareUpdateExclusiveLock";
  return {
    effects: relations.map((relation) => effect(relation, lock, "yes", full ? "yes" : "no")),
    reversible: "yes",
    inTransaction: !isVacuum,
  };
}

function reindex(fields: Fields): Reading | undefined {
  if (fields["kind"] !== "REINDEX_OBJECT_TABLE" && fields["kind"] !== "REINDEX_OBJECT_INDEX") return undefined;
  const concurrent = listOf(fields["params"]).some((option) => nodeOf(option)?.fields["defname"] === "concurrently");
  const isIndex = fields["kind"] === "REINDEX_OBJECT_INDEX";
  const lock: LockLevel = concurrent ? "ShareUpdateExclusiveLock" : isIndex ? "AccessExclusiveLock" : "ShareLock";
  return {
    effects: [effect(relationName(fields["relation"]), lock, "yes")],
    reversible: "yes",
    inTransaction: !concurrent,
  };
}

function rangeOf(node: unknown): string {
  return relationName(nodeOf(node)?.fields);
}
