import { join } from "node:path";
import type { RouteTable } from "@aibos/gateway";
import { writeFileWhole } from "../write-file-whole.ts";
import type { GatewayApiOptions } from "./gateway-api-options.ts";
import { httpRouteOf } from "./http-route.ts";

/**
 * Writes all routes as one `List` of HTTPRoutes, for `kubectl apply -f`. It holds signed contexts: only its owner can
 * read it.
 *
 * @param now in milliseconds since the epoch
 * @returns the file
 */
export async function exportHttpRoutes(
  table: RouteTable,
  options: GatewayApiOptions,
  to: { folder: string; now: number },
): Promise<string> {
  const path = join(to.folder, "httproutes.json");
  const source = { table, expires: Math.floor(to.now / 1_000) + options.contextSeconds };
  function* lines(): Generator<string> {
    yield '{"apiVersion":"v1","kind":"List","items":[\n';
    let separator = "";
    for (const entry of table.entries()) {
      yield `${separator}${JSON.stringify(httpRouteOf(entry, source, options))}`;
      separator = ",\n";
    }
    yield "\n]}\n";
  }
  await writeFileWhole(path, lines());
  return path;
}
