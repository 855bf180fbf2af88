import { join } from "node:path";
import type { RouteTable } from "@aibos/gateway";
import type { EngineTarget } from "../engine-target.ts";
import { writeFileWhole } from "../write-file-whole.ts";
import { envoyClusters } from "./envoy-clusters.ts";
import type { EnvoyOptions } from "./envoy-options.ts";
import { envoyRouteConfiguration } from "./envoy-routes.ts";

/**
 * Writes `cds.json` and `rds.json` as Envoy's file subscriptions read them (`DiscoveryResponse`), each put in place by a
 * rename, which is what Envoy watches for. Clusters come first: no route names one that is not there.
 *
 * @param now in milliseconds since the epoch
 */
export async function writeEnvoyFiles(table: RouteTable, options: EnvoyOptions, now: number): Promise<void> {
  const expires = Math.floor(now / 1_000) + options.contextSeconds;
  const version = `${table.revision}-${expires}`;
  const clusters = [...envoyClusters(table, options)];
  const routes = [envoyRouteConfiguration({ table, expires }, options)];
  await writeFileWhole(join(options.folder, "cds.json"), discovery(version, clusters));
  await writeFileWhole(join(options.folder, "rds.json"), discovery(version, routes));
}

/** Requests from before a change can't be told apart in Envoy: for so long they may be under way, in milliseconds. */
const SETTLE_MS = 10_000;

/** An Envoy that follows those files. What it has really read is not known: see the guide. */
export function createEnvoyTarget(options: EnvoyOptions, now: () => number = Date.now): EngineTarget {
  let writtenAt = 0;
  const changed = new Map<string, { tenant: string; module: string; at: number }>();

  async function write(table: RouteTable): Promise<void> {
    writtenAt = now();
    await writeEnvoyFiles(table, options, writtenAt);
  }

  return {
    replace: write,
    async change(table, changes) {
      await write(table);
      for (const change of changes) {
        if (change.kind !== "route") continue;
        const { tenant, module } = change;
        changed.set(`${tenant}/${module}`, { tenant, module, at: writtenAt });
      }
    },
    async draining() {
      for (const [key, { at }] of changed) if (now() - at >= SETTLE_MS) changed.delete(key);
      return [...changed.values()].map(({ tenant, module }) => ({ tenant, module, requests: 1 }));
    },
    hasForgotten: async () => now() - writtenAt > options.contextSeconds * 500,
    close: async () => undefined,
  };
}

function* discovery(version: string, resources: readonly object[]): Generator<string> {
  yield `{"version_info":${JSON.stringify(version)},"resources":[\n`;
  for (const [index, resource] of resources.entries()) {
    yield `${JSON.stringify(resource)}${index < resources.length - 1 ? "," : ""}\n`;
  }
  yield "]}\n";
}
