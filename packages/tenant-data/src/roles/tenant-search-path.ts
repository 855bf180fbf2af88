import { EXTENSION_SCHEMA } from "@aibos/domain";
import { quoteIdentifier } from "../quote-identifier.ts";

/** Where names without a schema are looked for in a tenant's data: in its own schema, then among the extensions. */
export function tenantSearchPath(schema: string): string {
  return `${quoteIdentifier(schema)}, ${EXTENSION_SCHEMA}`;
}
