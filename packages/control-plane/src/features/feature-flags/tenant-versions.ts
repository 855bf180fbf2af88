import type { ModuleId, TenantId, Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { Notifications } from "../../db/notifications.ts";
import { readTenantModule } from "../instances/tenant-module-read-model.ts";

const KEPT_MS = 1_000;

interface Known {
  readonly versions: readonly Version[];
  readonly at: number;
}

/** Which versions a tenant's flags are evaluated for, without asking the database each time. */
export interface TenantVersions {
  /** The live versions, the one with most users first. @throws TenantNotFoundError, ModuleNotInstalledError */
  of(tenant: TenantId, module: ModuleId): Promise<readonly Version[]>;
  /** The same where it is known already. */
  ready(tenant: TenantId, module: ModuleId): readonly Version[] | undefined;
  close(): void;
}

export function createTenantVersions(options: {
  database: ControlDatabase;
  notifications: Notifications;
  now: () => number;
}): TenantVersions {
  const { database, notifications, now } = options;
  let known = new Map<string, Known>();
  const unsubscribe = notifications.on("aibos_routes", () => {
    known = new Map();
  });

  function ready(tenant: TenantId, module: ModuleId): readonly Version[] | undefined {
    const found = known.get(`${tenant}/${module}`);
    return found !== undefined && now() - found.at < KEPT_MS ? found.versions : undefined;
  }

  return {
    ready,
    async of(tenant, module) {
      const found = ready(tenant, module);
      if (found !== undefined) return found;
      const { live } = await readTenantModule(database.db, tenant, module);
      const versions = live.toSorted((a, b) => b.weight - a.weight).map(({ version }) => version);
      if (known.size > 100_000) known = new Map();
      known.set(`${tenant}/${module}`, { versions, at: now() });
      return versions;
    },
    close: unsubscribe,
  };
}
