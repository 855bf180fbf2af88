import { parseModuleId, type ModuleId } from "../../identifiers/module-id.ts";
import { parseVersion, type Version } from "../../versions/version.ts";
import { parseRange } from "../../versions/version-range.ts";
import type { ModuleRelease } from "../module-universe.ts";

/** Releases from a short notation: `{ "crm 1.0.0": { accounting: ">=2.0.0" } }`. */
export function releasesOf(world: Record<string, Record<string, string>>): ModuleRelease[] {
  return Object.entries(world).map(([name, dependencies]) => {
    const [module = "", version = ""] = name.split(" ");
    return {
      module: parseModuleId(module),
      version: parseVersion(version),
      dependencies: new Map(
        Object.entries(dependencies).map(([needs, range]) => [parseModuleId(needs), parseRange(range)]),
      ),
    };
  });
}

/** Versions from a short notation: `{ crm: "1.0.0" }`. */
export function versionsOf(versions: Record<string, string>): Map<ModuleId, Version> {
  return new Map(Object.entries(versions).map(([module, version]) => [parseModuleId(module), parseVersion(version)]));
}
