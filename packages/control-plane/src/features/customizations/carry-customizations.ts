import type { Kysely } from "kysely";
import { CustomizationConflictError } from "@aibos/contract";
import { type Conflict, formatPath, type ModuleId, type ReportLine, type Version } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import type { Customizable } from "./customizable.ts";
import { createCustomizableReadModel, type Customizables } from "./customizable-read-model.ts";
import { addEntry, presentEntries, supersede, takeBackEntries, type TenantPlace } from "./customization-entries.ts";
import { type Decisions, loadDecisions } from "./decisions.ts";
import { mergeHop } from "./merge-hop.ts";

type Db = Kysely<ControlTables>;

/** What becomes of one content at one hop. */
export interface CarriedContent {
  /** What it is called in the new version, or was, where that has it no more. */
  readonly name: string;
  readonly from: Version;
  readonly to: Version;
  /** The new version's; undefined where it has it no more. */
  readonly target: Customizable | undefined;
  readonly content: string | undefined;
  readonly conflicts: readonly Conflict[];
  readonly report: readonly ReportLine[];
}

/** The release's customisable that continues one of the release before. */
export function successorOf(name: string, next: Customizables): Customizable | undefined {
  return next.get(name) ?? [...next.values()].find(({ formerly }) => formerly === name);
}

/** Merges one content with the next release's default. */
export function carryHop(
  given: { content: string; source: Customizable; from: Version; to: Version; next: Customizables; write?: boolean },
  decisions: Decisions,
  tenant: TenantPlace["tenant"] | undefined,
): CarriedContent {
  const { content, source, from, to, next, write = true } = given;
  const target = successorOf(source.name, next);
  const name = target?.name ?? source.name;
  const merged = mergeHop({ from: source, to: target, content, write }, decisions.decideFor(tenant, target, name));
  return { name, from, to, target, ...merged };
}

/**
 * Looks what would become of one content along a path of releases, until a conflict stops it: what it would be after that
 * depends on the decision.
 */
export async function carryAlong(
  given: { content: string; name: string; path: readonly Version[]; writeLast?: boolean },
  releases: (version: Version) => Promise<Customizables>,
  decisions: Decisions,
  tenant: TenantPlace["tenant"] | undefined,
): Promise<CarriedContent[]> {
  const hops: CarriedContent[] = [];
  let [content, name]: [string | undefined, string] = [given.content, given.name];
  for (const [index, to] of given.path.slice(1).entries()) {
    const from = given.path[index];
    const source = from === undefined ? undefined : (await releases(from)).get(name);
    if (from === undefined || source === undefined || content === undefined) return hops;
    // What the last hop makes of it nobody asks for, most often.
    const write = given.writeLast === true || index < given.path.length - 2;
    const hop = carryHop({ content, source, from, to, next: await releases(to), write }, decisions, tenant);
    hops.push(hop);
    if (hop.conflicts.length > 0) return hops;
    [content, name] = [hop.content, hop.name];
  }
  return hops;
}

/**
 * What an upgrade would mean for a tenant's customisations. Changes nothing.
 *
 * @param writeLast whether the contents of the last version are asked for, too
 */
export async function previewCarrying(
  db: Db,
  place: TenantPlace,
  path: readonly Version[],
  writeLast = false,
): Promise<CarriedContent[]> {
  const [start] = path;
  if (start === undefined) return [];
  const present = (await presentEntries(db, place, start)).filter(({ content }) => content !== null);
  if (present.length === 0) return [];
  const model = createCustomizableReadModel(db);
  const decisions = await loadDecisions(db, place.module);
  const releases = (version: Version): Promise<Customizables> => model.of(place.module, version);
  const carried: CarriedContent[] = [];
  for (const { name, content } of present) {
    carried.push(
      ...(await carryAlong({ content: content ?? "", name, path, writeLast }, releases, decisions, place.tenant)),
    );
  }
  return carried;
}

/** @throws CustomizationConflictError when something is left to decide */
export async function requireCarrying(db: Db, place: TenantPlace, path: readonly Version[]): Promise<void> {
  const open = (await previewCarrying(db, place, path)).filter(({ conflicts }) => conflicts.length > 0);
  if (open.length > 0) throw conflictError(place, path, open);
}

function conflictError(
  { tenant, module }: TenantPlace,
  path: readonly Version[],
  open: readonly CarriedContent[],
): CustomizationConflictError {
  const conflicts = open.flatMap((carried) =>
    carried.conflicts.map(({ kind, path: place }) => ({ name: carried.name, path: formatPath(place), kind })),
  );
  return new CustomizationConflictError(tenant, module, path, conflicts);
}

/** Merges all that a tenant customised at one hop, and stores it for the new version. */
export async function mergeAtHop(
  db: Db,
  place: TenantPlace,
  hop: { from: Version; to: Version; migrationId: string; preserve: boolean },
): Promise<{ merged: number; lines: number }> {
  const { from, to, migrationId } = hop;
  await supersede(db, place, to, migrationId);
  if (!hop.preserve) return { merged: 0, lines: 0 };
  const present = (await presentEntries(db, place, from)).filter(({ content }) => content !== null);
  const model = createCustomizableReadModel(db);
  const [sources, next] = [await model.of(place.module, from), await model.of(place.module, to)];
  const decisions = await loadDecisions(db, place.module);
  let lines = 0;
  for (const { id, name, content } of present) {
    const source = sources.get(name);
    if (source === undefined || content === null) continue;
    const carried = carryHop({ content, source, from, to, next }, decisions, place.tenant);
    if (carried.conflicts.length > 0) throw conflictError(place, [from, to], [carried]);
    if (carried.target === undefined || carried.content === undefined) continue;
    lines += carried.report.length;
    await addEntry(db, {
      ...place,
      version: to,
      name: carried.name,
      base: carried.target.content,
      content: carried.content,
      origin: "merge",
      author: "upgrade",
      report: carried.report,
      sourceId: id,
      migrationId,
    });
  }
  return { merged: present.length, lines };
}

export { takeBackEntries as undoMergeAtHop };

/** Whether a module's releases on a path have anything that tenants may change. */
export async function hasCustomizables(db: Db, module: ModuleId, path: readonly Version[]): Promise<boolean> {
  const row = await db
    .selectFrom("customizables")
    .select("name")
    .where("module", "=", module)
    .where("version", "in", [...path])
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
