import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { onTestFinished } from "vitest";
import type { FeedPolicy, RouteChange, TenantRoute } from "@aibos/contract";
import type { GatewaySettings } from "../gateway-options.ts";
import { type Gateway, startGateway } from "../gateway.ts";
import type { RouteSnapshot } from "../route-table.ts";
import { CONTROL_TOKEN, type FakeControlPlane, startFakeControlPlane, TESTER_KEY } from "./fake-control-plane.ts";

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aibos-gateway-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A gateway that follows `control`, and is stopped when the test ends. */
export async function gatewayOf(
  control: Pick<FakeControlPlane, "url">,
  settings: Partial<GatewaySettings> = {},
): Promise<Gateway> {
  const gateway = await startGateway({
    id: "g1",
    controlUrl: control.url,
    token: CONTROL_TOKEN,
    folder: settings.folder ?? (await temporaryFolder()),
    log: pino({ level: "silent" }),
    stopTimeout: 0,
    drainTimeout: 0,
    random: () => 0,
    ...settings,
  });
  onTestFinished(() => gateway.stop());
  return gateway;
}

/** A gateway and its control plane, with the given changes applied. */
export async function gatewayWith(
  changes: RouteChange[],
  settings: Partial<GatewaySettings> = {},
): Promise<{ control: FakeControlPlane; gateway: Gateway }> {
  const control = await startFakeControlPlane(...changes);
  const gateway = await gatewayOf(control, settings);
  await control.report(() => true);
  return { control, gateway };
}

/** A route of tenant acme's notes: all to 1.0.0 unless weights are given. */
export function routeOf(
  part: Partial<TenantRoute> & { weights?: Record<string, number> } = {},
): RouteChange & { route: TenantRoute } {
  const { weights = { "1.0.0": 10_000 }, ...rest } = part;
  const versions = Object.entries(weights).map(([version, weight]) => ({
    version,
    weight,
    schema: `t_acme_${version}`,
    views: `t_acme_${version}@${version}`,
    dataVersion: version,
  }));
  const tenant = rest.tenant ?? "acme";
  const module = rest.module ?? "notes";
  const route: TenantRoute = {
    tenant,
    module,
    state: "active",
    versions,
    role: "r_acme",
    hold: null,
    policy: null,
    ...rest,
  };
  return { kind: "route", tenant, module, route };
}

export const KEY = "key-of-the-version";

/** The processes of notes 1.0.0, unless another version is given. */
export function endpointsOf(urls: string[], version = "1.0.0", module = "notes"): RouteChange {
  return {
    kind: "endpoints",
    module,
    version,
    endpoints: { module, version, urls, healthPath: null, contextKey: KEY },
  };
}

/** A snapshot without anything in it. */
export const EMPTY_SNAPSHOT: RouteSnapshot = {
  type: "snapshot",
  feed: "feed-1",
  revision: 1,
  part: 0,
  last: true,
  testerKey: TESTER_KEY,
  routes: [],
  endpoints: [],
};

/** What decides besides weights: nothing unless given. */
export function policyOf(part: Partial<FeedPolicy>): FeedPolicy {
  return { rules: [], segments: {}, mirror: null, leaving: null, ...part };
}

/** A hold that lasts longer than any test. */
export function holdOf(part: Partial<NonNullable<TenantRoute["hold"]>> = {}): NonNullable<TenantRoute["hold"]> {
  return { migrationId: "mig_1", reason: "migration to 2.0.0", maxWaitMs: 600_000, retryAfterSeconds: 7, ...part };
}
