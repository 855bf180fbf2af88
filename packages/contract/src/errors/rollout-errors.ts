import { DomainError, type ModuleId } from "@aibos/domain";

/** Failures of rollouts. */

export class RolloutNotFoundError extends DomainError {
  readonly code = "AIBOS_ROLLOUT_NOT_FOUND";
  readonly rolloutId: string;
  constructor(rolloutId: string) {
    super(`There is no rollout "${rolloutId}". List them with "aibos-versions rollout list".`);
    this.rolloutId = rolloutId;
  }
}

/** A rollout shares the tenant's traffic; nobody else may meanwhile. */
export class RolloutActiveError extends DomainError {
  readonly code = "AIBOS_ROLLOUT_ACTIVE";
  readonly rolloutId: string;
  constructor(tenant: string, module: ModuleId, rolloutId: string) {
    super(
      `Rollout ${rolloutId} shares the traffic of tenant "${tenant}", module "${module}". End it first: ` +
        `"aibos-versions rollout abort ${rolloutId}" (back to the old version) or "aibos-versions rollout promote ${rolloutId}".`,
    );
    this.rolloutId = rolloutId;
  }
}

/** What was asked of a rollout means nothing where it is. */
export class RolloutCommandRefusedError extends DomainError {
  readonly code = "AIBOS_ROLLOUT_COMMAND_REFUSED";
  constructor(rolloutId: string, command: string, status: string) {
    super(
      `Rollout ${rolloutId} can't be told to ${command} now: it is ${status}. See "aibos-versions rollout status ${rolloutId}".`,
    );
  }
}

/** The version was rolled back a short time ago. */
export class RolloutCoolingDownError extends DomainError {
  readonly code = "AIBOS_ROLLOUT_COOLING_DOWN";
  /** @param what such as `accounting 2.0.0 was rolled back for tenant "acme"` */
  constructor(what: string, rolloutId: string, until: Date) {
    super(
      `${what} by ${rolloutId}, and is not tried again before ` +
        `${until.toISOString()}. See why with "aibos-versions rollout status ${rolloutId}"; try all the same with --insist.`,
    );
  }
}

/** A policy's fields don't fit each other. */
export class RolloutPolicyInvalidError extends DomainError {
  readonly code = "AIBOS_ROLLOUT_POLICY_INVALID";
  constructor(problems: readonly { readonly path: readonly (string | number)[]; readonly message: string }[]) {
    super(
      `The rollout's policy can't be used: ${problems.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ")}.`,
    );
  }
}
