export { DomainError } from "./domain-error.ts";
export { InvalidIdentifierError, type IdentifierKind } from "./identifiers/invalid-identifier-error.ts";
export { isTenantId, parseTenantId, type TenantId } from "./identifiers/tenant-id.ts";
export { isModuleId, parseModuleId, type ModuleId } from "./identifiers/module-id.ts";
export { compareVersions, isVersion, parseVersion, type Version } from "./versions/version.ts";
export { isVersionRange, parseRange, satisfiesRange, type VersionRange } from "./versions/version-range.ts";
export { InvalidRangeError } from "./versions/invalid-range-error.ts";
