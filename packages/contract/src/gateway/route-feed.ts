import { z } from "zod";
import { plainConditionSchema, ruleConditionSchema } from "../api/route-policy.ts";

/**
 * What the control plane tells its gateways. The feed is a snapshot followed by numbered deltas: a gateway that
 * applied revision n and reads on from n misses nothing and applies nothing twice.
 */

const count = z.int().nonnegative();
const weight = z.int().min(0).max(10_000);

/** What decides about requests of a route besides its weights. */
export const feedPolicySchema = z.strictObject({
  /** Asked in this order, before the weights. One whose version does not serve is passed over. */
  rules: z.array(z.strictObject({ when: z.array(ruleConditionSchema), version: z.string() })),
  segments: z.record(z.string(), z.array(plainConditionSchema)),
  /** A share, in 1/10,000, of the safe requests is copied to a version. `since` tells one setting from the next. */
  mirror: z.strictObject({ version: z.string(), weight, since: z.int().nonnegative() }).nullable(),
  /**
   * Users who came before `since` go on as these weights say, until `until`; times are in milliseconds since the epoch,
   * and null is for ever. Weights are newest version first and add up to 10,000.
   */
  leaving: z
    .strictObject({
      weights: z.array(z.strictObject({ version: z.string(), weight })).min(1),
      since: z.int().nonnegative(),
      until: z.int().nonnegative().nullable(),
    })
    .nullable(),
});
export type FeedPolicy = z.infer<typeof feedPolicySchema>;

/** Requests of this route wait (a bounded time, then 503 with Retry-After) while its data is being changed. */
export const routeHoldSchema = z.strictObject({
  /** The operation that asked for the hold, shown to people. */
  migrationId: z.string(),
  reason: z.string(),
  /** How long a request may wait at the gateway, in milliseconds. */
  maxWaitMs: z.int().nonnegative(),
  /** What the 503 after that says in Retry-After, in seconds. */
  retryAfterSeconds: z.int().positive(),
});

/** One tenant's use of one module: which versions share its requests, and how its data is reached. */
export const tenantRouteSchema = z.strictObject({
  tenant: z.string(),
  module: z.string(),
  state: z.enum(["active", "suspended"]),
  /** Live versions with their weights in 1/10,000, which add up to 10,000. */
  versions: z
    .array(
      z.strictObject({
        version: z.string(),
        weight,
        /** Schema of the data, and of the views that this version has while several versions of the data are live. */
        schema: z.string(),
        views: z.string(),
        /** The version of the data that this version reads and writes. */
        dataVersion: z.string(),
      }),
    )
    .min(1),
  /** The PostgreSQL role of the tenant's data. */
  role: z.string(),
  hold: routeHoldSchema.nullable(),
  /** Null for a route where weights alone decide. */
  policy: feedPolicySchema.nullable(),
});
export type TenantRoute = z.infer<typeof tenantRouteSchema>;

/** Where a module version's processes listen. Shared by all its tenants, so a restart is one change, not thousands. */
export const versionEndpointsSchema = z.strictObject({
  module: z.string(),
  version: z.string(),
  /** Base URLs of healthy processes; empty while none is. */
  urls: z.array(z.url({ protocol: /^https?$/ })),
  /** What answers 2xx while a process is healthy; null where nobody said. */
  healthPath: z.string().nullable(),
  /** The key that signs tenant contexts for this version. */
  contextKey: z.string(),
});
export type VersionEndpoints = z.infer<typeof versionEndpointsSchema>;

/** A change of one entry; `route: null` or `endpoints: null` removes it. */
export const routeChangeSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("route"),
    tenant: z.string(),
    module: z.string(),
    route: tenantRouteSchema.nullable(),
  }),
  z.strictObject({
    kind: z.literal("endpoints"),
    module: z.string(),
    version: z.string(),
    endpoints: versionEndpointsSchema.nullable(),
  }),
]);
export type RouteChange = z.infer<typeof routeChangeSchema>;

