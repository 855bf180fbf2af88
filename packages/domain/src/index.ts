export { DomainError } from "./domain-error.ts";
export { InvalidIdentifierError, type IdentifierKind } from "./identifiers/invalid-identifier-error.ts";
export { isTenantId, parseTenantId, type TenantId } from "./identifiers/tenant-id.ts";
export { isModuleId, parseModuleId, type ModuleId } from "./identifiers/module-id.ts";
export { isInstallationId, parseInstallationId, type InstallationId } from "./identifiers/installation-id.ts";
export {
  EXTENSION_SCHEMA,
  rehearsalName,
  rollbackSchemaName,
  tenantRoleName,
  tenantSchemaName,
  versionRoleName,
} from "./identifiers/sql-names.ts";
export { chooseDropped, type Keep } from "./retention/choose-dropped.ts";
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
export {
  failedRequests,
  REQUEST_ERRORS,
  type RequestError,
  type RequestErrors,
  VERSION_FAILURES,
} from "./measurements/request-errors.ts";
export { buildUpgradeGraph, type Risk, type UpgradeGraph, type UpgradeRelease } from "./upgrade-graph/upgrade-graph.ts";
export { findUpgradePath } from "./upgrade-graph/find-upgrade-path.ts";
export { NoUpgradePathError } from "./upgrade-graph/no-upgrade-path-error.ts";
export { cumulate, type CumulativeSketch } from "./statistics/cumulative-sketch.ts";
export { mannWhitney, type MannWhitney } from "./statistics/mann-whitney.ts";
export { type Counts, type Interval, rateDifferenceInterval, rateInterval } from "./statistics/rate-interval.ts";
export { quantileDifferenceInterval, quantileInterval } from "./statistics/quantile-interval.ts";
export type { Tolerance } from "./statistics/tolerance.ts";
export type { Analysis, Measure } from "./rollouts/analysis.ts";
export { judgeAfterSwitch } from "./rollouts/judge-after-switch.ts";
export { estimateBySize } from "./migrations/estimate-by-size.ts";
export { isFailing, judgeRollout } from "./rollouts/judge-rollout.ts";
export type { JudgementPolicy } from "./rollouts/judgement-policy.ts";
export {
  beginStep,
  NO_EVIDENCE,
  observePart,
  observeWindow,
  type RolloutEvidence,
  type RolloutWindow,
} from "./rollouts/rollout-evidence.ts";
export type { TenantWindow } from "./rollouts/tenant-evidence.ts";
export {
  beginRollout,
  commandRollout,
  moveRollout,
  type RolloutAction,
  type RolloutCommand,
  type RolloutCourse,
  type RolloutLook,
  type RolloutMove,
  type RolloutState,
} from "./rollouts/rollout-machine.ts";
export { type Freeze, freezeAt, readMoment, thawsAt } from "./freezes/freeze.ts";
export { isInWindow, isTimeZone, type TimeWindow, WEEKDAYS } from "./rollouts/time-window.ts";
export type { AnalysisVerdict, Judgement, Verdict } from "./rollouts/verdict.ts";
export { listLatencies, type VersionWindow } from "./rollouts/version-window.ts";
export {
  FLAG_KINDS,
  type FlagDefinition,
  type FlagKind,
  type FlagLevel,
  type FlagPrerequisite,
  type FlagRollout,
  type FlagScope,
  type FlagSegment,
  type FlagSetting,
  type TenantFacts,
} from "./flags/flag-definition.ts";
export type { FlagErrorCode, FlagExplanationStep, FlagMetadata, FlagReason, FlagResult } from "./flags/flag-result.ts";
export { FlagSet, type FlagChange, type FlagContext, type FlagExplanation } from "./flags/flag-set.ts";
export type { TenantFlags } from "./flags/flags-of-tenant.ts";
export { FLAG_TYPES, type FlagType, type FlagValue, isFlagValueOf, isSameFlagValue } from "./flags/flag-value.ts";
export type { FlagProblem } from "./flags/flag-problem.ts";
export { exportFlagd, importFlagd } from "./flags/flagd-format.ts";
export { logicProblem } from "./flags/logic-problem.ts";
export { parseFlagDefinitions } from "./flags/parse-flag-definitions.ts";
export { onVariant, parseSetting } from "./flags/parse-setting.ts";
export { canonicalJson, isMap, type JsonValue, propertyOf, sameJson } from "./customizations/json-value.ts";
export { type DocumentPath, formatPath, parsePath, segmentKey } from "./customizations/document-path.ts";
export {
  type Conflict,
  CONFLICT_KINDS,
  type ConflictKind,
  type Decide,
  type Decision,
  type ReportLine,
} from "./customizations/conflict.ts";
export {
  compileDocumentSchema,
  type DocumentSchema,
  DocumentSchemaError,
  type Violation,
} from "./customizations/document-schema.ts";
export { DocumentRefusedError, type RefusalReason } from "./customizations/document-refused-error.ts";
export {
  DOCUMENT_FORMATS,
  type DocumentFormat,
  type DocumentText,
  readDocumentText,
} from "./customizations/document-text.ts";
export {
  type CompiledExpression,
  compileExpression,
  type ExpressionFacts,
  type ExpressionResult,
} from "./customizations/evaluate-expression.ts";
export { mergeDocument, type MergedDocument } from "./customizations/merge-document.ts";
export { mergeDocumentText, type MergedText } from "./customizations/merge-document-text.ts";
export {
  CUSTOM_FIELD_TYPES,
  CUSTOM_FIELDS,
  type CustomFieldType,
  decisionOf,
  type FieldChoice,
  type FieldsByTable,
  isFieldName,
  mergeFields,
  type MergedFields,
  type TableChange,
} from "./customizations/merge-fields.ts";
export { mergeText, refuseText } from "./customizations/merge-text.ts";
export { changeValues, valueAt } from "./customizations/change-values.ts";
export { type Rename, renameProblem } from "./customizations/rename-paths.ts";
export type { ModuleRelease } from "./resolution/module-universe.ts";
export { findSmallestUpgrade, type UpgradeAnswer } from "./resolution/smallest-upgrade.ts";
export type { UpgradeMove } from "./resolution/upgrade-order.ts";
export { unifiedDiff } from "./customizations/unified-diff.ts";
export { planWaves, type PlannedWave, type UpgradeWave } from "./fleet-upgrades/upgrade-waves.ts";
export type { FailureLimit, FailureLimits } from "./fleet-upgrades/failure-limit.ts";
export { decideDeparture, type Departure, OPEN_POLICY, type UpgradePolicy } from "./fleet-upgrades/departure.ts";
export {
  FLEET_STATUSES,
  type FleetCommand,
  commandFleet,
  type FleetCourse,
  type FleetLook,
  type FleetState,
  type FleetStatus,
  isFinal,
  moveFleet,
  waveOf,
} from "./fleet-upgrades/fleet-machine.ts";
export {
  type FleetEvidence,
  type FleetGroups,
  type FleetJudgement,
  type FleetWindowPair,
  judgeFleet,
  NO_FLEET_EVIDENCE,
  observeFleet,
} from "./fleet-upgrades/fleet-evidence.ts";
export { type CarriedSetting, carrySetting } from "./flags/carry-setting.ts";
export { breakingFlagChanges, type FlagBreak } from "./flags/compare-definitions.ts";
export { type FlagLife, type StaleFlag, staleReasons } from "./flags/stale-flags.ts";
