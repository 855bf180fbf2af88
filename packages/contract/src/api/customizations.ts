import { z } from "zod";
import { CONFLICT_KINDS, CUSTOM_FIELD_TYPES, DOCUMENT_FORMATS } from "@aibos/domain";
import { preferenceSchema } from "../manifest/customizable.ts";
import { moduleIdSchema, pageOf, tenantIdSchema, versionSchema } from "./models.ts";
import { page } from "./page-query.ts";
import { route } from "./route.ts";

/** Shapes of customisations: what tenants changed, how it was merged, and what has to be decided. */

const time = z.iso.datetime().meta({ example: "2027-01-31T09:30:00.000Z" });
const count = z.int().nonnegative();
const author = z.string().trim().min(1).max(120).default("operator").describe("Who does it, for the history");
const name = z.string().max(60).meta({ example: "settings" });

export const CUSTOMIZATION_ORIGINS = ["edit", "reset", "merge", "reapply", "restore"] as const;

export const reportLineSchema = z.object({
  path: z.string(),
  outcome: z.enum(["kept", "updated", "same", "renamed", "resolved", "conflict"]),
  detail: z.string().nullable(),
});

export const customizationSchema = z
  .object({
    name: z.string(),
    kind: z.enum(["document", "text", "hook", "fields"]),
    format: z.enum([...DOCUMENT_FORMATS, "text"]),
    version: z.string(),
    /** Whether the tenant's differs from the default. */
    customized: z.boolean(),
    /** What the tenant has now, and what the version has by default. */
    content: z.string(),
    default: z.string(),
    author: z.string().nullable(),
    changedAt: time.nullable(),
  })
  .meta({ id: "Customization" });
export type Customization = z.infer<typeof customizationSchema>;

export const customizationEntrySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    version: z.string(),
    origin: z.enum(CUSTOMIZATION_ORIGINS),
    author: z.string(),
    at: time,
    /** Null: the default. */
    content: z.string().nullable(),
    /** The full default that it was made against. */
    base: z.string(),
    /** Unified, from the entry before on the same version, or from the default. */
    diff: z.string(),
    report: z.array(reportLineSchema),
    migrationId: z.string().nullable(),
    /** Made on a version that the tenant left by going back: kept, and offered again by `reapply`. */
    aside: z.boolean(),
  })
  .meta({ id: "CustomizationEntry" });
export type CustomizationEntry = z.infer<typeof customizationEntrySchema>;

export const customizationConflictSchema = z
  .object({
    /** Of the conflict's path and three values: the same for every tenant with the same ones. */
    id: z.string(),
    name: z.string(),
    kind: z.enum(CONFLICT_KINDS),
    path: z.string(),
    /** Null where there is nothing; JSON otherwise. */
    base: z.unknown(),
    ours: z.unknown(),
    theirs: z.unknown(),
    movedTo: z.string().nullable(),
    detail: z.string().nullable(),
    from: z.string(),
    to: z.string(),
    tenants: count,
    /** At most 20 of them. */
    examples: z.array(z.string()),
  })
  .meta({ id: "CustomizationConflict" });
export type CustomizationConflict = z.infer<typeof customizationConflictSchema>;

export const customFieldSchema = z
  .object({
    table: z.string(),
    name: z.string(),
    type: z.enum(CUSTOM_FIELD_TYPES),
  })
  .meta({ id: "CustomField" });
export type CustomField = z.infer<typeof customFieldSchema>;

export const customFieldsSchema = z
  .object({
    version: z.string(),
    /** Tables that the version lets tenants extend, with the types that a column may have. */
    allowed: z.record(z.string(), z.array(z.enum(CUSTOM_FIELD_TYPES))),
    items: z.array(customFieldSchema),
  })
  .meta({ id: "CustomFields" });
export type CustomFields = z.infer<typeof customFieldsSchema>;

