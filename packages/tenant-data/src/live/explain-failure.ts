import { type ClientBase, DatabaseError } from "pg";
import { quoteIdentifier } from "../quote-identifier.ts";
import { nameOf } from "./check-conversions.ts";
import { ConversionFailedError } from "./conversion-failed-error.ts";
import type { LiveVersion } from "./live-version.ts";
import { describeRow } from "./describe-row.ts";
import { readLiveVersions } from "./live-store.ts";
import { readConversion, readSchemaNames } from "./sync-trigger.ts";

/** Finds the row of a range of blocks that can't be filled, by halves, and which expression fails for it. */
export async function explainFailure(
  client: ClientBase,
  schema: string,
  failed: { version: LiveVersion; relation: string; leaf: string; from: number; to: number; error: DatabaseError },
): Promise<Error> {
  const { version, relation, leaf, error } = failed;
  const older = (await readLiveVersions(client, schema)).find(({ position }) => position === version.position - 1);
  const link = version.links.find((one) => one.relation === relation);
  const table = older?.model.tables.find((one) => one.relation === relation);
  const [target] = link?.up ?? [];
  if (older === undefined || link === undefined || table === undefined || target === undefined) return error;
  const fails = async (sql: string, values: unknown[]): Promise<Error | undefined> => {
    await client.query("savepoint try");
    const failure = await client.query(sql, values).then(
      () => undefined,
      (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason))),
    );
    await client.query("rollback to savepoint try; release savepoint try");
    return failure;
  };
  const column = quoteIdentifier(target.column);
  const { rows } = await client.query<{ place: string }>(
    `select ctid::text as place from only ${leaf} where ctid >= '(${failed.from},0)'::tid and ctid < '(${failed.to},0)'::tid`,
  );
  let places = rows.map(({ place }) => place);
  while (places.length > 1) {
    const half = places.slice(0, Math.ceil(places.length / 2));
    const bad = await fails(`update only ${leaf} set ${column} = ${column} where ctid = any ($1::tid[])`, [half]);
    places = bad === undefined ? places.slice(half.length) : half;
  }
  const [place] = places;
  if (place === undefined) return error;
  const row = await describeRow(client, leaf, place);
  const names = await readSchemaNames(client, schema);
  const subject = { version: version.version, table: table.name, row };
  for (const { column: filled, expression } of link.up) {
    const read = await readConversion(
      { schema, version: older.version, model: older.model, table, names },
      expression,
      "r",
    );
    const failure = await fails(`select ${read.sql} from only ${leaf} as r where r.ctid = $1::tid`, [place]);
    if (failure === undefined) continue;
    return new ConversionFailedError(
      { ...subject, column: nameOf(relation, filled, [version]), expression, message: messageOf(failure) },
      { cause: error },
    );
  }
  return new ConversionFailedError({ ...subject, message: messageOf(error) }, { cause: error });
}

/** What the author's own functions say of a row, too, as a sentence without its end. */
function messageOf(error: Error): string {
  const hint = error instanceof DatabaseError ? error.hint : undefined;
  return [error.message, ...(hint === undefined ? [] : [hint])]
    .map((text) => text.trim().replace(/[.]$/, ""))
    .join(". ");
}
