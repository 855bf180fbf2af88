import { signTenantContext, TENANT_CONTEXT_HEADER, TENANT_CONTEXT_TTL_SECONDS } from "@aibos/contract";
import type { RolloutWindow, VersionWindow } from "@aibos/domain";
import { listLatencies, sketchLatencies, type TenantId, type Version } from "@aibos/domain";
import { viewSchemaName } from "@aibos/tenant-data";
import type { ControlDatabase } from "../../db/control-database.ts";
import { findDeployment } from "../deployments/deployment-read-model.ts";
import type { Installation } from "../installation/installation.ts";
import { readTenantModule } from "../instances/tenant-module-read-model.ts";
import type { VersionRollout } from "./rollout-store.ts";

const TIMEOUT_MS = 5_000;

export interface SyntheticRequests {
  /** Makes the policy's requests to both versions for the first of the tenants, and tells what came of them. */
  send(rollout: VersionRollout): Promise<RolloutWindow>;
}

/** Requests that nobody made: straight to the versions' processes, as a gateway makes them, and only with GET. */
export function createSyntheticRequests(options: {
  database: ControlDatabase;
  installation: Installation;
  now: () => number;
}): SyntheticRequests {
  const { database, installation, now } = options;

  async function ask(rollout: VersionRollout, tenant: TenantId, version: Version): Promise<VersionWindow> {
    const { module, policy } = rollout;
    const deployment = await findDeployment(database.db, module, version);
    const { schema, role, live } = await readTenantModule(database.db, tenant, module);
    const dataVersion = live.find((instance) => instance.version === version)?.dataVersion ?? version;
    const views = viewSchemaName(schema, dataVersion);
    const expires = Math.floor(now() / 1_000) + TENANT_CONTEXT_TTL_SECONDS;
    const context = signTenantContext(
      { tenant, module, version, schema, views, dataVersion, role, expires },
      installation.contextKey(module, version),
    );
    const url = (deployment?.url ?? "").replace(/\/+$/, "") + policy.synthetic.path;
    const asked = Array.from({ length: policy.synthetic.requests }, () => askOnce(url, context));
    const answers = await Promise.all(asked);
    return {
      requests: answers.length,
      errors: answers.filter(({ failed }) => failed).length,
      latency: listLatencies(sketchLatencies(answers.map(({ ms }) => ms))),
    };
  }

  return {
    async send(rollout) {
      const [tenant] = rollout.tenants;
      if (tenant === undefined) return { tenants: {}, paired: {} };
      const [old, fresh] = await Promise.all([
        ask(rollout, tenant, rollout.oldVersion),
        ask(rollout, tenant, rollout.newVersion),
      ]);
      return { tenants: { [tenant]: { old, fresh } }, paired: {} };
    },
  };
}

async function askOnce(url: string, context: string): Promise<{ failed: boolean; ms: number }> {
  const started = performance.now();
  let failed = true;
  try {
    const response = await fetch(url, {
      headers: { [TENANT_CONTEXT_HEADER]: context },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    failed = response.status >= 500;
    await response.body?.cancel();
  } catch {
    // No answer is a failure of the version.
  }
  return { failed, ms: performance.now() - started };
}
