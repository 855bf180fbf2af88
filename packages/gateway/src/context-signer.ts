import { signTenantContext, TENANT_CONTEXT_TTL_SECONDS } from "@aibos/contract";
import type { RouteEntry, RouteVersion } from "./route-entry.ts";

/** For how long a signature is used again. What is left of its life is for clock differences and slow requests. */
const REUSE_MS = 5_000;

interface Signed {
  readonly header: string;
  readonly key: string;
  readonly until: number;
}

/** Signs tenant contexts; within a few seconds the same version of the same route gets the same signature. */
export class ContextSigner {
  // Keyed by object: a changed route has new objects, so an old context can't survive the change.
  readonly #signed = new WeakMap<RouteVersion, Signed>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  sign(entry: RouteEntry, version: RouteVersion, key: string): string {
    const now = this.#now();
    const known = this.#signed.get(version);
    if (known !== undefined && known.key === key && now < known.until) return known.header;
    const header = signTenantContext(
      {
        tenant: entry.route.tenant,
        module: entry.route.module,
        version: version.version,
        schema: version.schema,
        views: version.views,
        dataVersion: version.dataVersion,
        role: entry.route.role,
        expires: Math.floor(now / 1000) + TENANT_CONTEXT_TTL_SECONDS,
      },
      key,
    );
    this.#signed.set(version, { header, key, until: now + REUSE_MS });
    return header;
  }
}