/** One line of the feed (newline-delimited JSON). */
export const feedMessageSchema = z.discriminatedUnion("type", [
  /**
   * Replaces everything that the gateway knows, when its last part is there: a snapshot of many routes comes in parts
   * of the same revision, one after the other. `feed` identifies the control database.
   */
  z.strictObject({
    type: z.literal("snapshot"),
    feed: z.string(),
    revision: z.int().nonnegative(),
    /** From 0. Part 0 begins anew, whatever came before. */
    part: z.int().nonnegative(),
    last: z.boolean(),
    /** The key that signs testers' tokens. */
    testerKey: z.string(),
    routes: z.array(tenantRouteSchema),
    endpoints: z.array(versionEndpointsSchema),
  }),
  /** The changes that lead from `revision - 1` to `revision`. */
  z.strictObject({ type: z.literal("delta"), revision: z.int().positive(), changes: z.array(routeChangeSchema) }),
  /** Sent every few seconds so that both sides notice a dead connection. `revision` is the newest one. */
  z.strictObject({ type: z.literal("heartbeat"), revision: z.int().nonnegative() }),
]);
export type FeedMessage = z.infer<typeof feedMessageSchema>;

/** What came of the copies of a route's requests, since its mirror was set or the gateway started. */
export const mirrorCountsSchema = z.strictObject({
  tenant: z.string(),
  module: z.string(),
  /** The mirror's `since`. */
  since: z.int().nonnegative(),
  compared: count,
  statusDiffers: count,
  sizeDiffers: count,
  failed: count,
  skipped: count,
  /** Sums over the compared requests, to the end of the answer, in milliseconds. */
  ms: z.number().nonnegative(),
  mirrorMs: z.number().nonnegative(),
});
export type MirrorCounts = z.infer<typeof mirrorCountsSchema>;

/** Why a gateway sends an upstream no requests. */
export const EJECTION_REASONS = ["connect-failures", "failures", "error-share", "probes"] as const;
export type EjectionReason = (typeof EJECTION_REASONS)[number];

/** A process of a version that a gateway sends no requests, because of what it saw of its health. */
export const ejectedUpstreamSchema = z.strictObject({
  module: z.string(),
  version: z.string(),
  /** Its base URL. */
  url: z.string(),
  reason: z.enum(EJECTION_REASONS),
  /** Milliseconds since the epoch. */
  since: z.int().nonnegative(),
});
export type EjectedUpstream = z.infer<typeof ejectedUpstreamSchema>;
/** A report tells no more of them: beyond that something else is wrong. */
export const MOST_EJECTED_IN_REPORT = 1_000;

/**
 * What a gateway reports back, at once after each change and every second: the newest revision that it applied, and
 * the routes on which requests that started before the route's newest change are still under way. A workflow that
 * needs "nothing reaches the old version any more" waits for `appliedRevision` and for the route to leave `draining`.
 */
export const gatewayReportSchema = z.strictObject({
  gatewayId: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
  /** Where the gateway listens, for people. */
  url: z.string(),
  appliedRevision: z.int().nonnegative(),
  draining: z.array(z.strictObject({ tenant: z.string(), module: z.string(), requests: z.int().positive() })),
  /** When the gateway's process started, in milliseconds since the epoch: counts below begin there. */
  startedAt: z.int().nonnegative(),
  mirrors: z.array(mirrorCountsSchema),
  ejected: z.array(ejectedUpstreamSchema).max(MOST_EJECTED_IN_REPORT).default([]),
});
export type GatewayReport = z.infer<typeof gatewayReportSchema>;

/** Feed address: `GET /v1/gateway/feed?gateway=<id>&feed=<feed id>&since=<revision>`, a bearer token, NDJSON without end. */
export const GATEWAY_FEED_PATH = "/v1/gateway/feed";
/** Report address: `POST /v1/gateway/reports` with a {@link GatewayReport}; answers 204. */
export const GATEWAY_REPORT_PATH = "/v1/gateway/reports";
