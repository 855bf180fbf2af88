import type { ClientBase } from "pg";
import type { SchemaFingerprint } from "./fingerprint-schema.ts";
import { readStructure, type StructureLine } from "./read-structure.ts";

/** What differs between two states of a schema, one line each; empty when nothing does. */
export function describeDifference(before: SchemaFingerprint, after: SchemaFingerprint): string[] {
  const lines = [...differencesOf(before.definitions, after.definitions)];
  const rowsBefore = new Map(before.tables.map((table) => [table.name, table]));
  for (const table of after.tables) {
    const other = rowsBefore.get(table.name);
    if (other === undefined || other.checksum === table.checksum) continue;
    lines.push(
      other.rows === table.rows
        ? `rows of ${table.name}: other content (${table.rows} rows)`
        : `rows of ${table.name}: ${other.rows} before, ${table.rows} after`,
    );
  }
  if (lines.length === 0 && before.data !== after.data) lines.push("a sequence has another value");
  return lines;
}

/** What differs between two structures. */
export function* differencesOf(before: readonly StructureLine[], after: readonly StructureLine[]): Generator<string> {
  const then = new Map(before.map((line) => [line.object, line.definition]));
  const now = new Map(after.map((line) => [line.object, line.definition]));
  for (const [object, definition] of then) {
    const other = now.get(object);
    if (other === undefined) yield `${object}: is gone`;
    else if (other !== definition) yield `${object}: was "${definition}", is "${other}"`;
  }
  for (const object of now.keys()) if (!then.has(object)) yield `${object}: is new`;
}

/**
 * What differs between the structures of two schemas that different roles own; each role's name is taken for the
 * other's. The two are read in the caller's transaction.
 */
export async function compareStructures(
  client: ClientBase,
  before: { readonly schema: string; readonly owner: string },
  after: { readonly schema: string; readonly owner: string },
): Promise<string[]> {
  const then = await readStructure(client, before.schema);
  const now = (await readStructure(client, after.schema)).map((line) => ({
    object: line.object.replaceAll(after.owner, before.owner),
    definition: line.definition.replaceAll(after.owner, before.owner).replaceAll(after.schema, before.schema),
  }));
  return [...differencesOf(then, now)];
}
