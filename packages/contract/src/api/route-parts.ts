import { z } from "zod";
import { moduleIdSchema, tenantIdSchema, versionSchema } from "./models.ts";

/** Parameters and queries that many routes have. */

export const module = z.strictObject({ module: moduleIdSchema });
export const moduleVersion = z.strictObject({ module: moduleIdSchema, version: versionSchema });
export const tenantModule = z.strictObject({ tenant: tenantIdSchema, module: moduleIdSchema });
