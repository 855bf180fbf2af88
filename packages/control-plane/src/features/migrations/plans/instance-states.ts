import type { Version } from "@aibos/domain";
import type { LiveInstance } from "../../instances/tenant-module-read-model.ts";
import type { InstanceState } from "../../routing/tenant-routing.ts";

type InstanceStates = Record<string, InstanceState>;

/** One version that serves. */
export function active(version: Version, dataVersion: Version): InstanceStates {
  return { [version]: { status: "active", dataVersion } };
}

/** Instances as they are, on another version of the data where all of them change over. */
export function statesOf(instances: readonly LiveInstance[], dataVersion?: Version): InstanceStates {
  return Object.fromEntries(
    instances.map((one) => [one.version, { status: one.status, dataVersion: dataVersion ?? one.dataVersion }]),
  );
}

/** Instances that serve or stand by, as their shares of the requests say. */
export function statesByWeight(
  instances: readonly LiveInstance[],
  weights: Readonly<Record<string, number>>,
  dataVersion?: Version,
): InstanceStates {
  return Object.fromEntries(
    instances.map((one) => [
      one.version,
      {
        status: (weights[one.version] ?? 0) > 0 ? "active" : "standby",
        dataVersion: dataVersion ?? one.dataVersion,
      },
    ]),
  );
}

/** Instances that get no new requests. */
export function draining(instances: readonly LiveInstance[]): InstanceStates {
  return Object.fromEntries(
    instances.map(({ version, dataVersion }) => [version, { status: "draining", dataVersion }]),
  );
}

/** The versions of instances with the data that each is asked about. */
export function asked(states: Readonly<Record<string, InstanceState>>): { version: Version; dataVersion: Version }[] {
  return Object.entries(states).map(([version, { dataVersion }]) => ({ version: version as Version, dataVersion }));
}
