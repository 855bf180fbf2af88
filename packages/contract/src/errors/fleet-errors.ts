import { DomainError, type ModuleId } from "@aibos/domain";

/** Failures of fleet upgrades. */

export class FleetUpgradeNotFoundError extends DomainError {
  readonly code = "AIBOS_FLEET_UPGRADE_NOT_FOUND";
  readonly fleetUpgradeId: string;
  constructor(fleetUpgradeId: string) {
    super(`There is no fleet upgrade "${fleetUpgradeId}". List them with "aibos-versions fleet-upgrade list".`);
    this.fleetUpgradeId = fleetUpgradeId;
  }
}

/** One of the module is under way, or halted, and two would move the same tenants. */
export class FleetUpgradeActiveError extends DomainError {
  readonly code = "AIBOS_FLEET_UPGRADE_ACTIVE";
  readonly fleetUpgradeId: string;
  constructor(module: ModuleId, fleetUpgradeId: string) {
    super(
      `Fleet upgrade ${fleetUpgradeId} of ${module} has not ended. See "aibos-versions fleet-upgrade status ` +
        `${fleetUpgradeId}"; end it with "aibos-versions fleet-upgrade cancel ${fleetUpgradeId}".`,
    );
    this.fleetUpgradeId = fleetUpgradeId;
  }
}

/** What was asked of a fleet upgrade means nothing where it is. */
export class FleetCommandRefusedError extends DomainError {
  readonly code = "AIBOS_FLEET_COMMAND_REFUSED";
  constructor(fleetUpgradeId: string, command: string, status: string) {
    super(
      `Fleet upgrade ${fleetUpgradeId} can't be told to ${command} now: it is ${status}. ` +
        `See "aibos-versions fleet-upgrade status ${fleetUpgradeId}".`,
    );
  }
}

/** It stopped by itself, and somebody must decide. */
export class FleetUpgradeHaltedError extends DomainError {
  readonly code = "AIBOS_FLEET_UPGRADE_HALTED";
  readonly fleetUpgradeId: string;
  constructor(fleetUpgradeId: string, reason: string) {
    super(
      `Fleet upgrade ${fleetUpgradeId} halted. ${reason.replace(/^Halted: /, "Why: ")} Decide with "aibos-versions ` +
        `fleet-upgrade resume|rollback|cancel ${fleetUpgradeId}".`,
    );
    this.fleetUpgradeId = fleetUpgradeId;
  }
}

/** The version halted a fleet upgrade, and nobody is moved to it until somebody says that it is well. */
export class VersionQuarantinedError extends DomainError {
  readonly code = "AIBOS_VERSION_QUARANTINED";
  constructor(quarantined: { module: string; version: string; reason: string; fleetUpgradeId: string }) {
    const { module, version, reason, fleetUpgradeId } = quarantined;
    super(
      `${module} ${version} is quarantined since it halted fleet upgrade ${fleetUpgradeId}: ${reason} Nobody is moved to ` +
        `it. Release it with "aibos-versions fleet-upgrade release -m ${module} -v ${version}".`,
    );
  }
}

/** The version is in no quarantine. */
export class VersionNotQuarantinedError extends DomainError {
  readonly code = "AIBOS_VERSION_NOT_QUARANTINED";
  constructor(module: string, version: string) {
    super(
      `${module} ${version} is in no quarantine. See those that are with "aibos-versions fleet-upgrade quarantined".`,
    );
  }
}
