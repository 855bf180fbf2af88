import { z } from "zod";
import {
  fleetCommandSchema,
  fleetMemberSchema,
  fleetMemberStatusSchema,
  fleetPlanSchema,
  fleetStatusSchema,
  fleetUpgradeSchema,
  quarantinedVersionSchema,
  shownUpgradePolicySchema,
  startFleetUpgradeSchema,
  upgradePolicySchema,
} from "./fleet-upgrades.ts";
import { moduleIdSchema, pageOf, tenantIdSchema, versionSchema } from "./models.ts";
import { page } from "./page-query.ts";
import { route } from "./route.ts";

const fleet = z.strictObject({ fleetUpgradeId: z.string().max(60).meta({ example: "flt_8f3c2a1b9d04" }) });
const tenantModule = z.strictObject({ tenant: tenantIdSchema, module: moduleIdSchema });

/** Moving many tenants to a version. */
export const FLEET_ROUTES = {
  startFleetUpgrade: route(
    "post /v1/fleet-upgrades",
    "Fleet upgrades",
    "Starts moving all tenants of a module that are on an older version, in waves and batches",
    { body: startFleetUpgradeSchema, answer: fleetUpgradeSchema, status: 202 },
  ),
  planFleetUpgrade: route(
    "post /v1/fleet-upgrades/plan",
    "Fleet upgrades",
    "Tells who would go when, and who can't and why. Changes nothing",
    { body: startFleetUpgradeSchema, answer: fleetPlanSchema },
  ),
  listFleetUpgrades: route("get /v1/fleet-upgrades", "Fleet upgrades", "Fleet upgrades, newest first", {
    query: page.extend({ module: moduleIdSchema.optional(), status: fleetStatusSchema.optional() }),
    answer: pageOf(fleetUpgradeSchema),
  }),
  getFleetUpgrade: route("get /v1/fleet-upgrades/{fleetUpgradeId}", "Fleet upgrades", "One fleet upgrade", {
    params: fleet,
    answer: fleetUpgradeSchema,
  }),
  listFleetMembers: route(
    "get /v1/fleet-upgrades/{fleetUpgradeId}/tenants",
    "Fleet upgrades",
    "A fleet upgrade's tenants in their order, with what came of each",
    {
      params: fleet,
      query: page.extend({ status: fleetMemberStatusSchema.optional() }),
      answer: pageOf(fleetMemberSchema),
    },
  ),
  commandFleetUpgrade: route(
    "post /v1/fleet-upgrades/{fleetUpgradeId}/commands",
    "Fleet upgrades",
    "Resumes a halted fleet upgrade, takes back what it moved, or cancels the rest",
    { params: fleet, body: fleetCommandSchema, answer: fleetUpgradeSchema },
  ),
  getUpgradePolicy: route(
    "get /v1/tenants/{tenant}/modules/{module}/upgrade-policy",
    "Fleet upgrades",
    "What a tenant lets happen without being asked, when, and what it agreed to",
    { params: tenantModule, answer: shownUpgradePolicySchema },
  ),
  setUpgradePolicy: route(
    "put /v1/tenants/{tenant}/modules/{module}/upgrade-policy",
    "Fleet upgrades",
    "Says what a tenant lets happen without being asked, when, and where it is told",
    { params: tenantModule, body: upgradePolicySchema, answer: shownUpgradePolicySchema },
  ),
  consentToUpgrade: route(
    "put /v1/tenants/{tenant}/modules/{module}/upgrade-consents/{version}",
    "Fleet upgrades",
    "Agrees, for a tenant, to be moved to a version",
    { params: tenantModule.extend({ version: versionSchema }), answer: shownUpgradePolicySchema },
  ),
  listQuarantinedVersions: route(
    "get /v1/quarantined-versions",
    "Fleet upgrades",
    "Versions that halted a fleet upgrade, to which nobody is moved, newest first",
    { query: page.extend({ module: moduleIdSchema.optional() }), answer: pageOf(quarantinedVersionSchema) },
  ),
  releaseVersion: route(
    "post /v1/modules/{module}/versions/{version}/release",
    "Fleet upgrades",
    "Lets tenants be moved to a quarantined version again",
    {
      params: z.strictObject({ module: moduleIdSchema, version: versionSchema }),
      answer: z.object({ module: z.string(), version: z.string() }),
    },
  ),
} as const;
