import { DomainError, type ModuleId } from "@aibos/domain";

/** Failures of feature flags. */

export class FlagNotFoundError extends DomainError {
  readonly code = "AIBOS_FLAG_NOT_FOUND";
  readonly flag: string;
  constructor(module: ModuleId, flag: string) {
    super(
      `No version of "${module}" declares a flag "${flag}". List them with "aibos-versions flags list -m ${module}".`,
    );
    this.flag = flag;
  }
}

/** What is wrong with one flag of a request. */
export interface FlagRefusal {
  readonly flag: string;
  readonly message: string;
}

/** Nothing was changed: at least one flag can't have what it was given. */
export class FlagsInvalidError extends DomainError {
  readonly code = "AIBOS_FLAGS_INVALID";
  readonly refusals: readonly FlagRefusal[];
  constructor(subject: string, refusals: readonly FlagRefusal[]) {
    super(
      `Nothing was changed for ${subject}: ${refusals.map(({ flag, message }) => `"${flag}" ${message}`).join("; ")}.`,
    );
    this.refusals = refusals;
  }
}

/** A version removes or retypes flags that a live version declares, and does not say that it means to. */
export class FlagsBreakingError extends DomainError {
  readonly code = "AIBOS_FLAGS_BREAKING";
  readonly breaks: readonly FlagRefusal[];
  constructor(module: ModuleId, version: string, breaks: readonly FlagRefusal[]) {
    const names = breaks.map(({ flag }) => flag).join(", ");
    super(
      `${module} ${version} breaks flags of versions that tenants use: ${breaks.map(({ message }) => message).join("; ")}. ` +
        `Say "renamedFrom" where a flag has another name, or name what is meant in the manifest: breakingFlags: [${names}].`,
    );
    this.breaks = breaks;
  }
}

export class FlagChangeNotFoundError extends DomainError {
  readonly code = "AIBOS_FLAG_CHANGE_NOT_FOUND";
  constructor(module: ModuleId, revision: number) {
    super(
      `There is no change ${revision} of "${module}"'s flags that can be taken back. See "aibos-versions flags history".`,
    );
  }
}

export class FlagKeyNotFoundError extends DomainError {
  readonly code = "AIBOS_FLAG_KEY_NOT_FOUND";
  constructor(keyId: string) {
    super(`There is no flag key "${keyId}", or it was revoked before.`);
  }
}

/** A rollout drives the flag's rule; nobody else may meanwhile. */
export class FlagRolloutActiveError extends DomainError {
  readonly code = "AIBOS_FLAG_ROLLOUT_ACTIVE";
  readonly rolloutId: string;
  constructor(module: ModuleId, flag: string, rolloutId: string) {
    super(
      `Rollout ${rolloutId} drives flag "${flag}" of "${module}". End it first: "aibos-versions rollout abort ${rolloutId}" ` +
        `(back to the rule of before) or "aibos-versions rollout promote ${rolloutId}". A kill switch works all the same.`,
    );
    this.rolloutId = rolloutId;
  }
}
