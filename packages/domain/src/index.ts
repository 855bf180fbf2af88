export { DomainError } from "./domain-error.ts";
export { InvalidIdentifierError, type IdentifierKind } from "./identifiers/invalid-identifier-error.ts";
export { isTenantId, parseTenantId, type TenantId } from "./identifiers/tenant-id.ts";
export { isModuleId, parseModuleId, type ModuleId } from "./identifiers/module-id.ts";
export { isInstallationId, parseInstallationId, type InstallationId } from "./identifiers/installation-id.ts";
export {
  EXTENSION_SCHEMA,
  rollbackSchemaName,
  tenantRoleName,
  tenantSchemaName,
  versionRoleName,
} from "./identifiers/sql-names.ts";
export { compareVersions, isVersion, parseVersion, type Version } from "./versions/version.ts";
export { isVersionRange, parseRange, satisfiesRange, type VersionRange } from "./versions/version-range.ts";
export { InvalidRangeError } from "./versions/invalid-range-error.ts";
export { parseTrafficSplit, SLOTS, type TrafficSplit, type VersionWeight } from "./traffic/traffic-split.ts";
export { InvalidTrafficSplitError } from "./traffic/invalid-traffic-split-error.ts";
export {
  bucketCeiling,
  bucketLatency,
  LAST_LATENCY_BUCKET,
  latencyBucket,
  LATENCY_ERROR,
  LONGEST_LATENCY,
  SHORTEST_LATENCY,
} from "./measurements/latency-buckets.ts";
export {
  latencyQuantile,
  mergeSketches,
  sketchLatencies,
  sketchSize,
  type LatencySketch,
} from "./measurements/latency-sketch.ts";
export { chooseVersion, slotOf, versionOfSlot } from "./traffic/choose-version.ts";
export {
  compileRules,
  type CompiledRules,
  type MatchRule,
  type RequestFacts,
  type RuleCondition,
  type Segments,
} from "./traffic/match-rules.ts";
export { buildUpgradeGraph, type Risk, type UpgradeGraph, type UpgradeRelease } from "./upgrade-graph/upgrade-graph.ts";
export { findUpgradePath } from "./upgrade-graph/find-upgrade-path.ts";
export { NoUpgradePathError } from "./upgrade-graph/no-upgrade-path-error.ts";
