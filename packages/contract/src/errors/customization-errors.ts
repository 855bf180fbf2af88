import { DomainError, type ModuleId, type TenantId, type Version } from "@aibos/domain";

/** Failures of customisations. */

export class CustomizableNotFoundError extends DomainError {
  readonly code = "AIBOS_CUSTOMIZABLE_NOT_FOUND";
  constructor(module: ModuleId, version: Version, name: string, known: readonly string[]) {
    super(
      `${module} ${version} has nothing to customise that is called "${name.slice(0, 80)}". ` +
        (known.length === 0 ? "It has nothing to customise." : `There are: ${known.join(", ")}.`),
    );
  }
}

/** A tenant's content does not fit the schema of its version. */
export class CustomizationInvalidError extends DomainError {
  readonly code = "AIBOS_CUSTOMIZATION_INVALID";
  readonly violations: readonly { readonly path: string; readonly message: string }[];
  constructor(name: string, violations: CustomizationInvalidError["violations"]) {
    const shown = violations.slice(0, 5).map(({ path, message }) => `${path === "" ? "it" : path} ${message}`);
    super(`"${name}" is not valid: ${shown.join("; ")}${violations.length > 5 ? "; …" : ""}. Nothing was changed.`);
    this.violations = violations;
  }
}

/** Changes of a tenant's and of the vendor's don't go together, and nobody has decided. */
export class CustomizationConflictError extends DomainError {
  readonly code = "AIBOS_CUSTOMIZATION_CONFLICT";
  readonly conflicts: readonly { readonly name: string; readonly path: string; readonly kind: string }[];
  /** The versions on the way, both ends included. */
  readonly path: readonly Version[];
  constructor(
    tenant: TenantId,
    module: ModuleId,
    path: readonly Version[],
    conflicts: CustomizationConflictError["conflicts"],
  ) {
    const shown = conflicts
      .slice(0, 5)
      .map(({ name, path, kind }) => `${name}${path === "" ? "" : ` ${path}`} (${kind})`);
    super(
      `Tenant "${tenant}" can't be moved to ${module} ${path.at(-1) ?? ""} while customisations conflict: ${shown.join(", ")}` +
        `${conflicts.length > 5 ? ", …" : ""}. Decide with "aibos-versions resolve-conflicts -m ${module}".`,
    );
    this.conflicts = conflicts;
    this.path = path;
  }
}

export class ConflictNotFoundError extends DomainError {
  readonly code = "AIBOS_CONFLICT_NOT_FOUND";
  constructor(module: ModuleId, id: string) {
    super(
      `${module} has no conflict "${id.slice(0, 80)}". List them with "aibos-versions resolve-conflicts -m ${module}".`,
    );
  }
}

export class ResolutionNotFoundError extends DomainError {
  readonly code = "AIBOS_RESOLUTION_NOT_FOUND";
  constructor(id: string) {
    super(`There is no recorded resolution "${id.slice(0, 80)}" that still holds.`);
  }
}

export class CustomizationEntryNotFoundError extends DomainError {
  readonly code = "AIBOS_CUSTOMIZATION_ENTRY_NOT_FOUND";
  constructor(name: string, entry: string) {
    super(`The history of "${name}" has no entry ${entry} that can be applied to the tenant's present version.`);
  }
}
