import type { Kysely } from "kysely";
import { CustomizationConflictError } from "@aibos/contract";
import {
  type Conflict,
  CUSTOM_FIELDS,
  type Decide,
  decisionOf,
  type FieldChoice,
  formatPath,
  type ReportLine,
  segmentKey,
  type Version,
} from "@aibos/domain";
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
  /** Of the tenant's own columns. */
  readonly choices?: ReadonlyMap<string, FieldChoice>;
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
 * @param options.preserve false: of a tenant that starts with the new defaults, but for columns of its own
 * @param options.writeLast whether the contents of the last version are asked for, too
 */
export async function previewCarrying(
  db: Db,
  place: TenantPlace,
  path: readonly Version[],
  { preserve = true, writeLast = false }: { preserve?: boolean; writeLast?: boolean } = {},
): Promise<CarriedContent[]> {
  const [start] = path;
  if (start === undefined) return [];
  const present = (await presentEntries(db, place, start)).filter(
    ({ content, name }) => content !== null && (preserve || name === CUSTOM_FIELDS),
  );
  if (present.length === 0) return [];
  const model = createCustomizableReadModel(db);
  const decided = await loadDecisions(db, place.module);
  const decisions = preserve ? decided : withoutQuestions(decided);
  const releases = (version: Version): Promise<Customizables> => model.of(place.module, version);
  const carried: CarriedContent[] = [];
  for (const { name, content } of present) {
    carried.push(
      ...(await carryAlong({ content: content ?? "", name, path, writeLast }, releases, decisions, place.tenant)),
    );
  }
  return carried;
}

/** Who starts with the new defaults keeps columns all the same: they hold data. Both stay where nobody decided. */
function withoutQuestions(decisions: Decisions): Decisions {
  return {
    special: decisions.special,
    decideFor: (...whose) => {
      const decide = decisions.decideFor(...whose);
      return (conflict) => decide(conflict) ?? { take: conflict.kind === "custom-field" ? "tenant" : "vendor" };
    },
  };
}

/** What becomes of a tenant's own columns on a way: by the release that brings columns of their names. */
export type FieldsOnTheWay = ReadonlyMap<Version, Readonly<Record<string, FieldChoice>>>;

/** @throws CustomizationConflictError when something is left to decide */
export async function requireCarrying(
  db: Db,
  place: TenantPlace,
  path: readonly Version[],
  options: { preserve: boolean },
): Promise<FieldsOnTheWay> {
  const carried = await previewCarrying(db, place, path, options);
  const open = carried.filter(({ conflicts }) => conflicts.length > 0);
  if (open.length > 0) throw conflictError(place, path, open);
  return new Map(
    carried.flatMap(({ to, choices }) =>
      choices === undefined || choices.size === 0 ? [] : [[to, Object.fromEntries(choices)] as const],
    ),
  );
}

/** What the plan chose for columns holds, whatever is decided while it runs: the data was changed by it. */
function asPlanned(planned: Readonly<Record<string, FieldChoice>>, decide: Decide): Decide {
  return (conflict) => {
    const choice = conflict.kind === "custom-field" ? planned[conflict.path.map(segmentKey).join(".")] : undefined;
    return choice === undefined ? decide(conflict) : decisionOf(choice);
  };
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
  hop: {
    from: Version;
    to: Version;
    migrationId: string;
    preserve: boolean;
    customFields?: Readonly<Record<string, FieldChoice>> | undefined;
  },
): Promise<{ merged: number; lines: number }> {
  const { from, to, migrationId, preserve, customFields = {} } = hop;
  await supersede(db, place, to, migrationId);
  const present = (await presentEntries(db, place, from)).filter(
    ({ content, name }) => content !== null && (preserve || name === CUSTOM_FIELDS),
  );
  if (present.length === 0) return { merged: 0, lines: 0 };
  const model = createCustomizableReadModel(db);
  const [sources, next] = [await model.of(place.module, from), await model.of(place.module, to)];
  const decided = await loadDecisions(db, place.module);
  const wanted = preserve ? decided : withoutQuestions(decided);
  const decisions: Decisions = {
    special: wanted.special,
    decideFor: (...whose) => asPlanned(customFields, wanted.decideFor(...whose)),
  };
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

/** Whether a module's releases on a path have anything that tenants may change, or the tenant columns of its own. */
export async function hasCustomizables(
  db: Db,
  { tenant, module }: TenantPlace,
  path: readonly Version[],
): Promise<boolean> {
  const declared = await db
    .selectFrom("customizables")
    .select("name")
    .where("module", "=", module)
    .where("version", "in", [...path])
    .where("kind", "<>", "fields")
    .limit(1)
    .executeTakeFirst();
  if (declared !== undefined) return true;
  const own = await db
    .selectFrom("customizations")
    .select("id")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .where("name", "=", CUSTOM_FIELDS)
    .limit(1)
    .executeTakeFirst();
  return own !== undefined;
}
