import {
  exportHttpRoutes,
  haproxyFiles,
  HaproxyState,
  readRoutes,
  writeEnvoyFiles,
  writeHaproxyFiles,
} from "@aibos/engines";
import {
  type EngineSettings,
  envoyOptionsOf,
  folderOf,
  gatewayApiOptionsOf,
  haproxyOptionsOf,
} from "./engine-settings.ts";

export interface Exported {
  readonly revision: number;
  readonly routes: number;
  readonly files: readonly string[];
}

/** Writes the routes as they are now. @throws InvalidArgumentError, and what reading them throws */
export async function exportRoutes(
  server: { url: string; token: string },
  settings: EngineSettings,
): Promise<Exported> {
  const write = writerOf(settings);
  const table = await readRoutes(server);
  const files = await write(table);
  return { revision: table.revision, routes: table.size, files };
}

type Write = (table: Awaited<ReturnType<typeof readRoutes>>) => Promise<readonly string[]>;

/** What is wrong with the settings is told before anything is asked of the server. */
function writerOf(settings: EngineSettings): Write {
  switch (settings.target) {
    case "haproxy": {
      const options = haproxyOptionsOf(settings);
      return async (table) => {
        const state = new HaproxyState(options);
        state.replace(table);
        await writeHaproxyFiles(options, state);
        return Object.values(haproxyFiles(options.folder));
      };
    }
    case "envoy": {
      const options = envoyOptionsOf(settings);
      return async (table) => {
        await writeEnvoyFiles(table, options, Date.now());
        return ["cds.json", "rds.json"].map((name) => `${options.folder}/${name}`);
      };
    }
    case "gateway-api": {
      const options = gatewayApiOptionsOf(settings);
      const folder = folderOf(settings);
      return async (table) => [await exportHttpRoutes(table, options, { folder, now: Date.now() })];
    }
  }
}
