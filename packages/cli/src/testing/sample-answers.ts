import type { Migration, MigrationStep, RollbackPoint, Tenant } from "@aibos/contract";

// Answers of the API as the contract has them, for the fake server.

const AT = "2027-01-31T09:30:00.000Z";

export function sampleTenant(changes: Partial<Tenant> = {}): Tenant {
  return {
    id: "acme",
    title: "Acme GmbH",
    labels: { plan: "gold" },
    state: "active",
    dataStore: "main",
    createdAt: AT,
    ...changes,
  };
}

export function sampleStep(position: number, changes: Partial<MigrationStep> = {}): MigrationStep {
  return {
    position,
    name: `step-${position}`,
    title: `Step ${position}`,
    status: "succeeded",
    checksum: null,
    detail: {},
    error: null,
    startedAt: AT,
    finishedAt: "2027-01-31T09:30:00.250Z",
    ...changes,
  };
}

export function sampleMigration(changes: Partial<Migration> = {}): Migration {
  return {
    id: "mig_8f3c2a1b9d04",
    tenant: "acme",
    module: "accounting",
    kind: "migrate",
    fromVersion: "1.0.0",
    toVersion: "1.5.0",
    path: ["1.0.0", "1.5.0"],
    status: "running",
    step: null,
    steps: [],
    failure: null,
    result: {},
    scheduledTime: null,
    createdAt: AT,
    finishedAt: null,
    ...changes,
  };
}

export function sampleSuccess(changes: Partial<Migration> = {}): Migration {
  return sampleMigration({
    status: "succeeded",
    finishedAt: "2027-01-31T09:30:02.300Z",
    steps: [sampleStep(1), sampleStep(2)],
    ...changes,
  });
}

export function sampleFailure(changes: Partial<Migration> = {}): Migration {
  return sampleMigration({
    status: "rolled-back",
    step: "hop",
    finishedAt: "2027-01-31T09:30:02.300Z",
    failure: { step: "hop", code: "AIBOS_MIGRATION_SQL", message: "Line 3 of invoice 7 is no whole amount." },
    steps: [sampleStep(1, { status: "undone" }), sampleStep(2, { status: "failed", error: "no whole amount" })],
    ...changes,
  });
}

export function sampleRollbackPoint(changes: Partial<RollbackPoint> = {}): RollbackPoint {
  return {
    id: "rp_1",
    tenant: "acme",
    module: "accounting",
    version: "1.0.0",
    reason: "before the import",
    state: "available",
    tables: 4,
    rows: 1_400,
    bytes: 1_500_000,
    createdAt: AT,
    fingerprint: { structure: "s", data: "d" },
    ...changes,
  };
}
