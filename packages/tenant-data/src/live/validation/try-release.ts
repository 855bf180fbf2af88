import type { ClientBase } from "pg";
import { DomainError } from "@aibos/domain";
import { CustomFieldConflictError } from "../../custom-fields/custom-field-conflict-error.ts";
import type { Operation } from "../../operations/operation.ts";
import { invalidOperation, OperationInvalidError } from "../../operations/operation-invalid-error.ts";
import type { StartContext } from "../../operations/start-context.ts";
import { startOperation } from "../../operations/start-operation.ts";
import { type Misfit, misfits } from "../check-conversions.ts";
import { completeVersion } from "../complete-version.ts";
import type { Draft } from "../draft.ts";
import { activateVersion, largeIndexRefusal, taskFailure } from "../finish-version.ts";
import { readLiveVersions } from "../live-store.ts";
import type { LiveVersion } from "../live-version.ts";
import { orphanedReferences } from "../orphaned-references.ts";
import type { RelationFacts } from "../relation-facts.ts";
import { rollBackVersion } from "../roll-back-version.ts";
import { inOrder, runTask } from "../run-task.ts";
import { settleDraft } from "../settle-draft.ts";
import { boundToDraft, type LiveRelease, startVersion } from "../start-version.ts";
import { createViews } from "../version-views.ts";
import { mentionsAny, namesMadeBy } from "./names-made-by.ts";
import { readFacts } from "./read-facts.ts";
import type { ReleaseFinding, ReleaseFindingCode } from "./release-validation.ts";
import { sqlFindings } from "./sql-findings.ts";

/** What came out of a release on empty tables. */
export interface TriedRelease {
  readonly findings: readonly ReleaseFinding[];
  readonly older: LiveVersion;
  readonly version: LiveVersion;
  /** Tables of the version once it is active, by their names in the schema. */
  readonly facts: ReadonlyMap<string, RelationFacts>;
  /** Columns whose expression the server can't read, as JSON of table and column. */
  readonly unfit: ReadonlySet<string>;
}

/** Takes a release through its whole life in a trial schema, going on after what fails, so that all of it is told. */
export async function tryRelease(
  client: ClientBase,
  trial: string,
  { from, release, real }: { from: string; release: LiveRelease; real: ReadonlyMap<string, RelationFacts> },
): Promise<TriedRelease> {
  const findings: ReleaseFinding[] = [];
  const versions = await readLiveVersions(client, trial);
  for (const { version, phase, model } of versions) {
    if (phase === "active") await createViews(client, { schema: trial, version, model });
  }
  /** Names that operations which failed would have made; undefined when they may be any. */
  let missing: Set<string> | undefined = new Set();
  const attempt = async (code: ReleaseFindingCode, work: () => Promise<void>): Promise<boolean> => {
    const failure = await failureOf(client, work);
    if (failure !== undefined) findings.push(findingOf(code, failure));
    return failure === undefined;
  };

  const unfit = new Set<string>();
  const tellMisfit = ({ relation, column, error }: Misfit): void => {
    unfit.add(JSON.stringify([relation, column]));
    if (!findings.some(({ message }) => message === error.message))
      findings.push(findingOf("operation-invalid", error));
  };

  const operation = async (context: StartContext, one: Operation): Promise<void> => {
    sizeTables(context.draft, real);
    if (one.kind === "sql") findings.push(...(await sqlFindings(context.where, one.with.up)));
    const before = structuredClone(context.draft);
    const start = async (choices = context.customFields): Promise<void> => {
      const failure = await failureOf(
        client,
        () => startOperation({ ...context, customFields: choices }, one),
        context,
      );
      if (failure === undefined) return;
      Object.assign(context.draft, structuredClone(before));
      if (failure instanceof CustomFieldConflictError) {
        const { table, field } = failure;
        const rename = freeName(context.draft, table, field);
        findings.push({
          ...findingOf("custom-field-conflict", failure),
          where: context.where,
          table,
          column: field,
          choices: [{ adopt: true }, { rename }],
        });
        return start(new Map([...choices, [`${table}.${field}`, { rename }]]));
      }
      if (missing !== undefined && !mentionsAny(one, missing)) {
        findings.push({ ...findingOf("operation-invalid", failure), where: context.where });
      }
      const made = namesMadeBy(one);
      missing = made === undefined ? undefined : missing && new Set([...missing, ...made]);
    };
    await start();
  };

  const { older, version } = await startVersion(
    client,
    trial,
    { versions, from, release },
    {
      operation,
      settle: (context) => settleAll(client, context, { real, findings }),
      async check(...place) {
        for await (const misfit of misfits(...place)) tellMisfit(misfit);
      },
    },
  );
  for (const task of inOrder(version.finishing)) {
    if (task.do === "create-index" && real.get(task.relation)?.partitioned === true) {
      const refusal = largeIndexRefusal(version, task, real.get(task.relation)?.bytes ?? 0);
      if (refusal !== undefined) findings.push(findingOf("index-needs-lock", refusal));
    }
    await attempt("operation-invalid", () =>
      runTask(client, trial, task).catch((cause: unknown) => {
        throw taskFailure(cause, version, task);
      }),
    );
  }
  await attempt("operation-invalid", () => activateVersion(client, trial, version));
  const facts = await readFacts(client, trial, version);
  // Now that the views are there, those that read other tables through them, too.
  for await (const misfit of misfits(client, trial, older, version)) tellMisfit(misfit);
  if (!findings.some(({ severity }) => severity === "error")) {
    const live = await readLiveVersions(client, trial);
    const active = live.find((one) => one.version === version.version) ?? version;
    for (const [code, end] of [
      ["rollback-fails", rollBackVersion],
      ["complete-fails", completeVersion],
    ] as const) {
      await client.query("savepoint ending");
      await attempt(code, () => end(client, trial, live, active));
      await client.query("rollback to savepoint ending; release savepoint ending");
    }
  }
  return { findings, older, version, facts, unfit };
}

