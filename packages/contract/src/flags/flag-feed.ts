import { z } from "zod";
import type { FlagScope, FlagSetting } from "@aibos/domain";

/**
 * What evaluators outside the control plane follow: a snapshot of one module version's flags, then numbered changes.
 * Whoever has a tenant's key sees that tenant's overrides and no other's.
 */
export const FLAG_SNAPSHOT_PATH = "/v1/flag-feed/snapshot";
/** `GET` with `since=<revision>`: server-sent events, each a {@link FlagFeedChange}; then comments while it is silent. */
export const FLAG_EVENTS_PATH = "/v1/flag-feed/events";
/** `POST`: a {@link FlagUsageBatch}. */
export const FLAG_USAGE_PATH = "/v1/flag-feed/usage";

const scopeSchema = z.discriminatedUnion("level", [
  z.object({ level: z.literal("module") }),
  z.object({ level: z.literal("segment"), segment: z.string() }),
  z.object({ level: z.literal("tenant"), tenant: z.string() }),
  z.object({ level: z.literal("user"), tenant: z.string(), user: z.string() }),
]) satisfies z.ZodType<FlagScope>;

// The control plane validated it when it was set.
const settingSchema = z.custom<FlagSetting>((value) => typeof value === "object" && value !== null);

export const flagFeedChangeSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("setting"),
    flag: z.string(),
    scope: scopeSchema,
    /** The version that it is for; null: every one. */
    version: z.string().nullable(),
    setting: settingSchema.nullable(),
  }),
  z.object({ kind: z.literal("kill"), flag: z.string(), killed: z.boolean() }),
  z.object({ kind: z.literal("segment"), segment: z.string(), when: z.unknown() }),
  z.object({ kind: z.literal("tenant"), tenant: z.string(), labels: z.record(z.string(), z.string()) }),
]);
export type FlagFeedChange = z.infer<typeof flagFeedChangeSchema>;

export const flagFeedEventSchema = z.object({ revision: z.number(), changes: z.array(flagFeedChangeSchema) });
export type FlagFeedEvent = z.infer<typeof flagFeedEventSchema>;

export const flagSnapshotSchema = z.object({
  revision: z.number(),
  module: z.string(),
  version: z.string(),
  /** As the version's manifest writes them. */
  flags: z.record(z.string(), z.record(z.string(), z.unknown())),
  changes: z.array(flagFeedChangeSchema),
});
export type FlagSnapshot = z.infer<typeof flagSnapshotSchema>;

export const flagUsageBatchSchema = z.strictObject({
  version: z.string().max(100),
  counts: z
    .array(
      z.strictObject({
        flag: z.string().max(100),
        variant: z.string().max(100),
        evaluations: z.int().positive().max(1e12),
      }),
    )
    .max(10_000),
});
export type FlagUsageBatch = z.infer<typeof flagUsageBatchSchema>;
