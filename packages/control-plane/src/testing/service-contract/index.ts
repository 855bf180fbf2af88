import { afterAll, beforeAll } from "vitest";
import { describeCopies } from "./copies.ts";
import { describeFleetUpgrades } from "./fleet-upgrades.ts";
import { describeHealth } from "./health.ts";
import { describeLiveData } from "./live-data.ts";
import { describeMeasurements } from "./measurements.ts";
import { describeMigrations } from "./migrations.ts";
import { describeModules } from "./modules.ts";
import { describeRollbackPoints } from "./rollback-points.ts";
import { describeRoutingPolicy } from "./routing-policy.ts";
import { describeRollouts } from "./rollouts.ts";
import { describeSideBySide } from "./side-by-side.ts";
import { ServiceWorld, type StartService } from "./service-world.ts";
import { describeStatistics } from "./statistics.ts";
import { describeSupervisedMigrations } from "./supervised-migrations.ts";
import { describeTenants } from "./tenants.ts";
import { describeTroubles } from "./troubles.ts";
import { describeValidation } from "./validation.ts";

/** What every implementation of `MultiVersionService` does, on a real database with real module processes. */
export function describeServiceContract(start: StartService): void {
  const world = new ServiceWorld(start);
  beforeAll(() => world.begin(), 120_000);
  afterAll(() => world.end());
  describeModules(world);
  describeTenants(world);
  describeSideBySide(world);
  describeRoutingPolicy(world);
  describeRollouts(world);
  describeFleetUpgrades(world);
  describeMigrations(world);
  describeSupervisedMigrations(world);
  describeValidation(world);
  describeStatistics(world);
  describeLiveData(world);
  describeRollbackPoints(world);
  describeCopies(world);
  describeTroubles(world);
  describeHealth(world);
  describeMeasurements(world);
}
