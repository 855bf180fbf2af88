import type { ClientBase } from "pg";
import { DomainError } from "@aibos/domain";
import { quoteIdentifier } from "../../quote-identifier.ts";
import { CopyUnsupportedError } from "../../schema-copy/copy-unsupported-error.ts";
import { withSettings } from "../../with-settings.ts";
import { assertUnchanged } from "../assert-unchanged.ts";
import { readLiveVersions } from "../live-store.ts";
import type { LiveVersion } from "../live-version.ts";
import type { LockPatience } from "../lock-retry.ts";
import type { RelationFacts } from "../relation-facts.ts";
import { baseVersion, type LiveRelease } from "../start-version.ts";
import { refusalToStart } from "../refusal-to-start.ts";
import { checkRows, type ReferencedRows } from "./check-rows.ts";
import { inTrialSchema } from "./in-trial-schema.ts";
import { firingTriggers, tablesInUse } from "./present-hints.ts";
import { readFacts } from "./read-facts.ts";
import type { ReleaseFinding, ReleaseValidation, TableWork, ValidationBudget } from "./release-validation.ts";
import { type RowsAsVersion, rowsAsVersion } from "./rows-as-version.ts";
import { rowsToLookAt } from "./rows-to-look-at.ts";
import { type TriedRelease, tryRelease } from "./try-release.ts";

const DEFAULTS = { rowLimit: 100_000, sampleRows: 10_000, timeMs: 30_000, longSeconds: 5 } as const;

export interface ReleaseToValidate {
  readonly from: string;
  readonly release: LiveRelease;
  readonly budget: ValidationBudget;
  readonly patience: LockPatience;
  readonly createSchema: (name: string) => Promise<void>;
}

/**
 * Tells all that stands in a release's way, and what is to be known before: the release is taken through its life on a
 * copy of the structure that is taken back, then its conversions and constraints are tried on the rows that are there,
 * read only. The session's search path must be the schema's, and no transaction under way.
 */
export async function validateRelease(
  client: ClientBase,
  schema: string,
  { from, release, budget, patience, createSchema }: ReleaseToValidate,
): Promise<ReleaseValidation> {
  const limits = { ...DEFAULTS, ...budget };
  const versions = await readLiveVersions(client, schema);
  const started = versions.find(({ version }) => version === release.version);
  const refusal = started === undefined ? refusalToStart(versions, from) : driftOf(started, release);
  if (refusal !== undefined) {
    const code = started === undefined ? "version-not-live" : "drift";
    return summary([{ code, severity: "error", message: refusal.message }], []);
  }
  if (started !== undefined) return summary([], []);
  const older = versions.at(-1) ?? (await baseVersion(client, schema, from));
  const real = await readFacts(client, schema, older);
  const names = [...new Set([from, release.version, ...versions.map(({ version }) => version)])];
  let tried: TriedRelease;
  try {
    tried = await inTrialSchema(client, schema, { versions: names, patience, createSchema }, (trial) =>
      tryRelease(client, trial.schema, { from, release, real }),
    );
  } catch (error) {
    if (!(error instanceof CopyUnsupportedError)) throw error;
    return summary([{ code: "structure-not-copied", severity: "error", message: error.message }], []);
  }
  const place = { schema, older, version: tried.version, several: versions.length > 0 };
  const { findings, tables } = await readOnly(client, () => lookAtRows(client, place, { tried, real, limits }));
  const relations = tried.version.links.map(({ relation }) => relation).filter((relation) => real.has(relation));
  const converted = tried.version.links.filter(({ up, down }) => up.length > 0 || down.length > 0);
  return summary(
    [
      ...tried.findings,
      ...findings,
      ...(await tablesInUse(client, schema, relations, limits.longSeconds)),
      ...(await firingTriggers(client, schema, tried.version.backfill.relations)),
      ...(converted.length === 0
        ? []
        : [
            writersNamed(
              release,
              converted.map(({ before, after }) => after ?? before ?? ""),
            ),
          ]),
    ],
    tables,
  );
}

