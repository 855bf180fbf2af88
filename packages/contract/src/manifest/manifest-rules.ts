import { compareVersions, isModuleId, parseFlagDefinitions } from "@aibos/domain";
import { schemaProblem } from "../flags/flag-schema.ts";
import { brokenPolicyRules } from "./rollout-policy.ts";
import type { ModuleManifest } from "./module-manifest.ts";

/** What a rule found, at a field. */
export interface BrokenRule {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Names that objects have of themselves; as keys they would be taken for what they are not. */
const OBJECT_NAMES = new Set(["constructor", "prototype"]);

/** What fields mean together, where each of them is well formed by itself. */
export function brokenManifestRules(manifest: ModuleManifest): BrokenRule[] {
  return [
    ...runtimeRules(manifest),
    ...upgradeRules(manifest),
    ...dependencyRules(manifest),
    ...lifecycleRules(manifest),
    ...rolloutRules(manifest),
    ...flagRules(manifest),
  ];
}

function* runtimeRules({ runtime, install }: ModuleManifest): Generator<BrokenRule> {
  const external = runtime.driver === "external";
  if (!external && runtime.command === undefined) {
    yield { path: ["runtime"], message: 'needs "command": the driver "process" starts it' };
  }
  if (external && runtime.command !== undefined) {
    yield { path: ["runtime", "command"], message: 'is never run with the driver "external"; remove it' };
  }
  if (external && install !== undefined) {
    yield { path: ["install"], message: 'is never run with the driver "external"; remove it' };
  }
  for (const name of Object.keys(runtime.environment)) {
    if (name === "PORT" || name.startsWith("AIBOS_")) {
      yield { path: ["runtime", "environment", name], message: "is set by the platform; choose another name" };
    }
  }
}

function* upgradeRules({ upgrades }: ModuleManifest): Generator<BrokenRule> {
  if (upgrades.from === undefined && upgrades.blocked.length > 0) {
    yield {
      path: ["upgrades", "blocked"],
      message: 'blocks nothing: without "upgrades.from" no version can move here',
    };
  }
}

function* dependencyRules({ id, dependencies }: ModuleManifest): Generator<BrokenRule> {
  for (const module of Object.keys(dependencies)) {
    const path = ["dependencies", module];
    if (!isModuleId(module) || OBJECT_NAMES.has(module)) yield { path, message: "is not a module's identifier" };
    if (module === id) yield { path, message: "is this module itself; a module can't depend on itself" };
  }
}

function* rolloutRules({ rollout }: ModuleManifest): Generator<BrokenRule> {
  if (rollout === undefined) return;
  for (const { path, message } of brokenPolicyRules(rollout)) yield { path: ["rollout", ...path], message };
}

function* flagRules({ flags }: ModuleManifest): Generator<BrokenRule> {
  const { definitions, problems } = parseFlagDefinitions(flags);
  for (const { path, message } of problems) yield { path: ["flags", ...path], message };
  for (const { key, schema, variants } of definitions) {
    if (schema === undefined) continue;
    for (const [variant, value] of variants) {
      const message = schemaProblem(schema, value);
      if (message !== null) yield { path: ["flags", key, "schema"], message: `variant "${variant}": ${message}` };
    }
  }
}

function* lifecycleRules({ version, lifecycle }: ModuleManifest): Generator<BrokenRule> {
  const { replacement, deprecatedOn, endOfLife } = lifecycle;
  if (replacement !== undefined && compareVersions(replacement, version) <= 0) {
    yield { path: ["lifecycle", "replacement"], message: `must be newer than this version, ${version}` };
  }
  if (deprecatedOn !== undefined && endOfLife !== undefined && endOfLife < deprecatedOn) {
    yield { path: ["lifecycle", "endOfLife"], message: `must not be before deprecatedOn, ${deprecatedOn}` };
  }
}
