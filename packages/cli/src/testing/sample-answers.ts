import type {
  Backup,
  FleetMember,
  FleetUpgrade,
  Migration,
  MigrationStep,
  RollbackPoint,
  Rollout,
  Tenant,
  VersionPerformance,
} from "@aibos/contract";

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
    wanted: null,
    follows: null,
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

export function sampleBackup(changes: Partial<Backup> = {}): Backup {
  return {
    id: "bk_1",
    tenant: "acme",
    module: "accounting",
    version: "1.0.0",
    reason: "end of year",
    state: "available",
    file: "acme.accounting.mig_1.aibosbak",
    tables: 4,
    rows: 1_400,
    bytes: 1_500_000,
    sha256: "s",
    fingerprint: { structure: "s", data: "d" },
    createdAt: AT,
    ...changes,
  };
}

export function samplePerformance(changes: Partial<VersionPerformance> = {}): VersionPerformance {
  return {
    tenant: "acme",
    module: "accounting",
    version: "1.0.0",
    window: { from: "2027-01-31T09:29:00.000Z", to: AT, seconds: 60, resolution: "10s" },
    requests: 1_200,
    requestsPerSecond: 20,
    errors: { client: 3, server: 6, unreachable: 0, timeout: 0, broken: 0, clientGone: 1, cut: 0 },
    errorRate: 0.005,
    responseTime: { samples: 1_199, mean: 14.2, p50: 9.34, p90: 21, p95: 48.6, p99: 1_234 },
    inFlight: 7,
    bytes: { received: 1_000, sent: 2_000 },
    cpuUsage: 0.254,
    memoryBytes: 90_000_000,
    ...changes,
  };
}

export function sampleRollout(changes: Partial<Rollout> = {}): Rollout {
  return {
    id: "ro_8f3c2a1b9d04",
    module: "accounting",
    oldVersion: "1.0.0",
    newVersion: "1.5.0",
    flag: null,
    status: "running",
    reason: "Step 1 of 2 begins, with 10 %.",
    step: 1,
    phase: "watch",
    weight: 10,
    steps: [
      { weight: 10, holdSeconds: 60, minimumSamples: 100 },
      { weight: 50, holdSeconds: 60, minimumSamples: 100 },
    ],
    tenants: [{ tenant: "acme", status: "running", reason: null }],
    ejected: [],
    verdicts: [],
    createdAt: AT,
    finishedAt: null,
    ...changes,
  };
}

export function sampleFleetMember(changes: Partial<FleetMember> = {}): FleetMember {
  return {
    tenant: "acme",
    fromVersion: "1.0.0",
    batch: 1,
    status: "moved",
    code: null,
    reason: null,
    notBefore: null,
    migrationId: "mig_1",
    returnMigrationId: null,
    startedAt: AT,
    settledAt: AT,
    ...changes,
  };
}

export function sampleFleet(changes: Partial<FleetUpgrade> = {}): FleetUpgrade {
  return {
    id: "flt_8f3c2a1b9d04",
    module: "accounting",
    version: "2.0.0",
    status: "running",
    reason: 'Moves wave "rest", batch 2 of 2.',
    options: {},
    tenants: 6,
    counts: { moved: 2, failed: 1, waiting: 2, moving: 1 },
    waves: [
      {
        name: "rest",
        tenants: 6,
        moved: 2,
        failed: 1,
        skipped: 0,
        open: 3,
        firstBatch: 1,
        lastBatch: 2,
        soakSeconds: 0,
      },
    ],
    batch: 2,
    batches: 2,
    recentBatches: [
      { batch: 2, tenants: 3, moved: 0, failed: 0, skipped: 0, open: 3 },
      { batch: 1, tenants: 3, moved: 2, failed: 1, skipped: 0, open: 0 },
    ],
    failures: [
      sampleFleetMember({ tenant: "globex", status: "failed", code: "AIBOS_TENANT_UNHEALTHY", reason: "answered 500" }),
    ],
    pausedUntil: null,
    ratePerMinute: 12,
    remainingSeconds: 15,
    measurements: null,
    scheduledAt: AT,
    createdAt: AT,
    startedAt: AT,
    finishedAt: null,
    ...changes,
  };
}
