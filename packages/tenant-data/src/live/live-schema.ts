import { createHash } from "node:crypto";
import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import type { OperationFile } from "../operations/parse-operations.ts";
import type { CustomFieldChoices } from "../operations/start-context.ts";
import { backfillVersion, type BackfillPace, type BackfillProgress } from "./backfill.ts";
import { completeVersion } from "./complete-version.ts";
import { countDiscarded, type DiscardedValues } from "./count-discarded.ts";
import { finishVersion } from "./finish-version.ts";
import { assertUnchanged } from "./assert-unchanged.ts";
import { readLiveVersions } from "./live-store.ts";
import type { LiveVersion, SchemaTask, VersionPhase } from "./live-version.ts";
import { DEFAULT_PATIENCE, inLockedTransaction, type LockPatience } from "./lock-retry.ts";
import { nextTransaction, readRowChange, readRowCounts, type RowChange } from "./row-change.ts";
import { rollBackVersion } from "./roll-back-version.ts";
import { useSchema } from "./search-path.ts";
import { mayCreateSchemas } from "./may-create-schemas.ts";
import { refusalToStart } from "./refusal-to-start.ts";
import { type LiveRelease, startVersion } from "./start-version.ts";
import type { ReleaseValidation, ValidationBudget } from "./validation/release-validation.ts";
import { validateRelease } from "./validation/validate-release.ts";
import { DataVersionNotLiveError } from "./data-version-not-live-error.ts";
import { dropVersionSchema, viewSchemaName } from "./version-views.ts";

export interface LiveSchemaOptions {
  /**
   * A session of its own whose user owns the schema. It is used one statement after the other and must not be in a
   * transaction.
   */
  readonly client: ClientBase;
  /** The schema with the tables. */
  readonly schema: string;
  /** Makes a schema that the session's user owns, where the user may not. @default `create schema` by the session */
  readonly createSchema?: (name: string) => Promise<void>;
  /** Called first in each transaction; throws when somebody else has taken over. */
  readonly fence?: () => Promise<void>;
  readonly patience?: Partial<LockPatience>;
  readonly rowChanges?: RowChanges;
}

/** For who counts what users wrote: rows that SQL of a release's author changes are nobody's writes. */
export interface RowChanges {
  /** Before such SQL runs in place of users' rows: what they wrote until now can still be counted. In no transaction. */
  expected?(): Promise<void>;
  /**
   * Last in the transaction that changed rows, before it commits, so that what is written down here can't be lost; the
   * transaction may yet be taken back, and what it did be told once more of another one.
   */
  made(change: RowChange): Promise<void>;
}

export interface RollbackOptions {
  /**
   * Called with what is discarded in the transaction that takes the version away, before it commits, so that what is
   * written down here can't be lost; the transaction may yet be taken back, and tried again.
   */
  readonly report?: (discarded: readonly DiscardedValues[]) => Promise<void>;
}

/** A release as the engine takes it: the migration files that it adds, in order. */
export interface Release {
  readonly version: string;
  /** `number` is a file's in the module's list of migrations; counted from 1 where there is none. */
  readonly files: readonly (OperationFile & { readonly number?: number })[];
  readonly customFields?: CustomFieldChoices;
}

/** A version of the data that can be used, or is on its way. */
export interface LiveVersionStatus {
  readonly version: string;
  readonly phase: VersionPhase;
  /** Schema of its views. */
  readonly views: string;
}

/**
 * Several versions of one schema's tables, live and writable at once.
 *
 *   start      expands the schema; users of the versions before it notice nothing
 *   backfill   fills the rows that were there, checks constraints, and makes the version active: it may be used
 *   complete   the versions before it go
 *   rollback   it goes, and those after it; what was written through it stays in the older versions' columns
 *
 * Each can be killed at any instant and run again. While more than one version is live, users put the version's view
 * schema in front of the schema in their search path and say in `aibos.version` which version they are.
 */
export interface LiveSchema {
  /** Oldest first; none while one version has the tables as they are. */
  versions(): Promise<LiveVersionStatus[]>;
  /**
   * @param from the version that has the data now: the newest that is live
   * @throws OperationInvalidError, CustomFieldConflictError, MigrationDriftError, LockNotGrantedError
   */
  start(from: string, release: Release): Promise<void>;
  /**
   * Tells everything that would stop the release, and what is to be known before, without changing anything: nothing is
   * left behind, and nobody who reads or writes waits.
   */
  validate(from: string, release: Release, budget?: ValidationBudget): Promise<ReleaseValidation>;
  /** @throws ConversionFailedError, OperationInvalidError, LockNotGrantedError; the version stays invisible */
  backfill(version: string, pace?: BackfillPace): AsyncIterable<BackfillProgress>;
  complete(version: string): Promise<void>;
  /** @returns what only the versions that went could hold; nothing when it is gone already */
  rollback(version: string, options?: RollbackOptions): Promise<DiscardedValues[]>;
}

