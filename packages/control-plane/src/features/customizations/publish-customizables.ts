import type { ModuleManifest } from "@aibos/contract";
import { CUSTOM_FIELDS } from "@aibos/domain";
import { type Migration, readTableChanges } from "@aibos/tenant-data";
import { readArchiveTexts } from "../../artifacts/read-archive-texts.ts";
import type { ControlTransaction } from "../../db/control-database.ts";
import { checkContent, digestOf, NO_FIELDS_TEXT, type ReleaseFields, schemaOf } from "./customizable.ts";
import { keepTexts } from "./keep-texts.ts";

/** What a release lets tenants change, read from its archive and checked. */
export interface CustomizableFiles {
  readonly name: string;
  readonly declared: ModuleManifest["customizable"][string];
  readonly content: string;
  /** Of a document or of a hook's payload. */
  readonly schema: string | undefined;
}

/** @throws ArchiveInvalidError, DocumentRefusedError, DocumentSchemaError, CustomizationInvalidError */
export async function readCustomizables(
  archive: Buffer,
  { customizable }: ModuleManifest,
): Promise<CustomizableFiles[]> {
  const declared = Object.entries(customizable);
  const paths = declared.flatMap(([, one]) => [contentFile(one), schemaFile(one)].filter((path) => path !== undefined));
  const texts = await readArchiveTexts(archive, new Set(paths));
  return declared.map(([name, one]) => {
    const content = texts.get(contentFile(one) ?? "") ?? "null\n";
    const schema = texts.get(schemaFile(one) ?? "");
    // Of a hook, the schema is its payload's; it must be one all the same.
    if (one.kind === "hook") schemaOf("document", schema);
    checkContent({ name, format: formatOf(one), schema: schemaOf(one.kind, schema) }, content);
    return { name, declared: one, content, schema };
  });
}

export async function storeCustomizables(
  { db }: ControlTransaction,
  { id: module, version }: ModuleManifest,
  files: readonly CustomizableFiles[],
): Promise<void> {
  if (files.length === 0) return;
  await keepTexts(
    db,
    files.flatMap(({ content, schema }) => (schema === undefined ? [content] : [content, schema])),
  );
  await db
    .insertInto("customizables")
    .values(
      files.map(({ name, declared, content, schema }) => ({
        module,
        version,
        name,
        kind: declared.kind,
        format: formatOf(declared),
        default_digest: digestOf(content),
        schema_digest: schema === undefined ? null : digestOf(schema),
        formerly: declared.formerly ?? null,
        renamed: JSON.stringify(declared.kind === "document" ? declared.renamed : {}),
        prefer: JSON.stringify(declared.prefer),
      })),
    )
    .execute();
}

/**
 * Keeps what a release says of tenants' own columns, and what its migrations do to tables: what would become of columns is
 * told of thousands of tenants without reading archives.
 */
export async function storeCustomFields(
  { db }: ControlTransaction,
  { id: module, version, customFields }: ModuleManifest,
  migrations: readonly Migration[],
): Promise<void> {
  if (migrations.length === 0) return;
  const changes = await Promise.all(migrations.map(readTableChanges));
  const text = JSON.stringify({ tables: customFields.tables, changes } satisfies ReleaseFields);
  await keepTexts(db, [NO_FIELDS_TEXT, text]);
  await db
    .insertInto("customizables")
    .values({
      module,
      version,
      name: CUSTOM_FIELDS,
      kind: "fields",
      format: "json",
      default_digest: digestOf(NO_FIELDS_TEXT),
      schema_digest: digestOf(text),
      formerly: null,
      renamed: "{}",
      prefer: JSON.stringify({ "custom-field": customFields.prefer }),
    })
    .execute();
}

function formatOf(declared: CustomizableFiles["declared"]): "json" | "yaml" | "text" {
  if (declared.kind === "document") return declared.format;
  return declared.kind === "hook" ? "json" : "text";
}

function contentFile({ content }: CustomizableFiles["declared"]): string | undefined {
  return content;
}

function schemaFile(declared: CustomizableFiles["declared"]): string | undefined {
  if (declared.kind === "document") return declared.schema;
  return declared.kind === "hook" ? declared.payload : undefined;
}