function driftOf(started: LiveVersion, release: LiveRelease): DomainError | undefined {
  try {
    assertUnchanged(started, release.files, release.checksum);
    return undefined;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

function writersNamed({ version }: LiveRelease, tables: readonly string[]): ReleaseFinding {
  return {
    code: "writers-named",
    severity: "note",
    message:
      `From the start of ${version} until the versions before it go, who writes to ${tables.map((name) => `"${name}"`).join(", ")} ` +
      "must say in aibos.version which version it is, as the module kit does; whoever does not is refused.",
  };
}

/** Nothing that an expression calls may write, and hidden rows are an error. */
async function readOnly<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query("begin isolation level repeatable read read only");
  try {
    return await withSettings(client, { row_security: "off", jit: "off" }, work);
  } finally {
    await client.query("rollback").catch(() => undefined);
  }
}

interface Place {
  readonly schema: string;
  readonly older: LiveVersion;
  readonly version: LiveVersion;
  readonly several: boolean;
}

async function lookAtRows(
  client: ClientBase,
  place: Place,
  {
    tried,
    real,
    limits,
  }: { tried: TriedRelease; real: ReadonlyMap<string, RelationFacts>; limits: Required<ValidationBudget> },
): Promise<{ findings: ReleaseFinding[]; tables: TableWork[] }> {
  const { schema, older, version } = place;
  const ends = performance.now() + limits.timeMs;
  const all = new Map<string, { rows: RowsAsVersion; whole: string }>();
  for (const [relation, before] of real) {
    const after = tried.facts.get(relation);
    if (after === undefined) continue;
    const rows = await rowsAsVersion(client, schema, place, { before, after });
    const { ranges } = await rowsToLookAt(client, schema, relation, { ...limits, rowLimit: Number.MAX_SAFE_INTEGER });
    all.set(relation, { rows, whole: rows.sql(ranges) });
  }
  const findings: ReleaseFinding[] = [];
  const tables: TableWork[] = [];
  for (const [relation, { rows }] of all) {
    const before = real.get(relation);
    const after = tried.facts.get(relation);
    const name = older.model.tables.find((one) => one.relation === relation)?.name ?? relation;
    if (before === undefined || after === undefined) continue;
    const fills = version.backfill.relations.includes(relation);
    const added = <T extends { readonly name: string }>(now: readonly T[], then: readonly T[]): number =>
      now.filter((one) => !then.some((other) => other.name === one.name)).length;
    const indexesBuilt = added(after.indexes, before.indexes);
    const constraintsChecked = added(after.constraints, before.constraints);
    if (!fills && indexesBuilt === 0 && constraintsChecked === 0) continue;
    const look = await rowsToLookAt(client, schema, relation, limits);
    const checked = await checkRows(client, {
      rows,
      look,
      name,
      older,
      version,
      before,
      after,
      unfit: tried.unfit,
      left: () => ends - performance.now(),
      target: (other, columns) => targetRows({ schema, real, all }, other, columns),
    });
    findings.push(...checked.findings);
    tables.push({
      table: version.model.tables.find((one) => one.relation === relation)?.name ?? name,
      rows: look.sampled ? look.rows : checked.rowsLooked,
      bytes: before.bytes,
      fills,
      indexesBuilt,
      constraintsChecked,
      looked: look.sampled ? "sample" : "all",
      rowsLooked: checked.rowsLooked,
    });
  }
  return { findings, tables };
}

/** Rows that others refer to: as they are where the columns are there, which an index may serve, else as they will be. */
function targetRows(
  {
    schema,
    real,
    all,
  }: {
    schema: string;
    real: ReadonlyMap<string, RelationFacts>;
    all: ReadonlyMap<string, { rows: RowsAsVersion; whole: string }>;
  },
  relation: string,
  columns: readonly string[],
): ReferencedRows {
  const there = real.get(relation);
  if (there === undefined) return "none";
  const names = new Set(there.columns.map(({ name }) => name));
  if (columns.every((column) => names.has(column))) {
    return { sql: `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}` };
  }
  const target = all.get(relation);
  if (target === undefined || columns.some((column) => target.rows.unknown.has(column))) return "unknown";
  return { sql: target.whole };
}

const ORDER = ["error", "warning", "note"] as const;

function summary(findings: readonly ReleaseFinding[], tables: readonly TableWork[]): ReleaseValidation {
  const filled = tables.filter(({ fills }) => fills);
  return {
    isValid: !findings.some(({ severity }) => severity === "error"),
    findings: findings.toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity)),
    tables,
    rowsToFill: filled.reduce((sum, { rows }) => sum + rows, 0),
    bytesToFill: filled.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
