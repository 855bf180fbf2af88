import type { ColumnType, Generated, JSONColumnType } from "kysely";
import type { Preference } from "@aibos/contract";
import type { ConflictKind, JsonValue, ModuleId, TenantId, Version } from "@aibos/domain";

/** A line of the report of a merge, as it is stored. */
export interface StoredReportLine {
  readonly path: string;
  readonly outcome: "kept" | "updated" | "same" | "renamed" | "resolved" | "conflict";
  readonly detail: string | null;
}

type CreatedAt = ColumnType<Date, Date | undefined, Date>;
/** JSON that may be missing; written as JSON text. */
type OptionalJson = ColumnType<JsonValue | null, string | null, string | null>;

/** Tables of customisations. */
export interface CustomizationTables {
  customization_texts: { digest: string; content: string };
  customizables: {
    module: ModuleId;
    version: Version;
    name: string;
    kind: "document" | "text" | "hook" | "fields";
    format: "json" | "yaml" | "text";
    default_digest: string;
    schema_digest: string | null;
    formerly: string | null;
    renamed: JSONColumnType<Record<string, string>>;
    prefer: JSONColumnType<Preference>;
  };
  customizations: {
    id: Generated<number>;
    tenant: TenantId;
    module: ModuleId;
    version: Version;
    name: string;
    base_digest: string;
    content_digest: string | null;
    source_id: number | null;
    origin: "edit" | "reset" | "merge" | "reapply" | "restore";
    author: string;
    report: ColumnType<StoredReportLine[], string | undefined, string>;
    migration_id: string | null;
    superseded_by: ColumnType<string | null, string | null | undefined, string | null>;
    created_at: CreatedAt;
  };
  customization_conflicts: {
    digest: string;
    module: ModuleId;
    name: string;
    kind: ConflictKind;
    path: string;
    base: OptionalJson;
    ours: OptionalJson;
    theirs: OptionalJson;
    moved_to: string | null;
    detail: string | null;
    from_version: Version;
    to_version: Version;
    found_at: CreatedAt;
  };
  customization_conflict_tenants: { digest: string; tenant: TenantId; module: ModuleId };
  recorded_resolutions: {
    id: string;
    digest: string;
    module: ModuleId;
    take: "tenant" | "vendor" | "value";
    /** A list with the value; an empty one: nothing is there. Null where a side is taken. */
    value: ColumnType<[JsonValue] | [] | null, string | null, string | null>;
    tenant: TenantId | null;
    author: string;
    created_at: CreatedAt;
    revoked_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  };
  customization_policies: { tenant: TenantId; module: ModuleId; prefer: JSONColumnType<Preference> };
}
