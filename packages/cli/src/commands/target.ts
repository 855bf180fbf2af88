import type { Command } from "commander";
import { parsePercent } from "./option-values.ts";

/** Which tenant and module a command is about, as the command line has it. */
export interface Target {
  readonly tenant: string;
  readonly module: string;
}

export interface VersionedTarget extends Target {
  readonly version: string;
}

const TENANT = ["-t, --tenant <id>", "the tenant"] as const;
const MODULE = ["-m, --module <id>", "the module"] as const;

/** `-t` and `-m`, both needed. */
export function targetOptions(command: Command): Command {
  return command.requiredOption(...TENANT).requiredOption(...MODULE);
}

/** `-t` and `-m`, to narrow a list. */
export function filterOptions(command: Command): Command {
  return command.option(...TENANT).option(...MODULE);
}

export function moduleOption(command: Command): Command {
  return command.requiredOption(...MODULE);
}

export function versionOption(command: Command, description: string): Command {
  return command.requiredOption("-v, --version <version>", description);
}

export function trafficOption(command: Command): Command {
  return command.option("--traffic <percent>", "share of users for the new version, with percentage", (text: string) =>
    parsePercent(text),
  );
}

/**
 * Checks identifiers before they become part of an address: "..", for one, would lead to another route.
 *
 * @throws InvalidIdentifierError
 */
export async function checkTarget(target: {
  readonly tenant?: string | undefined;
  readonly module?: string | undefined;
  readonly versions?: readonly (string | undefined)[];
}): Promise<void> {
  const { parseModuleId, parseTenantId, parseVersion } = await import("@aibos/domain");
  if (target.tenant !== undefined) parseTenantId(target.tenant);
  if (target.module !== undefined) parseModuleId(target.module);
  for (const version of target.versions ?? []) if (version !== undefined) parseVersion(version);
}
