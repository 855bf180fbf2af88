import type { ClientBase } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import type { BackupManifest } from "./backup-manifest.ts";
import { CopyOut, type RowPiece } from "./copy-out.ts";
import { liftRowSecurity, putBackRowSecurity } from "./lift-row-security.ts";

type Table = BackupManifest["tables"][number];

/** The parts of COPY that name a table's rows. */
export function copyTarget(schema: string, { name, columns }: Table): string {
  const list = columns.length === 0 ? "" : ` (${columns.map(quoteIdentifier).join(", ")})`;
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}${list}`;
}

/** Gives a table's rows as COPY's text, in pieces, and counts them. All rows or an error: none is hidden. */
export async function copyRowsOut(
  client: ClientBase,
  schema: string,
  { table, hidesRows }: { table: Table; hidesRows: boolean },
  consume: (pieces: AsyncIterable<RowPiece>) => Promise<void>,
): Promise<number> {
  if (hidesRows) await liftRowSecurity(client, `${quoteIdentifier(schema)}.${quoteIdentifier(table.name)}`);
  const copy = client.query(new CopyOut(`copy ${copyTarget(schema, table)} to stdout`));
  try {
    await consume(copy.pieces());
  } catch (error) {
    await copy.discard();
    throw error;
  }
  if (hidesRows) await putBackRowSecurity(client);
  return copy.rowCount;
}