export function openLiveSchema(options: LiveSchemaOptions): LiveSchema {
  const { client, schema, fence = () => Promise.resolve(), rowChanges } = options;
  const patience = { ...DEFAULT_PATIENCE, ...options.patience };
  const createSchema =
    options.createSchema ??
    (async (name: string): Promise<void> => {
      await client.query(`create schema if not exists ${quoteIdentifier(name)}`);
    });

  /** Makes the schemas of versions' views, where they are not there. */
  async function makeViewSchemas(versions: readonly string[]): Promise<void> {
    for (const name of versions.map((version) => viewSchemaName(schema, version))) {
      const { rowCount } = await client.query("select from pg_namespace where nspname = $1", [name]);
      if (rowCount === 0) await createSchema(name);
    }
  }

  /** Schemas that were made for the views of versions which are not live: a start that failed, or was killed, left them. */
  async function dropUnused(names: readonly string[]): Promise<void> {
    await inLockedTransaction(client, "Dropping schemas for views", patience, async () => {
      await fence();
      const versions = await readLiveVersions(client, schema);
      for (const name of names) {
        if (versions.some(({ version }) => version === name)) continue;
        await dropVersionSchema(client, schema, name);
      }
    });
  }

  /** Does the work of a transaction, and tells last of the rows that it changed. */
  async function tellRowChange(work: (locked: () => Promise<void>) => Promise<unknown>): Promise<void> {
    if (rowChanges === undefined) {
      await work(() => Promise.resolve());
      return;
    }
    const before = await readRowCounts(client, schema);
    let alone: string | undefined;
    await work(async () => {
      alone = await nextTransaction(client);
    });
    const change = await readRowChange(client, schema, { before, alone });
    if (change !== undefined) await rowChanges.made(change);
  }

  async function expectRowChanges(tasks: readonly SchemaTask[]): Promise<void> {
    if (tasks.some((task) => task.do === "run-sql")) await rowChanges?.expected?.();
  }

  async function live(version: string): Promise<{ versions: LiveVersion[]; found: LiveVersion | undefined }> {
    const versions = await readLiveVersions(client, schema);
    return { versions, found: versions.find((one) => one.version === version) };
  }

  return {
    async versions() {
      const versions = await readLiveVersions(client, schema);
      return versions.map(({ version, phase }) => ({ version, phase, views: viewSchemaName(schema, version) }));
    },

    async validate(from, release, budget = {}) {
      await useSchema(client, schema);
      return validateRelease(client, schema, {
        from,
        release: liveRelease(release),
        budget,
        patience,
        createSchema,
      });
    },

    async start(from, release) {
      await useSchema(client, schema);
      const wanted = liveRelease(release);
      const itself = options.createSchema === undefined && (await mayCreateSchemas(client));
      const names = [from, release.version];
      if (!itself) await makeViewSchemas(names);
      await inLockedTransaction(client, `Starting ${release.version}`, patience, async () => {
        await fence();
        const { versions, found } = await live(release.version);
        if (found !== undefined) {
          assertUnchanged(found, wanted.files, wanted.checksum);
          return;
        }
        const refusal = refusalToStart(versions, from);
        if (refusal !== undefined) throw refusal;
        if (itself) await makeViewSchemas(names);
        await tellRowChange(() => startVersion(client, schema, { versions, from, release: wanted }));
      }).catch(async (error: unknown) => {
        if (!itself) await dropUnused(names).catch(() => undefined);
        throw error;
      });
    },

    async *backfill(version, pace = {}) {
      await useSchema(client, schema);
      const { found } = await live(version);
      if (found === undefined) throw new DataVersionNotLiveError(version, "it was not started");
      if (found.phase === "active") return;
      const filled = yield* backfillVersion(client, schema, found, { pace, patience, fence });
      await finishVersion(client, schema, filled, { patience, fence, exclusive: false });
    },

    async complete(version) {
      await useSchema(client, schema);
      const before = await live(version);
      const steps = before.versions.filter(({ position }) => position <= (before.found?.position ?? 0));
      await expectRowChanges(steps.flatMap(({ completing }) => completing));
      await inLockedTransaction(client, `Completing ${version}`, patience, async () => {
        await fence();
        const { versions, found } = await live(version);
        // With a single version there is nothing to do, and nothing that says which one it is.
        if (versions.length === 0 || found?.position === 0) return;
        if (found === undefined) throw new DataVersionNotLiveError(version, "it was not started");
        if (found.phase !== "active") throw new DataVersionNotLiveError(version, "its rows are not filled yet");
        await tellRowChange((locked) => completeVersion(client, schema, versions, found, locked));
      });
    },

    async rollback(version, { report } = {}) {
      await useSchema(client, schema);
      const { versions, found } = await live(version);
      const leaving = versions.filter(({ position }) => found !== undefined && position >= found.position);
      await expectRowChanges(leaving.flatMap(({ undoing }) => undoing));
      const discarded = found === undefined ? [] : await countDiscarded(client, schema, versions, found);
      await inLockedTransaction(client, `Rolling back ${version}`, patience, async () => {
        await fence();
        const now = await live(version);
        if (now.found === undefined) {
          await dropVersionSchema(client, schema, version);
          return;
        }
        if (now.found.position === 0)
          throw new DataVersionNotLiveError(version, "it is the oldest version, and has none to go back to");
        const gone = now.found;
        await tellRowChange((locked) => rollBackVersion(client, schema, now.versions, gone, locked));
        await report?.(discarded);
      });
      return discarded;
    },
  };
}

function liveRelease({ version, files, customFields = new Map() }: Release): LiveRelease {
  return {
    version,
    files: files.map((file, index) => ({ ...file, number: file.number ?? index + 1 })),
    checksum: checksumOf(files),
    customFields,
  };
}

function checksumOf(files: readonly OperationFile[]): string {
  const hash = createHash("sha256");
  for (const { name, checksum } of files) hash.update(`${name}\0${checksum}\n`);
  return hash.digest("hex");
}
