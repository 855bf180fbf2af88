import { dropTenantSchema, provisionTenantSchema } from "@aibos/tenant-data";
import type { StepKind } from "../migration-step.ts";

/** Makes the tenant's own schema and role for the module. Undone, both are gone with all that is in them. */
export const createSchema: StepKind<object> = {
  name: "create-schema",
  title: () => "create the tenant's schema and role",
  async inside({ client }, { schema, role }) {
    await provisionTenantSchema(client, { schema, role });
    return { detail: { schema } };
  },
  async undoInside({ client }, { schema, role }) {
    await dropTenantSchema(client, { schema, role });
  },
};
