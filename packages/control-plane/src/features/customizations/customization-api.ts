import { randomBytes } from "node:crypto";
import {
  type Customization,
  type CustomizationEntry,
  type CustomFields,
  CustomizationConflictError,
  CustomizationEntryNotFoundError,
  CustomizationInvalidError,
  type Page,
  type RouteHandlers,
  VersionNotLiveError,
} from "@aibos/contract";
import {
  buildUpgradeGraph,
  compareVersions,
  CUSTOM_FIELDS,
  type CustomFieldType,
  type FieldsByTable,
  findUpgradePath,
  formatPath,
  type JsonValue,
  type ModuleId,
  type TenantId,
  unifiedDiff,
  type Version,
} from "@aibos/domain";
import type { Kysely } from "kysely";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { ControlTables } from "../../db/control-tables.ts";
import { readTenantModule } from "../instances/tenant-module-read-model.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import { CustomFieldError } from "@aibos/tenant-data";
import { editCustomFields, type FieldsEdit, ownOf, presentFields } from "./edit-custom-fields.ts";
import { readFields } from "./fields-text.ts";
import { listOpenConflicts } from "./open-conflicts.ts";
import type { Customizable } from "./customizable.ts";
import { readCursor } from "../../db/cursor.ts";
import { carryEdit } from "./carry-edit.ts";
import { createCustomizableReadModel } from "./customizable-read-model.ts";
import { analyseImpact } from "./customization-impact.ts";
import {
  entryHistory,
  entryPage,
  presentEntries,
  type StoredEntry,
  type TenantPlace,
} from "./customization-entries.ts";
import { editCustomization, reapplyEntry, reapplyMerge } from "./edit-customization.ts";
import { listResolutions, recordResolution, revokeResolution } from "./recorded-resolutions.ts";
import { adviseUpgrade } from "./upgrade-advice.ts";

type CustomizationApi = Pick<
  RouteHandlers,
  | "listCustomizations"
  | "getCustomization"
  | "setCustomization"
  | "listCustomizationHistory"
  | "reapplyCustomization"
  | "listCustomFields"
  | "addCustomField"
  | "dropCustomField"
  | "getHookSecret"
  | "rotateHookSecret"
  | "getCustomizationPolicy"
  | "setCustomizationPolicy"
  | "customizationImpact"
  | "listConflicts"
  | "resolveConflict"
  | "listResolutions"
  | "revokeResolution"
  | "adviseUpgrade"
>;

