import { type Kysely, sql } from "kysely";
import type { FlagFeedChange, Preference } from "@aibos/contract";
import type { FlagScope, ModuleId, TenantId, Version } from "@aibos/domain";
import type { ControlTransaction } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import type { Belongings } from "../../db/stored-belongings.ts";
import { presentEntries } from "../customizations/customization-entries.ts";
import { applyFlagChanges } from "../feature-flags/apply-flag-changes.ts";
import { scopeOf } from "../feature-flags/flag-read-model.ts";
import { lockFlags, publishFlagChanges } from "../feature-flags/publish-flag-changes.ts";

type Db = Kysely<ControlTables>;

interface Pair {
  readonly tenant: TenantId;
  readonly module: ModuleId;
}

/** What was there before belongings were given back, for going back once more. */
export interface PutBelongings {
  readonly flags: readonly FlagFeedChange[];
  readonly resolutions: Belongings["resolutions"];
  readonly preference: Preference | null;
}

/** What a tenant has of a version now. */
export async function readBelongings(db: Db, pair: Pair, version: Version): Promise<Belongings> {
  const entries = await presentEntries(db, pair, version);
  return {
    version,
    customizations: entries.map(({ name, base, content, author }) => ({ name, base, content, author })),
    flags: await readFlags(db, pair, version),
    resolutions: await readResolutions(db, pair),
    preference: await readPreference(db, pair),
  };
}

/**
 * Has a tenant's flags, own decisions and policy about customisations be what they were. Decisions for everybody are the
 * module's and stay as they are. Customisations have a history of their own, which is restored by itself.
 */
export async function putBelongings(
  tx: ControlTransaction,
  pair: Pair,
  { version, flags, resolutions, preference }: Pick<Belongings, "version" | "flags" | "resolutions" | "preference">,
  reason: string,
): Promise<PutBelongings> {
  const before = { resolutions: await readResolutions(tx.db, pair), preference: await readPreference(tx.db, pair) };
  const changed = await putFlags(tx, pair, { version: version as Version, flags }, reason);
  await putResolutions(tx.db, pair, resolutions);
  await putPreference(tx.db, pair, preference);
  return { ...before, flags: changed };
}

/** Undoes {@link putBelongings}. */
export async function takeBelongingsBack(
  tx: ControlTransaction,
  pair: Pair,
  before: PutBelongings,
  reason: string,
): Promise<void> {
  if (before.flags.length > 0) {
    await lockFlags(tx);
    await changeFlags(tx, pair, before.flags, reason);
  }
  await putResolutions(tx.db, pair, before.resolutions);
  await putPreference(tx.db, pair, before.preference);
}

async function readFlags(db: Db, { tenant, module }: Pair, version: Version): Promise<Belongings["flags"]> {
  const rows = await db
    .selectFrom("flag_overrides")
    .selectAll()
    .where("module", "=", module)
    .where("tenant", "=", tenant)
    .where("version", "=", version)
    .orderBy("flag")
    .orderBy("user_key")
    .execute();
  return rows.map((row) => ({ flag: row.flag, scope: scopeOf(row), setting: row.setting }));
}

async function putFlags(
  tx: ControlTransaction,
  pair: Pair,
  { version, flags }: { version: Version; flags: Belongings["flags"] },
  reason: string,
): Promise<FlagFeedChange[]> {
  await lockFlags(tx);
  const keyOf = ({ flag, scope }: { flag: string; scope: FlagScope }): string => JSON.stringify([flag, scope]);
  const now = new Map((await readFlags(tx.db, pair, version)).map((one) => [keyOf(one), one]));
  const wanted = new Map(flags.map((one) => [keyOf(one), one]));
  const changes: FlagFeedChange[] = [];
  for (const [key, { flag, scope }] of now) {
    if (!wanted.has(key)) changes.push({ kind: "setting", flag, scope, version, setting: null });
  }
  for (const [key, { flag, scope, setting }] of wanted) {
    const present = now.get(key);
    if (present !== undefined && JSON.stringify(present.setting) === JSON.stringify(setting)) continue;
    changes.push({ kind: "setting", flag, scope, version, setting });
  }
  return changes.length === 0 ? [] : changeFlags(tx, pair, changes, reason);
}

async function changeFlags(
  tx: ControlTransaction,
  { tenant, module }: Pair,
  after: readonly FlagFeedChange[],
  reason: string,
): Promise<FlagFeedChange[]> {
  const before = await applyFlagChanges(tx, module, after);
  await publishFlagChanges(tx, { module, flag: null, tenant, kind: "give-back", before, after, reason });
  return before;
}

async function readResolutions(db: Db, { tenant, module }: Pair): Promise<Belongings["resolutions"]> {
  const rows = await db
    .selectFrom("recorded_resolutions")
    .select(["id", "digest", "tenant", "take", "value", "author", "created_at"])
    .where("module", "=", module)
    .where("revoked_at", "is", null)
    .where((eb) => eb.or([eb("tenant", "=", tenant), eb("tenant", "is", null)]))
    .orderBy("id")
    .execute();
  return rows.map((row) => ({
    id: row.id,
    conflict: row.digest,
    own: row.tenant !== null,
    take: row.take,
    value: row.value,
    author: row.author,
    at: row.created_at.toISOString(),
  }));
}

/** Those that were made since hold no more, those that were revoked since hold again. */
async function putResolutions(db: Db, { tenant, module }: Pair, resolutions: Belongings["resolutions"]): Promise<void> {
  const own = resolutions.filter((one) => one.own);
  let others = db
    .updateTable("recorded_resolutions")
    .set({ revoked_at: sql<Date>`clock_timestamp()` })
    .where("module", "=", module)
    .where("tenant", "=", tenant)
    .where("revoked_at", "is", null);
  const ids = own.map(({ id }) => id);
  if (ids.length > 0) others = others.where("id", "not in", ids);
  await others.execute();
  for (const { id, conflict, take, value, author, at } of own) {
    const known = await db
      .selectFrom("customization_conflicts")
      .select("digest")
      .where("digest", "=", conflict)
      .execute();
    // A conflict that this control plane never met: the decision means nothing here.
    if (known.length === 0) continue;
    await db
      .insertInto("recorded_resolutions")
      .values({
        id,
        digest: conflict,
        module,
        take,
        value: value === null ? null : JSON.stringify(value),
        tenant,
        author,
        created_at: new Date(at),
      })
      .onConflict((clash) => clash.column("id").doUpdateSet({ revoked_at: null }))
      .execute();
  }
}

async function readPreference(db: Db, { tenant, module }: Pair): Promise<Preference | null> {
  const row = await db
    .selectFrom("customization_policies")
    .select("prefer")
    .where("tenant", "=", tenant)
    .where("module", "=", module)
    .executeTakeFirst();
  return row?.prefer ?? null;
}

async function putPreference(db: Db, { tenant, module }: Pair, preference: Preference | null): Promise<void> {
  if (preference === null) {
    await db.deleteFrom("customization_policies").where("tenant", "=", tenant).where("module", "=", module).execute();
    return;
  }
  const prefer = JSON.stringify(preference);
  await db
    .insertInto("customization_policies")
    .values({ tenant, module, prefer })
    .onConflict((clash) => clash.columns(["tenant", "module"]).doUpdateSet({ prefer }))
    .execute();
}
