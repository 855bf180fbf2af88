import { sql } from "kysely";
import type { CustomizationConflict, CustomizationImpact } from "@aibos/contract";
import type { ModuleId, TenantId, Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { carryAlong, type CarriedContent } from "./carry-customizations.ts";
import { describeConflict, keepConflicts } from "./open-conflicts.ts";
import type { CustomizableReadModel } from "./customizable-read-model.ts";
import { type Decisions, loadDecisions } from "./decisions.ts";

/** Tenants that have the same contents, and of whom nothing special was decided. */
interface Profile {
  /** Names and digests of contents, in one order. */
  readonly contents: [name: string, digest: string][];
  /** For whom something of their own was decided; null: for all of them alike. */
  readonly special: TenantId | null;
  readonly tenants: number;
  readonly examples: TenantId[];
}

interface Found {
  conflict: CustomizationConflict;
  readonly examples: Set<string>;
}

/**
 * Says what an upgrade would mean for the customisations of every tenant on a version. Tenants with the same contents are
 * one group in SQL, and each content is merged once, however many tenants have it. Moves nobody.
 */
export async function analyseImpact(
  database: ControlDatabase,
  customizables: CustomizableReadModel,
  { module, path }: { module: ModuleId; path: readonly Version[] },
): Promise<CustomizationImpact> {
  const { db } = database;
  const [from, to] = [path[0], path.at(-1)];
  if (from === undefined || to === undefined) throw new RangeError("A path has two ends.");
  const decisions = await loadDecisions(db, module);
  const profiles = await readProfiles(database, module, from, decisions);
  const releases = (version: Version) => customizables.of(module, version);
  // Of each merge what is left to decide; contents are not kept, of which there may be as many as tenants.
  const merges = new Map<string, CarriedContent[]>();
  const found = new Map<string, Found>();
  const counts = { tenants: 0, untouched: 0, clean: 0, oneDecision: 0, blocked: 0 };

  const merge = async (name: string, content: string, special: TenantId | null): Promise<CarriedContent[]> => {
    const carried = await carryAlong({ content, name, path }, releases, decisions, special ?? undefined);
    return carried.filter(({ conflicts }) => conflicts.length > 0);
  };
  const mergeAll = async (some: readonly Profile[]): Promise<void> => {
    const texts = await readTexts(
      database,
      new Set(some.flatMap(({ contents }) => contents.map(([, digest]) => digest))),
    );
    for (const { contents, special } of some) {
      for (const [name, digest] of contents) {
        const key = mergeKey(name, digest, special);
        if (!merges.has(key)) merges.set(key, await merge(name, texts.get(digest) ?? "", special));
      }
    }
  };

  for (const [index, { contents, special, tenants, examples }] of profiles.entries()) {
    if (index % BATCH === 0) await mergeAll(profiles.slice(index, index + BATCH));
    counts.tenants += tenants;
    const open = new Set<string>();
    for (const [name, digest] of contents) {
      for (const carried of merges.get(mergeKey(name, digest, special)) ?? []) {
        for (const conflict of carried.conflicts) {
          const described = describeConflict(carried, conflict, { tenants, examples });
          open.add(described.id);
          addFound(found, described);
        }
      }
    }
    const verdict = contents.length === 0 ? "untouched" : (["clean", "oneDecision"] as const)[open.size];
    counts[verdict ?? "blocked"] += tenants;
  }
  await keepConflicts(db, module, [...merges.values()].flat());
  const conflicts = [...found.values()].map(({ conflict }) => conflict);
  conflicts.sort((a, b) => b.tenants - a.tenants || (a.id < b.id ? -1 : 1));
  return {
    module,
    from,
    to,
    ...counts,
    merges: merges.size,
    distinctConflicts: conflicts.length,
    conflicts: conflicts.slice(0, MOST_CONFLICTS),
  };
}

function addFound(found: Map<string, Found>, conflict: CustomizationConflict): void {
  const known = found.get(conflict.id);
  if (known === undefined) {
    found.set(conflict.id, { conflict, examples: new Set(conflict.examples) });
    return;
  }
  for (const tenant of conflict.examples) if (known.examples.size < 20) known.examples.add(tenant);
  known.conflict = {
    ...known.conflict,
    tenants: known.conflict.tenants + conflict.tenants,
    examples: [...known.examples],
  };
}

/** What comes after these is behind few tenants each, and comes up when these are decided. */
const MOST_CONFLICTS = 1_000;
/** Profiles whose contents are read at a time. */
const BATCH = 200;

function mergeKey(name: string, digest: string, special: TenantId | null): string {
  return `${name} ${digest} ${special ?? ""}`;
}

async function readTexts({ db }: ControlDatabase, digests: ReadonlySet<string>): Promise<Map<string, string>> {
  const { rows } = await sql<{ digest: string; content: string }>`
    select digest, content from customization_texts where digest = any (${[...digests]}::text[])`.execute(db);
  return new Map(rows.map(({ digest, content }) => [digest, content]));
}

/** Tenants with a live instance of the version, grouped by what they have. */
async function readProfiles(
  { db }: ControlDatabase,
  module: ModuleId,
  version: Version,
  { special }: Decisions,
): Promise<Profile[]> {
  const { rows } = await sql<Profile>`
    with present as (
      select distinct on (tenant, name) tenant, name, content_digest
      from customizations
      where module = ${module} and version = ${version} and superseded_by is null
      order by tenant, name, id desc
    ),
    profiles as (
      select i.tenant,
        case when i.tenant = any (${[...special]}::text[]) then i.tenant end as special,
        coalesce(
          jsonb_agg(jsonb_build_array(p.name, p.content_digest) order by p.name)
            filter (where p.content_digest is not null),
          '[]'
        ) as contents
      from tenant_module_instances i
      left join present p on p.tenant = i.tenant
      where i.module = ${module} and i.version = ${version} and i.status <> 'retired'
      group by i.tenant
    )
    select contents, special, count(*)::int as tenants, (array_agg(tenant order by tenant))[1:20] as examples
    from profiles
    group by contents, special
    order by min(tenant)
  `.execute(db);
  return rows;
}
