import { createHash } from "node:crypto";
import { MigrationFileError } from "./migration-file-error.ts";

/** One SQL file of a migration. */
export interface SqlFile {
  /** Its path, as messages name it. */
  readonly file: string;
  readonly sql: string;
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly checksum: string;
}

/** A numbered change of the data: its up file, and the down file that takes it back, where there is one. */
export interface SqlMigration {
  readonly kind: "sql";
  readonly number: number;
  readonly name: string;
  readonly up: SqlFile;
  readonly down: SqlFile | null;
}

const LARGEST_BYTES = 8 * 1024 * 1024;
const FILE_NAME = /^(\d{1,15})_([A-Za-z0-9][A-Za-z0-9_.-]{0,150}?)\.(up|down)\.sql$/;

/**
 * Orders files into migrations. What is said in each file is looked at by `checkMigrations`.
 *
 * @param files paths, of which the last part counts, with their contents
 * @throws MigrationFileError naming the file
 */
export function parseSqlMigrations(files: readonly { path: string; content: string }[]): SqlMigration[] {
  const ups = new Map<number, { name: string; file: SqlFile }>();
  const downs = new Map<number, { name: string; file: SqlFile }>();
  for (const { path, content } of files) {
    const match = FILE_NAME.exec(path.split("/").at(-1) ?? "");
    if (match === null) {
      throw new MigrationFileError(path, 'it must be named like "001_customers.up.sql" or "001_customers.down.sql"');
    }
    const [, digits = "", name = "", direction = ""] = match;
    const number = Number(digits);
    if (number === 0) throw new MigrationFileError(path, "numbers begin at 001");
    if (Buffer.byteLength(content) > LARGEST_BYTES) throw new MigrationFileError(path, "it is larger than 8 MiB");
    if (content.includes("\0") || content.includes("\uFFFD")) {
      throw new MigrationFileError(path, "it is not plain text in UTF-8");
    }
    const side = direction === "up" ? ups : downs;
    const other = side.get(number);
    if (other !== undefined) throw new MigrationFileError(path, `${other.file.file} has the same number`);
    const checksum = createHash("sha256").update(content, "utf8").digest("hex");
    // Editors of some systems begin a file with a mark of its byte order.
    side.set(number, { name, file: { file: path, sql: content.replace(/^\uFEFF/, ""), checksum } });
  }
  for (const [number, down] of downs) {
    const up = ups.get(number);
    if (up === undefined) throw new MigrationFileError(down.file.file, "there is no up file of this number");
    if (up.name !== down.name) {
      throw new MigrationFileError(down.file.file, `its up file has another name, ${up.file.file}`);
    }
  }
  return [...ups]
    .sort(([a], [b]) => a - b)
    .map(([number, { name, file }]) => ({
      kind: "sql",
      number,
      name,
      up: file,
      down: downs.get(number)?.file ?? null,
    }));
}
