import { quoteIdentifier } from "../quote-identifier.ts";
import type { TenantSession } from "../roles/tenant-session.ts";
import { type LiveSchema, type LiveSchemaOptions, openLiveSchema } from "./live-schema.ts";

/** The live schema of a tenant's data, on a session of the tenant's own, which may not make schemas itself. */
export function openTenantLiveSchema(
  { client, place, platform }: TenantSession,
  options: Pick<LiveSchemaOptions, "fence" | "patience" | "rowChanges"> = {},
): LiveSchema {
  return openLiveSchema({
    ...options,
    client,
    schema: place.schema,
    async createSchema(name) {
      const schema = quoteIdentifier(name);
      await platform.query(`create schema if not exists ${schema} authorization ${quoteIdentifier(place.role)}`);
    },
  });
}
