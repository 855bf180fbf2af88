import type { Kysely } from "kysely";
import { CustomizableNotFoundError } from "@aibos/contract";
import { CUSTOM_FIELDS, type ModuleId, type Version } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import { RecentlyUsed } from "../modules/recently-used.ts";
import {
  type Customizable,
  customFieldsOf,
  NO_FIELDS,
  type ReleaseFields,
  renamesOf,
  schemaOf,
} from "./customizable.ts";

export type Customizables = ReadonlyMap<string, Customizable>;

/** Releases never change, so that what was read, with its compiled schemas, never grows old. */
const KEPT = 256;

/** What releases let tenants change; read once and kept. */
export interface CustomizableReadModel {
  of(module: ModuleId, version: Version): Promise<Customizables>;
  /** @throws CustomizableNotFoundError */
  get(module: ModuleId, version: Version, name: string): Promise<Customizable>;
}

export function createCustomizableReadModel(db: Kysely<ControlTables>): CustomizableReadModel {
  const kept = new RecentlyUsed<Customizables>(KEPT);
  const of = async (module: ModuleId, version: Version): Promise<Customizables> => {
    const key = `${module} ${version}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const found = await readCustomizables(db, module, version);
    // A release that is not published yet may be soon.
    if (found.size > 0) kept.set(key, withFields(found));
    return withFields(found);
  };
  return {
    of,
    async get(module, version, name) {
      const all = await of(module, version);
      const found = all.get(name);
      if (found === undefined) {
        throw new CustomizableNotFoundError(module, version, name, [...all.keys()]);
      }
      return found;
    },
  };
}

/** Tenants' own columns are carried along whatever a release says of them. */
function withFields(found: Customizables): Customizables {
  return found.has(CUSTOM_FIELDS) ? found : new Map([...found, [CUSTOM_FIELDS, customFieldsOf(NO_FIELDS, {})]]);
}

async function readCustomizables(
  db: Kysely<ControlTables>,
  module: ModuleId,
  version: Version,
): Promise<Customizables> {
  const rows = await db
    .selectFrom("customizables as c")
    .innerJoin("customization_texts as d", "d.digest", "c.default_digest")
    .leftJoin("customization_texts as s", "s.digest", "c.schema_digest")
    .select(["c.name", "c.kind", "c.format", "c.default_digest", "c.formerly", "c.renamed", "c.prefer"])
    .select(["d.content", "s.content as schema"])
    .where("c.module", "=", module)
    .where("c.version", "=", version)
    .orderBy("c.name")
    .execute();
  return new Map(
    rows.map((row): [string, Customizable] => {
      if (row.kind === "fields")
        return [row.name, customFieldsOf(JSON.parse(row.schema ?? "") as ReleaseFields, row.prefer)];
      const one = {
        name: row.name,
        kind: row.kind,
        format: row.format,
        content: row.content,
        contentDigest: row.default_digest,
        schema: schemaOf(row.kind, row.schema ?? undefined),
        schemaText: row.schema ?? undefined,
        formerly: row.formerly ?? undefined,
        renames: renamesOf(row.renamed),
        prefer: row.prefer,
        fields: undefined,
      };
      return [row.name, one];
    }),
  );
}
