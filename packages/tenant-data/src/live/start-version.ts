import type { ClientBase } from "pg";
import { readCustomFields } from "../custom-fields/custom-fields.ts";
import type { OperationFile } from "../operations/parse-operations.ts";
import { invalidOperation, type OperationInvalidError } from "../operations/operation-invalid-error.ts";
import type { CustomFieldChoices, StartContext } from "../operations/start-context.ts";
import { startOperation } from "../operations/start-operation.ts";
import { addBackfillPolicies } from "./backfill-policy.ts";
import { boundReferences } from "./bound-references.ts";
import { compileLinks, modelOf } from "./compile-links.ts";
import { checkConversions } from "./check-conversions.ts";
import type { Draft } from "./draft.ts";
import { loadDraft } from "./load-draft.ts";
import { enterFilling } from "./filled-rows.ts";
import { createLiveTable, writeBackfillState, writeLiveVersion } from "./live-store.ts";
import type { LiveVersion, SchemaTask } from "./live-version.ts";
import { orphanedReferences } from "./orphaned-references.ts";
import { settleDraft } from "./settle-draft.ts";
import { replaceTriggers } from "./sync-trigger.ts";
import { createViews } from "./version-views.ts";
import { readModel } from "./version-model.ts";

/** What a version adds to the one before it. */
export interface LiveRelease {
  readonly version: string;
  /** With their numbers in the module's list of migrations. */
  readonly files: readonly (OperationFile & { readonly number: number })[];
  readonly checksum: string;
  readonly customFields: CustomFieldChoices;
}

/** How the parts of a start are done; a trial does them so that it goes on after one that fails. */
export interface StartParts {
  readonly operation: typeof startOperation;
  readonly settle: typeof settleDraft;
  readonly check: typeof checkConversions;
}

const PARTS: StartParts = { operation: startOperation, settle: settleWhole, check: checkConversions };

/** When all operations are known. */
async function settleWhole(context: StartContext): Promise<void> {
  const [orphan] = orphanedReferences(context);
  if (orphan !== undefined) throw orphan.error;
  await settleDraft(context);
  const [bound] = await boundToDraft(context);
  if (bound !== undefined) throw bound;
}

/** Foreign keys that would keep the older versions from going, when the draft is settled. */
export function boundToDraft({ client, schema, draft, where }: StartContext): Promise<OperationInvalidError[]> {
  const without = draft.tables.flatMap(({ relation, withoutConstraints }) =>
    [...withoutConstraints].map((constraint): SchemaTask => ({ do: "drop-constraint", relation, constraint })),
  );
  const completing = [...draft.pending, ...draft.completing, ...without];
  return boundReferences(client, schema, { where, model: modelOf(draft), completing });
}

/**
 * Expands the schema for a version, in the caller's transaction: columns, tables, constraints that are not checked yet,
 * and triggers. Users of the versions before it notice nothing; the new one can't be used yet.
 *
 * @param versions those that are live; none when `from` has the tables as they are
 * @throws OperationInvalidError; the caller rolls back
 */
export async function startVersion(
  client: ClientBase,
  schema: string,
  { versions, from, release }: { versions: readonly LiveVersion[]; from: string; release: LiveRelease },
  parts = PARTS,
): Promise<{ older: LiveVersion; version: LiveVersion }> {
  await createLiveTable(client, schema);
  const live = versions.length > 0 ? [...versions] : [await baseVersion(client, schema, from)];
  const older = live.at(-1);
  if (older === undefined) throw new RangeError("There is no version to start from.");
  const draft = await loadDraft(client, schema, live);
  const customFieldsOf = await readCustomFields(client, schema);
  let where = release.version;
  const contextAt = (place: string): StartContext => {
    where = place;
    return { client, schema, draft, where: place, customFields: release.customFields, customFieldsOf };
  };
  try {
    for (const file of release.files) {
      for (const [index, operation] of file.operations.entries()) {
        await parts.operation(contextAt(`${file.file}, operation ${index + 1} (${operation.kind})`), operation);
      }
    }
    await parts.settle(contextAt(where));
  } catch (error) {
    throw invalidOperation(error, where);
  }
  const model = modelOf(draft);
  const links = await compileLinks(draft, older.model);
  const version: LiveVersion = {
    version: release.version,
    position: older.position + 1,
    phase: "expanding",
    checksum: release.checksum,
    files: release.files.map(({ number, name, checksum, content }) => ({ number, name, checksum, content })),
    model,
    links,
    replacements: draft.tables.flatMap(({ relation, columns }) =>
      columns.flatMap(({ replaces, physical }) =>
        replaces === undefined || physical === undefined ? [] : [{ relation, from: replaces, to: physical }],
      ),
    ),
    finishing: draft.finishing,
    completing: [...draft.completing, ...defaultTasks(draft)],
    renaming: draft.renaming,
    undoing: draft.undoing,
    backfill: {
      relations: links.filter(({ up }) => up.length > 0).map(({ relation }) => relation),
      at: 0,
      leaf: 0,
      block: 0,
      file: 0,
      until: 0,
      rows: 0,
    },
  };
  await parts.check(client, schema, older, version);
  if (versions.length === 0) {
    await createViews(client, { schema, version: from, model: older.model });
    await writeLiveVersion(client, schema, older);
  }
  await writeLiveVersion(client, schema, version);
  await replaceTriggers(client, schema, [...live, version]);
  await addBackfillPolicies(client, schema, version);
  // What SQL of the release's own did to rows.
  await client.query(enterFilling(schema));
  const backfill = { ...version.backfill, since: await firstTransaction(client) };
  await writeBackfillState(client, schema, version.version, backfill);
  return { older, version: { ...version, backfill } };
}

/** The tables are locked and have their triggers: whoever begins from here on writes to them when those are there. */
async function firstTransaction(client: ClientBase): Promise<string> {
  const { rows } = await client.query<{ transaction: string }>(
    "select pg_snapshot_xmax(pg_current_snapshot())::text as transaction",
  );
  return rows[0]?.transaction ?? "0";
}

/** The version that has the tables as they are. */
export async function baseVersion(client: ClientBase, schema: string, version: string): Promise<LiveVersion> {
  return {
    version,
    position: 0,
    phase: "active",
    checksum: null,
    files: [],
    model: await readModel(client, schema),
    links: [],
    replacements: [],
    finishing: [],
    completing: [],
    renaming: [],
    undoing: [],
    backfill: { relations: [], at: 0, leaf: 0, block: 0, file: 0, until: 0, rows: 0 },
  };
}

/** A default of the version's own becomes the table's when the versions before it go. */
function defaultTasks(draft: Draft): SchemaTask[] {
  return draft.tables.flatMap((table) =>
    table.columns.flatMap((column): SchemaTask[] =>
      column.default === undefined || column.physical === undefined
        ? []
        : [{ do: "set-default", relation: table.relation, column: column.physical, expression: column.default }],
    ),
  );
}
