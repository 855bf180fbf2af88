import type { ClientBase } from "pg";
import { describeRow } from "../describe-row.ts";
import type { RowRange } from "./rows-to-look-at.ts";

/** Finds the row for which a query over some rows fails, by halves. Undefined when none fails any more. */
export async function findFailingRow(
  client: ClientBase,
  ranges: readonly RowRange[],
  fails: (ranges: readonly RowRange[], places?: readonly string[]) => Promise<boolean>,
): Promise<string | undefined> {
  let some = ranges;
  while (some.length > 1) {
    const half = some.slice(0, Math.ceil(some.length / 2));
    some = (await fails(half)) ? half : some.slice(half.length);
  }
  let [range] = some;
  if (range === undefined) return undefined;
  while (range.to - range.from > 1) {
    const middle = Math.ceil((range.from + range.to) / 2);
    const half: RowRange = { ...range, to: middle };
    range = (await fails([half])) ? half : { ...range, from: middle };
  }
  const { leaf, from, to } = range;
  const { rows } = await client.query<{ place: string }>(
    `select ctid::text as place from only ${leaf} where ctid >= '(${from},0)'::tid and ctid < '(${to},0)'::tid`,
  );
  let places = rows.map(({ place }) => place);
  while (places.length > 1) {
    const half = places.slice(0, Math.ceil(places.length / 2));
    places = (await fails([range], half)) ? half : places.slice(half.length);
  }
  const [place] = places;
  if (place === undefined || !(await fails([range], [place]))) return undefined;
  return describeRow(client, leaf, place);
}
