import type { RouteEntry } from "@aibos/gateway";
import { MOST_CHOICES } from "./haproxy-options.ts";

/** What may be a part of a row, which has `|`, `:`, `=` and blanks between its parts; and of JSON without escapes. */
const PLAIN = /^[A-Za-z0-9_.+-]+$/;

/**
 * A route as a row of the map, which HAProxy takes apart for each request:
 *
 * - `<n>|<tenant>/<module>@<generation>|<role>|<version>=<end>=<schema>=<views>=<data version>=<backend>:…`: HAProxy
 *   chooses the first version whose `end` is above the user's slot, newest version first. `n` is how many there are, as far
 *   as rules ask: 1, 2, or 3 for more
 * - `g`: a gateway does it
 * - `s`: the tenant is suspended
 *
 * @param generation tells the requests from before a change from those after it
 * @param backendOf the backend of the version's processes; undefined where there is none
 */
export function haproxyRow(
  entry: RouteEntry,
  generation: string,
  backendOf: (version: string) => string | undefined,
): string {
  const { route, versions } = entry;
  if (route.state === "suspended") return "s";
  const chosen = versions.filter(({ weight }) => weight > 0);
  const isPlain = [
    route.role,
    ...chosen.flatMap(({ version, schema, views, dataVersion }) => [version, schema, views, dataVersion]),
  ].every((text) => PLAIN.test(text));
  const isOwn = route.hold === null && entry.policy === undefined && chosen.length <= MOST_CHOICES;
  if (!isOwn || !isPlain || chosen.some(({ version }) => backendOf(version) === undefined)) return "g";
  let end = 0;
  const cells = chosen.map(({ version, weight, schema, views, dataVersion }) => {
    end += weight;
    return `${version}=${end}=${schema}=${views}=${dataVersion}=${backendOf(version)}`;
  });
  return `${Math.min(3, cells.length)}|${entry.key}@${generation}|${route.role}|${cells.join(":")}`;
}
