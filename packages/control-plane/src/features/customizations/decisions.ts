import type { Kysely } from "kysely";
import type { Preference } from "@aibos/contract";
import {
  type Conflict,
  type Decide,
  type Decision,
  formatPath,
  type JsonValue,
  type ModuleId,
  type TenantId,
} from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import type { Customizable } from "./customizable.ts";
import { conflictId } from "./merge-hop.ts";

/** What people and policies decided about a module's conflicts. */
export interface Decisions {
  /** Tenants for whom something of their own was decided; the others are all alike. */
  readonly special: ReadonlySet<TenantId>;
  /** `tenant` undefined: for one of whom nothing special was decided. */
  decideFor(tenant: TenantId | undefined, to: Pick<Customizable, "prefer"> | undefined, name: string): Decide;
}

export async function loadDecisions(db: Kysely<ControlTables>, module: ModuleId): Promise<Decisions> {
  const rows = await db
    .selectFrom("recorded_resolutions")
    .select(["digest", "tenant", "take", "value", "author"])
    .where("module", "=", module)
    .where("revoked_at", "is", null)
    .execute();
  const policies = await db
    .selectFrom("customization_policies")
    .select(["tenant", "prefer"])
    .where("module", "=", module)
    .execute();
  const recorded = new Map(rows.map((row) => [`${row.digest} ${row.tenant ?? ""}`, toDecision(row)]));
  const preferences = new Map(policies.map(({ tenant, prefer }) => [tenant, prefer]));
  const special = new Set([...rows.flatMap(({ tenant }) => (tenant === null ? [] : [tenant])), ...preferences.keys()]);
  return {
    special,
    decideFor: (tenant, to, name) => (conflict) => {
      const id = conflictId(name, conflict);
      return (
        recorded.get(`${id} ${tenant ?? ""}`) ??
        recorded.get(`${id} `) ??
        preferred(tenant === undefined ? undefined : preferences.get(tenant), conflict, "the tenant's policy") ??
        preferred(to?.prefer, conflict, "the release's policy")
      );
    },
  };
}

function toDecision(row: { take: Decision["take"]; value: [JsonValue] | [] | null; author: string }): Decision {
  if (row.take !== "value") return { take: row.take, by: `decided by ${row.author}` };
  return { take: "value", value: row.value?.[0], by: `decided by ${row.author}` };
}

/** The nearest path at or above the conflict's, else its kind. */
function preferred(prefer: Preference | undefined, { path, kind }: Conflict, by: string): Decision | undefined {
  if (prefer === undefined) return undefined;
  const above = path.map((_, index) => formatPath(path.slice(0, path.length - index)));
  const key = [...above, "", kind].find((one) => Object.hasOwn(prefer, one));
  const take = key === undefined ? "ask" : prefer[key];
  return take === "tenant" || take === "vendor" ? { take, by: `by ${by}` } : undefined;
}
