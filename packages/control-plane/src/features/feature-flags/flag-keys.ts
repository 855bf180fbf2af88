import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { FlagKeyNotFoundError, type FlagKey } from "@aibos/contract";
import { isModuleId, isVersion, type ModuleId, type TenantId, type Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { requireTenant } from "../instances/tenant-module-read-model.ts";

/** Whom a key speaks for: one tenant's programs, or the processes of one module version, which serve all tenants. */
export type FlagKeyHolder =
  | { readonly kind: "tenant"; readonly tenant: TenantId; readonly module: ModuleId }
  | { readonly kind: "process"; readonly module: ModuleId; readonly version: Version };

/** A revoked key is refused after so long at the latest, in milliseconds. */
const KEPT_MS = 1_000;
const MAX_KEPT = 10_000;

export interface FlagKeys {
  create(tenant: TenantId, module: ModuleId): Promise<FlagKey>;
  /** @throws FlagKeyNotFoundError */
  revoke(id: string): Promise<void>;
  /** Who holds a key; undefined for what is no valid one. */
  holderOf(key: string): Promise<FlagKeyHolder | undefined>;
  /** The same for a key that was asked for a moment ago. */
  readyHolderOf(key: string): FlagKeyHolder | undefined;
  /** The key of a module version's processes. */
  processKey(module: ModuleId, version: Version): string;
  /** A token for an address that a browser opens without headers: it tells of changes to the holder's flags alone. */
  eventsToken(holder: FlagKeyHolder): string;
  holderOfEventsToken(token: string): FlagKeyHolder | undefined;
}

export function createFlagKeys(options: {
  database: ControlDatabase;
  /** Secret of the installation for this purpose. */
  secret: string;
  now: () => number;
}): FlagKeys {
  const { database, secret, now } = options;
  /** Made once for each holder that is kept: signing costs more than evaluating. */
  const tokens = new WeakMap<FlagKeyHolder, string>();
  const kept = new Map<string, { holder: FlagKeyHolder; until: number }>();
  const sign = (text: string): string => createHmac("sha256", secret).update(text).digest("base64url");

  function isSigned(text: string, signature: string): boolean {
    const expected = Buffer.from(sign(text));
    const given = Buffer.from(signature);
    return expected.length === given.length && timingSafeEqual(expected, given);
  }

  function processHolder(key: string): FlagKeyHolder | undefined {
    const [kind, module = "", encoded = "", signature = ""] = key.split(":");
    const version = Buffer.from(encoded, "base64url").toString();
    if (kind !== "aibos-fp" || !isModuleId(module) || !isVersion(version)) return undefined;
    return isSigned(`process ${module}@${version}`, signature) ? { kind: "process", module, version } : undefined;
  }

  async function tenantHolder(key: string): Promise<FlagKeyHolder | undefined> {
    const row = await database.db
      .selectFrom("flag_keys")
      .select(["tenant", "module"])
      .where("digest", "=", digestOf(key))
      .where("revoked_at", "is", null)
      .executeTakeFirst();
    return row === undefined ? undefined : { kind: "tenant", ...row };
  }

  function readyHolderOf(key: string): FlagKeyHolder | undefined {
    const found = kept.get(key);
    return found !== undefined && found.until > now() ? found.holder : undefined;
  }

  return {
    readyHolderOf,
    async create(tenant, module) {
      await requireTenant(database.db, tenant);
      const id = `fk_${randomBytes(6).toString("hex")}`;
      const key = `aibos-ft:${randomBytes(24).toString("base64url")}`;
      await database.db
        .insertInto("flag_keys")
        .values({ id, digest: digestOf(key), tenant, module })
        .execute();
      return { id, key, tenant, module };
    },
    async revoke(id) {
      const result = await database.db
        .updateTable("flag_keys")
        .set({ revoked_at: new Date() })
        .where("id", "=", id)
        .where("revoked_at", "is", null)
        .executeTakeFirst();
      if (result.numUpdatedRows !== 1n) throw new FlagKeyNotFoundError(id);
      kept.clear();
    },
    async holderOf(key) {
      const ready = readyHolderOf(key);
      if (ready !== undefined) return ready;
      if (key.length > 300) return undefined;
      const holder = processHolder(key) ?? (await tenantHolder(key));
      if (holder === undefined) return undefined;
      if (kept.size >= MAX_KEPT) kept.clear();
      kept.set(key, { holder, until: now() + KEPT_MS });
      return holder;
    },
    processKey: (module, version) =>
      `aibos-fp:${module}:${Buffer.from(version).toString("base64url")}:${sign(`process ${module}@${version}`)}`,
    eventsToken(holder) {
      const known = tokens.get(holder);
      if (known !== undefined) return known;
      const text = Buffer.from(JSON.stringify(holder)).toString("base64url");
      const token = `${text}.${sign(`events ${text}`)}`;
      tokens.set(holder, token);
      return token;
    },
    holderOfEventsToken(token) {
      const [text = "", signature = ""] = token.split(".");
      if (!isSigned(`events ${text}`, signature)) return undefined;
      return JSON.parse(Buffer.from(text, "base64url").toString()) as FlagKeyHolder;
    },
  };
}

function digestOf(key: string): string {
  return createHash("sha256").update(key, "utf8").digest("hex");
}
