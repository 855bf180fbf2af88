import { compareVersions, DomainError, isVersion, type ModuleId, type TenantId, type Version } from "@aibos/domain";

/** Failures about what is published and who uses it. */

export class TenantNotFoundError extends DomainError {
  readonly code = "AIBOS_TENANT_NOT_FOUND";
  readonly tenant: TenantId;
  constructor(tenant: TenantId) {
    super(`There is no tenant "${tenant}". List them with "aibos-versions tenant list", or create it first.`);
    this.tenant = tenant;
  }
}

export class TenantExistsError extends DomainError {
  readonly code = "AIBOS_TENANT_EXISTS";
  readonly tenant: TenantId;
  constructor(tenant: TenantId) {
    super(`Tenant "${tenant}" already exists. Choose another identifier, or label the existing one.`);
    this.tenant = tenant;
  }
}

export class ModuleNotFoundError extends DomainError {
  readonly code = "AIBOS_MODULE_NOT_FOUND";
  readonly module: ModuleId;
  constructor(module: ModuleId) {
    super(`No version of module "${module}" was published. Publish one with "aibos-versions publish <folder>".`);
    this.module = module;
  }
}

export class ArtifactRemovedError extends DomainError {
  readonly code = "AIBOS_ARTIFACT_REMOVED";
  readonly module: ModuleId;
  readonly version: Version;
  constructor(module: ModuleId, version: Version) {
    super(
      `The archive of ${module} ${version} was removed by a cleanup, since its end of life is over and nobody was on it. ` +
        `Publish the same archive again, or choose a newer version.`,
    );
    this.module = module;
    this.version = version;
  }
}

export class VersionNotFoundError extends DomainError {
  readonly code = "AIBOS_VERSION_NOT_FOUND";
  readonly module: ModuleId;
  readonly version: Version;
  constructor(module: ModuleId, version: Version, published: readonly string[]) {
    super(`Version ${version} of module "${module}" was not published. Published: ${published.join(", ") || "none"}.`);
    this.module = module;
    this.version = version;
  }
}

export class VersionExistsError extends DomainError {
  readonly code = "AIBOS_VERSION_EXISTS";
  readonly module: ModuleId;
  readonly version: Version;
  constructor(module: ModuleId, version: Version, publishedDigest: string, givenDigest: string) {
    super(
      `${module} ${version} was published before with other content (sha256 ${publishedDigest.slice(0, 12)}…, now ` +
        `${givenDigest.slice(0, 12)}…). A published version never changes: give this content a new version.`,
    );
    this.module = module;
    this.version = version;
  }
}

export class ModuleNotInstalledError extends DomainError {
  readonly code = "AIBOS_MODULE_NOT_INSTALLED";
  readonly tenant: TenantId;
  readonly module: ModuleId;
  constructor(tenant: TenantId, module: ModuleId) {
    super(
      `Tenant "${tenant}" does not use module "${module}". Install it with ` +
        `"aibos-versions install -t ${tenant} -m ${module} -v <version>".`,
    );
    this.tenant = tenant;
    this.module = module;
  }
}

export class AlreadyInstalledError extends DomainError {
  readonly code = "AIBOS_ALREADY_INSTALLED";
  readonly tenant: TenantId;
  readonly module: ModuleId;
  constructor(tenant: TenantId, module: ModuleId, version: string) {
    super(
      `Tenant "${tenant}" already uses "${module}" at ${version}. Use "aibos-versions migrate-tenant" to move it to ` +
        `another version.`,
    );
    this.tenant = tenant;
    this.module = module;
  }
}

export class VersionNotLiveError extends DomainError {
  readonly code = "AIBOS_VERSION_NOT_LIVE";
  readonly version: Version;
  constructor(tenant: TenantId, module: ModuleId, version: Version, live: readonly string[]) {
    super(
      `Tenant "${tenant}" has no live instance of ${module} ${version}. Live: ${live.join(", ") || "none"}. ` +
        (live.some((other) => isVersion(other) && compareVersions(version, other) < 0)
          ? `To go back to it: "aibos-versions rollback-tenant -t ${tenant} -m ${module} -v ${version}".`
          : `Bring it up first with "aibos-versions enable-side-by-side -t ${tenant} -m ${module} -v ${version}".`),
    );
    this.version = version;
  }
}

/** Another module of the tenant is missing, or one of the two does not accept the other's version. */
export class DependencyUnmetError extends DomainError {
  readonly code = "AIBOS_DEPENDENCY_UNMET";
  constructor(tenant: TenantId, unmet: { dependent: string; needs: ModuleId; range: string; live: readonly string[] }) {
    super(
      `${unmet.dependent} needs module "${unmet.needs}" at ${unmet.range}; tenant "${tenant}" ` +
        (unmet.live.length === 0 ? "does not use it." : `has ${unmet.live.join(", ")}.`) +
        ` Install or migrate "${unmet.needs}" first.`,
    );
  }
}
