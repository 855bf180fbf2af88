import { signTenantContext, TENANT_CONTEXT_HEADER, TENANT_CONTEXT_TTL_SECONDS } from "@aibos/contract";
import { DomainError, type ModuleId, type Version } from "@aibos/domain";
import { viewSchemaName } from "@aibos/tenant-data";
import type { Installation } from "../installation/installation.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import type { DataPlace } from "../rollback-points/rollback-points.ts";

const TIMEOUT_MS = 15_000;

/** A version's process does not serve a tenant's data as it should. */
export class TenantUnhealthyError extends DomainError {
  readonly code = "AIBOS_TENANT_UNHEALTHY";
  constructor(module: ModuleId, version: Version, tenant: string, detail: string) {
    super(
      `${module} ${version} can't serve tenant "${tenant}": ${detail} The process's own log tells more; see "aibos-versions health".`,
    );
  }
}

/** Asks a version's process whether it can serve a tenant's data; gateways play no part. */
export interface TenantProbe {
  /** Resolves to what was asked, for the ledger. @throws TenantUnhealthyError */
  check(
    place: DataPlace,
    subject: { version: Version; dataVersion: Version },
    baseUrl: string,
  ): Promise<{ path: string; status: number; ms: number }>;
}

/** Calls the version's `tenantHealthPath` with a signed context, or its `healthPath` where it has none. */
export function createTenantProbe(options: {
  modules: ModuleReadModel;
  installation: Installation;
  now: () => number;
}): TenantProbe {
  const { modules, installation, now } = options;
  return {
    async check(place, { version, dataVersion }, baseUrl) {
      const { manifest } = await modules.getVersion(place.module, version);
      const path = manifest.runtime.tenantHealthPath ?? manifest.runtime.healthPath;
      const context = signTenantContext(
        {
          tenant: place.tenant,
          module: place.module,
          version,
          schema: place.schema,
          views: viewSchemaName(place.schema, dataVersion),
          dataVersion,
          role: place.role,
          expires: Math.floor(now() / 1_000) + TENANT_CONTEXT_TTL_SECONDS,
        },
        installation.contextKey(place.module, version),
      );
      const started = now();
      const unhealthy = (detail: string): TenantUnhealthyError =>
        new TenantUnhealthyError(place.module, version, place.tenant, detail);
      const response = await fetch(baseUrl.replace(/\/+$/, "") + path, {
        headers: { [TENANT_CONTEXT_HEADER]: context },
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((error: unknown) => {
        throw unhealthy(`GET ${path} got no answer (${error instanceof Error ? error.message : String(error)}).`);
      });
      const body = await response.text().catch(() => "");
      if (!response.ok) throw unhealthy(`GET ${path} answered ${response.status}: ${body.slice(0, 300)}`);
      return { path, status: response.status, ms: now() - started };
    },
  };
}
