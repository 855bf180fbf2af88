import { createHash } from "node:crypto";
import type { ClientBase } from "pg";
import { isNotOfExtension } from "../live-objects.ts";
import { queryAllUnder } from "../query-all.ts";
import { quoteIdentifier } from "../quote-identifier.ts";
import { readStructure, type StructureLine } from "./read-structure.ts";
import { withoutForcedRowSecurity } from "./row-security.ts";

/** Digests of a schema, the same for a true copy of it whatever its name, object numbers and physical order. */
export interface SchemaFingerprint {
  /** SHA-256 of all definitions, in hexadecimal. */
  readonly structure: string;
  /** SHA-256 of all rows and of the states of all sequences, in hexadecimal. */
  readonly data: string;
  readonly tables: readonly TableFingerprint[];
  readonly definitions: readonly StructureLine[];
}

export interface TableFingerprint {
  readonly name: string;
  readonly rows: number;
  readonly checksum: string;
}

/** Settings that decide how values are written as text. */
const TEXT_FORMAT = {
  timezone: "UTC",
  datestyle: "ISO, MDY",
  intervalstyle: "postgres",
  extra_float_digits: "3",
  bytea_output: "hex",
  lc_monetary: "C",
};

/**
 * Reads everything in a schema. Each row's text is hashed by the server (MD5), and the two halves of the hashes are added
 * up: 128 bits that do not depend on the order of rows and see duplicates. Against mistakes, not against an attacker.
 *
 * @param structure when the caller has read it in this transaction
 */
export async function fingerprintSchema(
  client: ClientBase,
  schema: string,
  structure?: readonly StructureLine[],
): Promise<SchemaFingerprint> {
  const definitions = structure ?? (await readStructure(client, schema));
  const { tables, sequences } = await withoutForcedRowSecurity(client, schema, () => readData(client, schema));
  return {
    structure: digest(definitions.map((line) => `${line.object}: ${line.definition}`)),
    data: digest([...tables.map((table) => `${table.name} ${table.rows} ${table.checksum}`), ...sequences]),
    tables,
    definitions,
  };
}

async function readData(
  client: ClientBase,
  schema: string,
): Promise<{ tables: TableFingerprint[]; sequences: string[] }> {
  const { rows: found } = await client.query<{ name: string; kind: "r" | "S" }>(
    `select c.relname as name, c.relkind as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'S') and ${isNotOfExtension("pg_class", "c.oid")}
     order by c.relname collate "C"`,
    [schema],
  );
  const results = await queryAllUnder(
    client,
    TEXT_FORMAT,
    found.map(({ name, kind }) => {
      const relation = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
      return kind === "S"
        ? `select last_value || ' ' || is_called as state from ${relation}`
        : `select count(*)::text as rows, sum(('x' || substr(hash, 1, 16))::bit(64)::bigint)::text as high,
             sum(('x' || substr(hash, 17, 16))::bit(64)::bigint)::text as low
           from (select md5(t::text) as hash from only ${relation} t) h`;
    }),
  );
  const tables: TableFingerprint[] = [];
  const sequences: string[] = [];
  for (const [index, { name, kind }] of found.entries()) {
    const [row]: Partial<Record<string, string | null>>[] = results[index]?.rows ?? [];
    if (kind === "S") sequences.push(`${name} ${row?.["state"] ?? ""}`);
    else {
      const checksum = digest([row?.["high"] ?? "", row?.["low"] ?? ""]);
      tables.push({ name, rows: Number(row?.["rows"] ?? 0), checksum });
    }
  }
  return { tables, sequences };
}

function digest(lines: readonly string[]): string {
  const hash = createHash("sha256");
  for (const line of lines) hash.update(line).update("\0");
  return hash.digest("hex");
}