/** What tenants change, and what is decided about it. */
export function createCustomizationApi({
  database,
  modules,
}: {
  database: ControlDatabase;
  modules: ModuleReadModel;
}): CustomizationApi {
  const { db } = database;
  const customizables = createCustomizableReadModel(db);

  /** @throws VersionNotLiveError, ModuleNotInstalledError */
  async function liveVersions(tenant: TenantId, module: ModuleId): Promise<Version[]> {
    const { live } = await readTenantModule(db, tenant, module);
    return live.map(({ version }) => version).toSorted(compareVersions);
  }

  async function liveVersion(place: TenantPlace, asked: Version | undefined): Promise<Version> {
    const live = await liveVersions(place.tenant, place.module);
    const version = asked ?? live[0];
    if (version === undefined || !live.includes(version)) {
      throw new VersionNotLiveError(place.tenant, place.module, version ?? ("0.0.0" as Version), live);
    }
    return version;
  }

  /** From a live version to the newest one that lives beside it. */
  async function pathToNewest(place: TenantPlace, version: Version): Promise<readonly Version[]> {
    const newest = (await liveVersions(place.tenant, place.module)).at(-1) ?? version;
    if (newest === version) return [version];
    return findUpgradePath(buildUpgradeGraph(place.module, await modules.listReleases(place.module)), version, newest);
  }

  /** Side by side: takes what the tenant has of the oldest live version along once more. */
  async function recarry(
    tx: Kysely<ControlTables>,
    place: TenantPlace,
    given: { name: string; author: string; path: readonly Version[] },
  ): Promise<number> {
    const { name, path } = given;
    const { entry, conflicts } = await carryEdit(tx, place, { ...given, customizables });
    if (conflicts.length > 0) {
      const open = conflicts.map(({ kind, path: at }) => ({ name, path: formatPath(at), kind }));
      throw new CustomizationConflictError(place.tenant, place.module, path, open);
    }
    if (entry === undefined) throw new CustomizationEntryNotFoundError(name, "that is not in place already");
    return entry;
  }

  async function describeNow(place: TenantPlace, version: Version, name: string): Promise<Customization> {
    const target = await customizables.get(place.module, version, name);
    const present = await presentEntries(db, place, version);
    return describe(
      target,
      version,
      present.find((entry) => entry.name === name),
    );
  }

  async function history(
    place: TenantPlace,
    name: string,
    wanted: Parameters<typeof entryPage>[3],
  ): Promise<Page<CustomizationEntry>> {
    const live = await liveVersions(place.tenant, place.module);
    const { items, nextCursor, before } = await entryPage(db, place, name, wanted);
    const all = [...items, ...before];
    const described = items.map((entry, index) => {
      const earlier = all.slice(index + 1).find(({ version }) => version === entry.version);
      return describeEntry(entry, earlier, live);
    });
    return { items: described, nextCursor };
  }

  const editFields = (edit: FieldsEdit) => editCustomFields({ database, customizables }, edit);

  async function describeFields(place: TenantPlace, version: Version): Promise<CustomFields> {
    const { fields } = await customizables.get(place.module, version, CUSTOM_FIELDS);
    const items = Object.entries(await presentFields(db, place, version)).flatMap(([table, own]) =>
      Object.entries(own).map(([field, { type }]) => ({ table, name: field, type: type as CustomFieldType })),
    );
    const tables = Object.entries(fields?.tables ?? {});
    return { version, allowed: Object.fromEntries(tables.map(([table, types]) => [table, [...types]])), items };
  }

  /** Adds what an earlier entry has; columns that are there stay, since they hold data. */
  async function reapplyFields(
    { version, ...place }: TenantPlace & { version: Version },
    { entry, author }: { entry: string | undefined; author: string },
  ): Promise<number> {
    const found = (await entryHistory(db, place, CUSTOM_FIELDS)).find(({ id }) => String(id) === entry);
    if (found?.content == null) {
      const message =
        "what was decided about a column is in the data; go back to the version before, decide differently and move again";
      throw new CustomizationInvalidError(CUSTOM_FIELDS, [{ path: "", message }]);
    }
    const wanted = readFields(found.content);
    const change = (present: FieldsByTable): FieldsByTable => ({
      ...present,
      ...Object.fromEntries(
        Object.keys(wanted).map((table) => [table, { ...ownOf(wanted, table), ...ownOf(present, table) }]),
      ),
    });
    return (await editFields({ ...place, version, author, origin: "reapply", change })) ?? found.id;
  }

  return {
    async listCustomizations({ params, query }) {
      const version = await liveVersion(params, query.version);
      const present = await presentEntries(db, params, version);
      const all = await customizables.of(params.module, version);
      const items = [...all.values()]
        .filter(({ name, fields }) => {
          // Every release has a place for columns of tenants' own; most have no use for it.
          const declared = fields === undefined || Object.keys(fields.tables).length > 0;
          return declared || present.some((entry) => entry.name === name);
        })
        .map((target) =>
          describe(
            target,
            version,
            present.find(({ name }) => name === target.name),
          ),
        );
      return { items };
    },

    async getCustomization({ params: { name, ...place }, query }) {
      return describeNow(place, await liveVersion(place, query.version), name);
    },

    async setCustomization({ params: { name, ...place }, query, body }) {
      const version = await liveVersion(place, query.version);
      if (name === CUSTOM_FIELDS) {
        const { author, content } = body;
        const wanted = content === null ? {} : readFields(content);
        const origin = content === null ? "reset" : "edit";
        await editFields({ ...place, version, author, origin, change: () => wanted });
        return describeNow(place, version, name);
      }
      const target = await customizables.get(place.module, version, name);
      const path = await pathToNewest(place, version);
      await database.transaction(async (tx) => {
        await editCustomization(tx.db, { ...place, version }, target, body);
        await carryEdit(tx.db, place, { name, author: body.author, path, customizables });
      });
      return describeNow(place, version, name);
    },

    async listCustomFields({ params, query }) {
      return describeFields(params, await liveVersion(params, query.version));
    },

    async addCustomField({ params: { table, field, ...place }, query, body: { type, author } }) {
      const version = await liveVersion(place, query.version);
      const change = (present: FieldsByTable): FieldsByTable => ({
        ...present,
        [table]: { ...ownOf(present, table), [field]: { type } },
      });
      await editFields({ ...place, version, author, change });
      return describeFields(place, version);
    },

    async dropCustomField({ params: { table, field, ...place }, query, body: { author, acceptDataLoss } }) {
      const version = await liveVersion(place, query.version);
      const change = (present: FieldsByTable): FieldsByTable => {
        const { [field]: dropped, ...others } = ownOf(present, table);
        if (dropped === undefined) throw new CustomFieldError(table, field, "the tenant has no such field.");
        return { ...present, [table]: others };
      };
      await editFields({ ...place, version, author, acceptDataLoss, change });
      return describeFields(place, version);
    },

    listCustomizationHistory: ({ params: { name, ...place }, query: { cursor, limit } }) =>
      history(place, name, { after: readCursor(cursor, 1), limit }),

    async reapplyCustomization({ params: { name, ...place }, body: { entry, author } }) {
      const version = (await liveVersions(place.tenant, place.module)).at(-1) ?? (await liveVersion(place, undefined));
      const target = await customizables.get(place.module, version, name);
      const at = { ...place, version };
      const id =
        name === CUSTOM_FIELDS
          ? await reapplyFields(at, { entry, author })
          : await database.transaction(async (tx) => {
              if (entry !== undefined) return reapplyEntry(tx.db, at, target, { entry, author });
              const [oldest] = await liveVersions(place.tenant, place.module);
              if (oldest === undefined || oldest === version) {
                return reapplyMerge(tx.db, at, target, { author, customizables });
              }
              return recarry(tx.db, place, { name, author, path: await pathToNewest(place, oldest) });
            });
      const { items } = await history(place, name, { after: [String(id + 1)], limit: 1 });
      const made = items.find((one) => one.id === String(id));
      if (made === undefined) throw new Error(`Entry ${id} is gone.`);
      return made;
    },

    async getHookSecret({ params: { tenant, module } }) {
      await readTenantModule(db, tenant, module);
      const row = await db
        .selectFrom("tenant_modules")
        .select("hook_secret")
        .where("tenant", "=", tenant)
        .where("module", "=", module)
        .executeTakeFirstOrThrow();
      return { secret: row.hook_secret };
    },

    async rotateHookSecret({ params: { tenant, module } }) {
      await readTenantModule(db, tenant, module);
      const secret = `whsec_${randomBytes(32).toString("base64")}`;
      await db
        .updateTable("tenant_modules")
        .set({ hook_secret: secret })
        .where("tenant", "=", tenant)
        .where("module", "=", module)
        .execute();
      return { secret };
    },

    async getCustomizationPolicy({ params: { tenant, module } }) {
      const row = await db
        .selectFrom("customization_policies")
        .select("prefer")
        .where("tenant", "=", tenant)
        .where("module", "=", module)
        .executeTakeFirst();
      return { prefer: row?.prefer ?? {} };
    },

    async setCustomizationPolicy({ params: { tenant, module }, body }) {
      await readTenantModule(db, tenant, module);
      const prefer = JSON.stringify(body.prefer);
      await db
        .insertInto("customization_policies")
        .values({ tenant, module, prefer })
        .onConflict((conflict) => conflict.columns(["tenant", "module"]).doUpdateSet({ prefer }))
        .execute();
      return body;
    },

    async customizationImpact({ params: { module }, query: { from, to } }) {
      const graph = buildUpgradeGraph(module, await modules.listReleases(module));
      return analyseImpact(database, customizables, { module, path: findUpgradePath(graph, from, to) });
    },

    listConflicts: ({ params: { module }, query: { cursor, limit, tenant } }) =>
      listOpenConflicts(db, { module, tenant }, { after: readCursor(cursor, 2), limit }),

    async resolveConflict({ params: { module }, body: { conflict, take, value, tenant, author } }) {
      if (tenant !== undefined) await readTenantModule(db, tenant, module);
      return database.transaction((tx) =>
        recordResolution(tx.db, { module, conflict, take, value: value as JsonValue | undefined, tenant, author }),
      );
    },

    listResolutions: ({ params: { module }, query: { cursor, limit } }) =>
      listResolutions(db, module, { after: readCursor(cursor, 2), limit }),
    revokeResolution: ({ params: { resolutionId } }) => revokeResolution(db, resolutionId),

    async adviseUpgrade({ params: { tenant, module }, query: { version } }) {
      await modules.getVersion(module, version);
      return adviseUpgrade(db, { tenant, module, version });
    },
  };
}

function describe(target: Customizable, version: Version, entry: StoredEntry | undefined): Customization {
  const { name, kind, format, content } = target;
  return {
    name,
    kind,
    format,
    version,
    customized: entry !== undefined && entry.content !== null && entry.content !== content,
    content: entry?.content ?? content,
    default: content,
    author: entry?.author ?? null,
    changedAt: entry?.createdAt.toISOString() ?? null,
  };
}

function describeEntry(
  entry: StoredEntry,
  before: StoredEntry | undefined,
  live: readonly Version[],
): CustomizationEntry {
  const { id, name, version, origin, author, content, base, report, migrationId, createdAt } = entry;
  const newest = live.at(-1);
  const left = newest !== undefined && !live.includes(version) && compareVersions(version, newest) > 0;
  return {
    id: String(id),
    name,
    version,
    origin,
    author,
    at: createdAt.toISOString(),
    content,
    base,
    diff: unifiedDiff(before?.content ?? base, content ?? base, {
      from: before === undefined ? `${name} of ${version}` : `${name}, entry ${before.id}`,
      to: `${name}, entry ${id}`,
    }),
    report: [...report],
    migrationId,
    aside: (origin === "edit" || origin === "reapply") && (left || entry.supersededBy !== null),
  };
}