/** Does something behind a savepoint. @returns why it could not be done; what is no matter of the release is thrown */
async function failureOf(
  client: ClientBase,
  work: () => Promise<void>,
  context?: StartContext,
): Promise<DomainError | undefined> {
  await client.query("savepoint attempt");
  try {
    await work();
    await client.query("release savepoint attempt");
    return undefined;
  } catch (error) {
    const failure = invalidOperation(error, context?.where ?? "The release");
    if (!(failure instanceof DomainError)) throw failure;
    await client.query("rollback to savepoint attempt; release savepoint attempt");
    return failure;
  }
}

function findingOf(code: ReleaseFindingCode, error: DomainError): ReleaseFinding {
  const where = error instanceof OperationInvalidError ? { where: error.where } : {};
  return { code, severity: "error", message: error.message, ...where };
}

/** The tables of a trial are empty: what is refused for its size is refused for that of the real ones. */
function sizeTables(draft: Draft, real: ReadonlyMap<string, RelationFacts>): void {
  for (const table of draft.tables) {
    const bytes = real.get(table.relation)?.bytes;
    if (table.facts !== undefined && bytes !== undefined) table.facts = { ...table.facts, bytes };
  }
}

/** Settles a draft; where that fails, table by table to find all that is wrong, and then what is left. */
async function settleAll(
  client: ClientBase,
  context: StartContext,
  { real, findings }: { real: ReadonlyMap<string, RelationFacts>; findings: ReleaseFinding[] },
): Promise<void> {
  const { draft } = context;
  sizeTables(draft, real);
  for (const { table, constraint, error } of orphanedReferences(context)) {
    findings.push(findingOf("operation-invalid", error));
    table.withoutConstraints.add(constraint);
  }
  const before = structuredClone(draft);
  const settle = (without: (relation: string) => boolean): Promise<DomainError | undefined> => {
    Object.assign(draft, structuredClone(before));
    for (const table of draft.tables) if (without(table.relation)) leaveUnmade(table);
    return failureOf(client, () => settleDraft(context), context);
  };
  const together = await settle(() => false);
  if (together === undefined) {
    for (const bound of await boundToDraft(context)) findings.push(findingOf("operation-invalid", bound));
    return;
  }
  const failures = new Map<string, DomainError>();
  for (const { relation } of before.tables) {
    await client.query("savepoint alone");
    const failure = await settle((other) => other !== relation);
    await client.query("rollback to savepoint alone; release savepoint alone");
    if (failure !== undefined) failures.set(relation, failure);
  }
  const told = failures.size === 0 ? [together] : failures.values();
  for (const failure of told) findings.push(findingOf("operation-invalid", failure));
  await settle((relation) => failures.size === 0 || failures.has(relation));
}

/** Leaves out what a release makes of a table that was there. */
function leaveUnmade(table: Draft["tables"][number]): void {
  table.columns = table.columns.filter(({ physical, replaces }) => physical !== undefined && replaces === undefined);
  table.constraints = [];
  table.indexes = [];
  table.stages = [];
}

/** A name for a tenant's field that its table does not have. */
function freeName(draft: Draft, table: string, field: string): string {
  const taken = new Set(draft.tables.find(({ name }) => name === table)?.columns.map(({ name }) => name));
  for (let number = 1; ; number += 1) {
    const name = `own_${field.slice(0, 50)}${number === 1 ? "" : `_${number}`}`;
    if (!taken.has(name)) return name;
  }
}
