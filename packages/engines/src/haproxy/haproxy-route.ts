import type { RouteEntry } from "@aibos/gateway";
import { MOST_CHOICES } from "./haproxy-options.ts";

/** What may be a part of a row, which has `|`, `:`, `=` and blanks between its parts; and of JSON without escapes. */
const PLAIN = /^[A-Za-z0-9_.+-]+$/;

/**
 * A route as a row of the map, which HAProxy takes apart for each request:
 *
 * - `a|<generation>|<role>|<version>=<end>=<schema>=<views>=<data version>:…`: HAProxy chooses the first version whose `end` is above the
 *   user's slot, newest version first
 * - `g`: a gateway does it
 * - `s`: the tenant is suspended
 *
 * @param generation tells the requests from before a change from those after it
 * @param hasBackend whether there is a backend for the version's processes
 */
export function haproxyRow(entry: RouteEntry, generation: string, hasBackend: (version: string) => boolean): string {
  const { route, versions } = entry;
  if (route.state === "suspended") return "s";
  const chosen = versions.filter(({ weight }) => weight > 0);
  const isPlain = [
    route.role,
    ...chosen.flatMap(({ version, schema, views, dataVersion }) => [version, schema, views, dataVersion]),
  ].every((text) => PLAIN.test(text));
  const isOwn = route.hold === null && entry.policy === undefined && chosen.length <= MOST_CHOICES;
  if (!isOwn || !isPlain || !chosen.every(({ version }) => hasBackend(version))) return "g";
  let end = 0;
  const cells = chosen.map(({ version, weight, schema, views, dataVersion }) => {
    end += weight;
    return `${version}=${end}=${schema}=${views}=${dataVersion}`;
  });
  return `a|${generation}|${route.role}|${cells.join(":")}`;
}
