import { z } from "zod";
import { isTimeZone, readMoment } from "@aibos/domain";
import { moduleIdSchema, pageOf, tenantIdSchema } from "./models.ts";
import { page } from "./page-query.ts";
import { route } from "./route.ts";

const time = z.iso.datetime().meta({ example: "2027-12-20T17:00:00.000Z" });
const moment = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?$/, {
    error: "must be a time such as 2027-12-20T18:00, in the freeze's time zone unless it has an offset",
  })
  .meta({ example: "2027-12-20T18:00" });
const reason = z.string().trim().min(1).max(200);

export const addFreezeSchema = z
  .strictObject({
    tenant: tenantIdSchema.optional().describe("Without it: all tenants"),
    module: moduleIdSchema.optional().describe("Without it: all modules"),
    from: moment,
    to: moment.describe("From then on changes are let through again"),
    timeZone: z.string().refine(isTimeZone, { error: "is not a time zone such as Europe/Vienna" }).default("UTC"),
    reason,
  })
  .refine(({ from, to, timeZone }) => (readMoment(from, timeZone) ?? 0) < (readMoment(to, timeZone) ?? 0), {
    error: "must be a time after `from`",
    path: ["to"],
  })
  .meta({ id: "AddFreeze" });
export type AddFreezeInput = z.input<typeof addFreezeSchema>;

export const freezeSchema = z
  .object({
    id: z.string(),
    tenant: z.string().nullable(),
    module: z.string().nullable(),
    from: time,
    to: time,
    /** The one that its times were given in. */
    timeZone: z.string(),
    reason: z.string(),
    state: z.enum(["coming", "on", "over", "removed"]),
    createdAt: time,
  })
  .meta({ id: "Freeze" });
export type Freeze = z.infer<typeof freezeSchema>;

const freeze = z.strictObject({ freezeId: z.string().max(60).meta({ example: "frz_8f3c2a1b9d04" }) });

/** Times in which nothing may change. */
export const FREEZE_ROUTES = {
  addFreeze: route(
    "post /v1/freezes",
    "Migrations",
    "Freezes the platform, a module, a tenant, or a tenant's module for a time: no operation begins that changes a version",
    { body: addFreezeSchema, answer: freezeSchema, status: 201 },
  ),
  listFreezes: route("get /v1/freezes", "Migrations", "Freezes that are on or to come, by their end", {
    query: page.extend({
      tenant: tenantIdSchema.optional().describe("Only those that concern this tenant"),
      module: moduleIdSchema.optional().describe("Only those that concern this module"),
      all: z.enum(["true", "false"]).default("false").describe("`true`: those that are over or were removed, too"),
    }),
    answer: pageOf(freezeSchema),
  }),
  removeFreeze: route("post /v1/freezes/{freezeId}/remove", "Migrations", "Ends a freeze before its time", {
    params: freeze,
    answer: freezeSchema,
  }),
};