export const customizationImpactSchema = z
  .object({
    module: z.string(),
    from: z.string(),
    to: z.string(),
    tenants: count,
    /** Have changed nothing. */
    untouched: count,
    /** Merge without a question. */
    clean: count,
    /** Wait for one decision, or for several. */
    oneDecision: count,
    blocked: count,
    /** Different merges that had to be made. */
    merges: count,
    /** How many different ones there are. */
    distinctConflicts: count,
    /** By the number of tenants behind each, most first; 1,000 at most. */
    conflicts: z.array(customizationConflictSchema),
  })
  .meta({ id: "CustomizationImpact" });
export type CustomizationImpact = z.infer<typeof customizationImpactSchema>;

export const recordedResolutionSchema = z
  .object({
    id: z.string(),
    conflict: z.string(),
    module: z.string(),
    name: z.string(),
    path: z.string(),
    kind: z.enum(CONFLICT_KINDS),
    take: z.enum(["tenant", "vendor", "value"]),
    value: z.unknown(),
    /** Null: for every tenant with this conflict. */
    tenant: z.string().nullable(),
    author: z.string(),
    at: time,
    revokedAt: time.nullable(),
  })
  .meta({ id: "RecordedResolution" });
export type RecordedResolution = z.infer<typeof recordedResolutionSchema>;

export const resolveConflictSchema = z
  .strictObject({
    conflict: z.string().max(80),
    take: z.enum(["tenant", "vendor", "value"]),
    value: z.unknown().optional().describe("With `value`: merged by hand; left out, nothing is there"),
    tenant: tenantIdSchema.optional().describe("For this tenant alone; without it, for all with the same conflict"),
    author,
  })
  .meta({ id: "ResolveConflict" });
export type ResolveConflictInput = z.input<typeof resolveConflictSchema>;

export const upgradeAdviceSchema = z
  .object({
    /** Why the tenant's modules can't be so as they are; empty when they can. */
    explanation: z.array(z.string()),
    /** The fewest modules to move; null when nothing helps. */
    versions: z.record(z.string(), z.string()).nullable(),
    /** In this order, each state on the way valid; null when several would have to move in one moment. */
    moves: z.array(z.object({ module: z.string(), from: z.string().nullable(), to: z.string() })).nullable(),
  })
  .meta({ id: "UpgradeAdvice" });
export type UpgradeAdvice = z.infer<typeof upgradeAdviceSchema>;

const module = z.strictObject({ module: moduleIdSchema });
const tenantModule = z.strictObject({ tenant: tenantIdSchema, module: moduleIdSchema });
const named = tenantModule.extend({ name });
const ofVersion = z.strictObject({
  version: versionSchema.optional().describe("A live one; the oldest live one unless told"),
});
const hookSecret = z.object({ secret: z.string().describe("`whsec_` and the key in base64") });
const field = tenantModule.extend({ table: z.string().min(1).max(63), field: z.string().min(1).max(60) });
const hopQuery = z.strictObject({ from: versionSchema, to: versionSchema });
const prefer = z.object({ prefer: preferenceSchema });

