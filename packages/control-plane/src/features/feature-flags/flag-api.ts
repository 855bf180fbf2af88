import { sql } from "kysely";
import { FlagNotFoundError, InvalidRequestError, type RouteHandlers, VersionNotLiveError } from "@aibos/contract";
import { exportFlagd, type FlagScope, type FlagSet, type ModuleId, type TenantId, type Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { readCursor } from "../../db/cursor.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import type { FlagEvaluators } from "./flag-evaluators.ts";
import { readFlagHistory, revertFlagChange } from "./flag-history.ts";
import type { FlagKeys } from "./flag-keys.ts";
import { checkOf, listModuleFlags, listTenantFlags } from "./flag-lists.ts";
import { readFlagDefinitions, readFlagSources } from "./flag-read-model.ts";
import { createFlagWrites } from "./flag-writes.ts";
import { findStaleFlags } from "./stale-flags.ts";
import type { TenantVersions } from "./tenant-versions.ts";

type FlagApi = Pick<
  RouteHandlers,
  | "updateFeatureFlags"
  | "listFeatureFlags"
  | "checkFeatureFlag"
  | "explainFeatureFlag"
  | "createFlagKey"
  | "revokeFlagKey"
  | "listModuleFlags"
  | "setFlagRule"
  | "killFlag"
  | "setFlagSegment"
  | "getFlagHistory"
  | "revertFlagChange"
  | "getStaleFlags"
  | "getFlagUsage"
  | "getFlagDefinitions"
  | "exportFlags"
>;

/** So long an answer waits for its own change to be in this process's evaluators, in milliseconds. */
const OWN_CHANGE_MS = 2_000;

export function createFlagApi(options: {
  database: ControlDatabase;
  modules: ModuleReadModel;
  evaluators: FlagEvaluators;
  versions: TenantVersions;
  keys: FlagKeys;
  now: () => number;
}): FlagApi {
  const { database, modules, evaluators, versions, keys, now } = options;
  const writes = createFlagWrites(database);

  /** The flag set of one of a tenant's live versions. @throws VersionNotLiveError */
  async function setFor(
    tenant: TenantId,
    module: ModuleId,
    wanted: Version | undefined,
  ): Promise<{ set: FlagSet; live: readonly Version[] }> {
    const live = await versions.of(tenant, module);
    const version = wanted ?? live[0];
    if (version === undefined || !live.includes(version)) {
      throw new VersionNotLiveError(tenant, module, version ?? ("none" as Version), [...live]);
    }
    return { set: await evaluators.setFor(module, version, tenant), live };
  }

  async function setWithFlag(
    tenant: TenantId,
    module: ModuleId,
    asked: { flag: string; version?: Version | undefined },
  ) {
    const { set } = await setFor(tenant, module, asked.version);
    if (set.definition(asked.flag) === undefined) throw new FlagNotFoundError(module, asked.flag);
    return set;
  }

  async function seeOwn(revision: number): Promise<{ revision: number }> {
    await evaluators.waitFor(revision, OWN_CHANGE_MS);
    return { revision };
  }

  async function newestRevision(): Promise<number> {
    const head = await database.db.selectFrom("flag_head").select("revision").executeTakeFirstOrThrow();
    return head.revision;
  }

  async function list(tenant: TenantId, module: ModuleId, version: Version | undefined) {
    const { set, live } = await setFor(tenant, module, version);
    return listTenantFlags(database, { tenant, module }, { versions: live, set, now: now() });
  }

  return {
    async updateFeatureFlags({ params: { tenant, module }, query, body }) {
      await writes.update({ tenant, module }, body, query);
      await seeOwn(await newestRevision());
      return list(tenant, module, undefined);
    },
    listFeatureFlags: ({ params: { tenant, module }, query }) => list(tenant, module, query.version),
    async checkFeatureFlag({ params: { tenant, module, flag }, body: { user, attributes, version } }) {
      const set = await setWithFlag(tenant, module, { flag, version });
      return checkOf(flag, set.evaluate(flag, { tenant, user, attributes }, now()));
    },
    async explainFeatureFlag({ params: { tenant, module, flag }, body: { user, attributes, version } }) {
      const set = await setWithFlag(tenant, module, { flag, version });
      const { result, steps } = set.explain(flag, { tenant, user, attributes }, now());
      return { result: checkOf(flag, result), steps: [...steps] };
    },
    async createFlagKey({ params: { tenant, module } }) {
      await versions.of(tenant, module);
      return keys.create(tenant, module);
    },
    async revokeFlagKey({ params: { keyId } }) {
      await keys.revoke(keyId);
      return { id: keyId };
    },
    async listModuleFlags({ params: { module } }) {
      await modules.listReleases(module);
      return listModuleFlags(database, module);
    },
    async setFlagRule({ params: { module, flag }, body: { setting, reason, author, ...rule } }) {
      return seeOwn(await writes.setRule(module, flag, { scope: scopeOfRule(rule), setting, reason, author }));
    },
    async killFlag({ params: { module, flag }, body: { killed, ...note } }) {
      return seeOwn(await writes.kill(module, flag, killed, note));
    },
    async setFlagSegment({ params: { module, segment }, body: { when, ...note } }) {
      await modules.listReleases(module);
      return seeOwn(await writes.setSegment(module, segment, when, note));
    },
    getFlagHistory: ({ params: { module, flag }, query: { cursor, limit, tenant } }) =>
      readFlagHistory(database, { module, flag, tenant }, { after: readCursor(cursor, 1), limit }),
    async revertFlagChange({ params: { module, revision }, body: { author } }) {
      return seeOwn(await revertFlagChange(database, { module, revision, author }));
    },
    async getStaleFlags({ params: { module } }) {
      await modules.listReleases(module);
      return findStaleFlags(database, module, now());
    },
    async getFlagUsage({ params: { module, flag }, query: { days } }) {
      const rows = await database.db
        .selectFrom("flag_usage")
        .select([sql<string>`to_char(day, 'YYYY-MM-DD')`.as("day"), "version", "variant", "evaluations"])
        .where("module", "=", module)
        .where("flag", "=", flag)
        .where(sql<boolean>`day > (now() at time zone 'utc')::date - ${days}::integer`)
        .orderBy("day")
        .orderBy("version")
        .orderBy("variant")
        .execute();
      return { items: rows };
    },
    async getFlagDefinitions({ params: { module, version } }) {
      await modules.getVersion(module, version);
      return { flags: await readFlagSources(database.db, module, version) };
    },
    async exportFlags({ params: { module, version } }) {
      await modules.getVersion(module, version);
      const { document, left } = exportFlagd(await readFlagDefinitions(database.db, module, version));
      return { document, left: left.map(({ path, message }) => `${path.join(".")}: ${message}`) };
    },
  };
}

/** @throws InvalidRequestError when whom the rule is for is not said */
function scopeOfRule(rule: {
  level: FlagScope["level"];
  segment?: string | undefined;
  tenant?: TenantId | undefined;
  user?: string | undefined;
}): FlagScope {
  const { level, segment, tenant, user } = rule;
  const given = { segment, tenant, user };
  const wanted: Record<FlagScope["level"], readonly (keyof typeof given)[]> = {
    module: [],
    segment: ["segment"],
    tenant: ["tenant"],
    user: ["tenant", "user"],
  };
  for (const name of ["segment", "tenant", "user"] as const) {
    const isWanted = wanted[level].includes(name);
    if (isWanted !== (given[name] !== undefined)) {
      const message = isWanted ? `is needed for level "${level}"` : `means nothing for level "${level}"`;
      throw new InvalidRequestError([{ path: name, message }]);
    }
  }
  if (segment !== undefined) return { level: "segment", segment };
  if (tenant === undefined) return { level: "module" };
  return user === undefined ? { level: "tenant", tenant } : { level: "user", tenant, user };
}
