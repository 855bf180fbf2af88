import { ConfigInvalidError, FLAG_ENVIRONMENT, MODULE_ENVIRONMENT } from "@aibos/contract";

/** What a module's process is given by the platform. */
export interface ModuleConfig {
  /** TCP port to listen on, at 127.0.0.1. */
  readonly port: number;
  readonly databaseUrl: string;
  readonly contextKey: string;
  readonly module: string;
  readonly version: string;
  /** Where flags are followed; undefined where the platform did not say, as for a process that somebody else runs. */
  readonly flags?: { readonly url: string; readonly key: string };
}

/** Reads the environment. @throws ConfigInvalidError that names every variable that is missing or unusable */
export function readModuleConfig(environment: NodeJS.ProcessEnv = process.env): ModuleConfig {
  const read = (name: string): string => environment[name] ?? "";
  const missing = Object.values(MODULE_ENVIRONMENT).filter((name) => read(name) === "");
  if (missing.length > 0) {
    throw new ConfigInvalidError(
      `A module's process needs ${missing.join(", ")} in its environment. The platform sets them when it starts a ` +
        "version; to start one by hand, set them as the guide on writing a module says.",
    );
  }
  const port = Number(read(MODULE_ENVIRONMENT.port));
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigInvalidError(`${MODULE_ENVIRONMENT.port} must be a TCP port, a whole number from 0 to 65535.`);
  }
  const flags = { url: read(FLAG_ENVIRONMENT.url), key: read(FLAG_ENVIRONMENT.key) };
  return {
    ...(flags.url === "" || flags.key === "" ? {} : { flags }),
    port,
    databaseUrl: read(MODULE_ENVIRONMENT.databaseUrl),
    contextKey: read(MODULE_ENVIRONMENT.contextKey),
    module: read(MODULE_ENVIRONMENT.module),
    version: read(MODULE_ENVIRONMENT.version),
  };
}
