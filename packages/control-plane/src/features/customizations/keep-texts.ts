import type { Kysely } from "kysely";
import type { ControlTables } from "../../db/control-tables.ts";
import { digestOf } from "./customizable.ts";

/** Stores texts under their digests; those that are there already once. */
export async function keepTexts(db: Kysely<ControlTables>, texts: readonly string[]): Promise<void> {
  const rows = [...new Set(texts)].map((content) => ({ digest: digestOf(content), content }));
  if (rows.length === 0) return;
  await db
    .insertInto("customization_texts")
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
