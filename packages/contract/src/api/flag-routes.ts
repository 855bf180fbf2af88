import { z } from "zod";
import {
  featureFlagsSchema,
  flagChangeSchema,
  flagContextSchema,
  flagDefinitionsSchema,
  flagdDocumentSchema,
  flagExplanationSchema,
  flagKeyAnswerSchema,
  flagKeySchema,
  flagResultSchema,
  flagRevisionSchema,
  flagRuleSchema,
  flagSegmentSchema,
  flagUsageSchema,
  killFlagSchema,
  revertFlagSchema,
  segmentParamSchema,
  staleFlagsSchema,
  updateFlagsQuerySchema,
  updateFlagsSchema,
} from "./flags.ts";
import { moduleIdSchema, pageOf, tenantIdSchema, versionSchema } from "./models.ts";
import { rolloutSchema, startFlagRolloutSchema } from "./rollouts.ts";
import { route } from "./route.ts";
import { page } from "./page-query.ts";
import { module, moduleVersion, tenantModule } from "./route-parts.ts";

const moduleFlag = z.strictObject({ module: moduleIdSchema, flag: flagKeySchema });
const tenantFlag = z.strictObject({ tenant: tenantIdSchema, module: moduleIdSchema, flag: flagKeySchema });

/** Addresses of feature flags. Evaluating over OFREP, and the feed of flags, are beside them. */
export const FLAG_ROUTES = {
  updateFeatureFlags: route(
    "put /v1/tenants/{tenant}/modules/{module}/flags",
    "Flags",
    "Sets a tenant's own values of flags, or takes them away; all or none",
    {
      params: tenantModule,
      query: updateFlagsQuerySchema,
      body: updateFlagsSchema,
      answer: featureFlagsSchema,
    },
  ),
  listFeatureFlags: route(
    "get /v1/tenants/{tenant}/modules/{module}/flags",
    "Flags",
    "The flags that a tenant's live versions declare, with what the tenant gets",
    { params: tenantModule, query: z.strictObject({ version: versionSchema.optional() }), answer: featureFlagsSchema },
  ),
  checkFeatureFlag: route(
    "post /v1/tenants/{tenant}/modules/{module}/flags/{flag}/evaluation",
    "Flags",
    "Evaluates one flag for a tenant, or a user of it",
    { params: tenantFlag, body: flagContextSchema, answer: flagResultSchema },
  ),
  explainFeatureFlag: route(
    "post /v1/tenants/{tenant}/modules/{module}/flags/{flag}/explanation",
    "Flags",
    "Evaluates one flag and tells each rule that was looked at, and why",
    { params: tenantFlag, body: flagContextSchema, answer: flagExplanationSchema },
  ),
  createFlagKey: route(
    "post /v1/tenants/{tenant}/modules/{module}/flag-keys",
    "Flags",
    "Makes a key with which a tenant's programs evaluate its flags of a module, and nothing else",
    { params: tenantModule, answer: flagKeyAnswerSchema, status: 201 },
  ),
  revokeFlagKey: route("post /v1/flag-keys/{keyId}/revoke", "Flags", "Makes a flag key useless", {
    params: z.strictObject({ keyId: z.string().max(60).meta({ example: "fk_8f3c2a1b9d04" }) }),
    answer: z.object({ id: z.string() }),
  }),
  listModuleFlags: route(
    "get /v1/modules/{module}/flags",
    "Flags",
    "All flags that a module's versions declare, with the versions that do",
    { params: module, answer: featureFlagsSchema },
  ),
  setFlagRule: route(
    "put /v1/modules/{module}/flags/{flag}/rule",
    "Flags",
    "Sets what a flag gives to everybody, a segment, a tenant or a user: a value, a variant, a rollout, targeting",
    { params: moduleFlag, body: flagRuleSchema, answer: flagRevisionSchema },
  ),
  killFlag: route(
    "put /v1/modules/{module}/flags/{flag}/kill",
    "Flags",
    "Gives everybody a flag's off variant at once, or ends that",
    { params: moduleFlag, body: killFlagSchema, answer: flagRevisionSchema },
  ),
  setFlagSegment: route(
    "put /v1/modules/{module}/flag-segments/{segment}",
    "Flags",
    "Says who is in a segment that rules speak of",
    {
      params: z.strictObject({ module: moduleIdSchema, segment: segmentParamSchema }),
      body: flagSegmentSchema,
      answer: flagRevisionSchema,
    },
  ),
  getFlagHistory: route("get /v1/modules/{module}/flags/{flag}/history", "Flags", "Changes of a flag, newest first", {
    params: moduleFlag,
    query: page.extend({ tenant: tenantIdSchema.optional() }),
    answer: pageOf(flagChangeSchema),
  }),
  revertFlagChange: route(
    "post /v1/modules/{module}/flag-changes/{revision}/revert",
    "Flags",
    "Puts back what was set before a change",
    {
      params: z.strictObject({ module: moduleIdSchema, revision: z.coerce.number().int().positive() }),
      body: revertFlagSchema,
      answer: flagRevisionSchema,
    },
  ),
  startFlagRollout: route(
    "post /v1/modules/{module}/flags/{flag}/rollouts",
    "Flags",
    "Starts giving a flag's variant to users step by step, on evidence, and back when requests are worse with it",
    { params: moduleFlag, body: startFlagRolloutSchema, answer: rolloutSchema, status: 201 },
  ),
  getStaleFlags: route(
    "get /v1/modules/{module}/stale-flags",
    "Flags",
    "Flags that should go: too old, never evaluated, long won, or overridden with their default",
    { params: module, answer: staleFlagsSchema },
  ),
  getFlagUsage: route(
    "get /v1/modules/{module}/flags/{flag}/usage",
    "Flags",
    "How often a flag was evaluated, by day, version and variant",
    {
      params: moduleFlag,
      query: z.strictObject({ days: z.coerce.number().int().min(1).max(400).default(30) }),
      answer: flagUsageSchema,
    },
  ),
  getFlagDefinitions: route(
    "get /v1/modules/{module}/versions/{version}/flags",
    "Flags",
    "A version's flags as its manifest writes them",
    { params: moduleVersion, answer: flagDefinitionsSchema },
  ),
  exportFlags: route(
    "get /v1/modules/{module}/versions/{version}/flagd",
    "Flags",
    "A version's flags as flagd reads them",
    { params: moduleVersion, answer: flagdDocumentSchema },
  ),
} as const;