export const CUSTOMIZATION_ROUTES = {
  listCustomizations: route(
    "get /v1/tenants/{tenant}/modules/{module}/customizations",
    "Customisations",
    "What a tenant may change in a module, and has",
    { params: tenantModule, query: ofVersion, answer: z.object({ items: z.array(customizationSchema) }) },
  ),
  getCustomization: route(
    "get /v1/tenants/{tenant}/modules/{module}/customizations/{name}",
    "Customisations",
    "One of them",
    { params: named, query: ofVersion, answer: customizationSchema },
  ),
  setCustomization: route(
    "put /v1/tenants/{tenant}/modules/{module}/customizations/{name}",
    "Customisations",
    "Changes one of them, or puts the default back",
    {
      params: named,
      query: ofVersion,
      body: z.strictObject({ content: z.string().nullable().describe("Null: the default"), author }),
      answer: customizationSchema,
    },
  ),
  listCustomizationHistory: route(
    "get /v1/tenants/{tenant}/modules/{module}/customizations/{name}/history",
    "Customisations",
    "Every change of it, newest first, with what each merge did",
    { params: named, query: page, answer: pageOf(customizationEntrySchema) },
  ),
  reapplyCustomization: route(
    "post /v1/tenants/{tenant}/modules/{module}/customizations/{name}/reapply",
    "Customisations",
    "Merges it again by what is decided now, or takes an entry of its history",
    {
      params: named,
      body: z.strictObject({ entry: z.string().max(20).optional(), author }),
      answer: customizationEntrySchema,
    },
  ),
  listCustomFields: route(
    "get /v1/tenants/{tenant}/modules/{module}/custom-fields",
    "Customisations",
    "Columns of the tenant's own on a module's tables, and where it may have some",
    { params: tenantModule, query: ofVersion, answer: customFieldsSchema },
  ),
  addCustomField: route(
    "put /v1/tenants/{tenant}/modules/{module}/custom-fields/{table}/{field}",
    "Customisations",
    "Gives a table a column of the tenant's own",
    {
      params: field,
      query: ofVersion,
      body: z.strictObject({ type: z.enum(CUSTOM_FIELD_TYPES), author }),
      answer: customFieldsSchema,
    },
  ),
  dropCustomField: route(
    "post /v1/tenants/{tenant}/modules/{module}/custom-fields/{table}/{field}/drop",
    "Customisations",
    "Takes a column of the tenant's own away",
    {
      params: field,
      query: ofVersion,
      body: z.strictObject({
        acceptDataLoss: z.boolean().default(false).describe("Its values may be lost"),
        author,
      }),
      answer: customFieldsSchema,
    },
  ),
  getHookSecret: route(
    "get /v1/tenants/{tenant}/modules/{module}/hook-secret",
    "Customisations",
    "The key that the tenant's webhooks are signed with",
    { params: tenantModule, answer: hookSecret },
  ),
  rotateHookSecret: route(
    "post /v1/tenants/{tenant}/modules/{module}/hook-secret/rotate",
    "Customisations",
    "Makes a new key for the tenant's webhooks; the old one signs nothing any more",
    { params: tenantModule, answer: hookSecret },
  ),
  getCustomizationPolicy: route(
    "get /v1/tenants/{tenant}/modules/{module}/customization-policy",
    "Customisations",
    "Whose change wins for a tenant",
    { params: tenantModule, answer: prefer },
  ),
  setCustomizationPolicy: route(
    "put /v1/tenants/{tenant}/modules/{module}/customization-policy",
    "Customisations",
    "Says whose change wins for a tenant, before the release's own policy",
    { params: tenantModule, body: prefer, answer: prefer },
  ),
  customizationImpact: route(
    "get /v1/modules/{module}/customization-impact",
    "Customisations",
    "What an upgrade would mean for the customisations of the whole fleet. Moves nobody",
    { params: module, query: hopQuery, answer: customizationImpactSchema },
  ),
  listConflicts: route(
    "get /v1/modules/{module}/customization-conflicts",
    "Customisations",
    "Conflicts that tenants met and nobody has decided, by the number of tenants behind each",
    {
      params: module,
      query: page.extend({ tenant: tenantIdSchema.optional().describe("Those that this tenant waits for") }),
      answer: pageOf(customizationConflictSchema),
    },
  ),
  resolveConflict: route(
    "post /v1/modules/{module}/customization-resolutions",
    "Customisations",
    "Decides a conflict, for one tenant or for all with the same three values",
    { params: module, body: resolveConflictSchema, answer: recordedResolutionSchema, status: 201 },
  ),
  listResolutions: route(
    "get /v1/modules/{module}/customization-resolutions",
    "Customisations",
    "What was decided, newest first",
    { params: module, query: page, answer: pageOf(recordedResolutionSchema) },
  ),
  revokeResolution: route(
    "post /v1/customization-resolutions/{resolutionId}/revoke",
    "Customisations",
    "Takes a decision back: the next merge asks again",
    { params: z.strictObject({ resolutionId: z.string().max(60) }), answer: recordedResolutionSchema },
  ),
  adviseUpgrade: route(
    "get /v1/tenants/{tenant}/modules/{module}/upgrade-advice",
    "Migrations",
    "Why a tenant's modules don't go together with a version, and the fewest upgrades that would settle it",
    { params: tenantModule, query: z.strictObject({ version: versionSchema }), answer: upgradeAdviceSchema },
  ),
} as const;
