import { randomBytes } from "node:crypto";
import pino from "pino";
import { moduleManifestSchema } from "@aibos/contract";
import { parseModuleId, parseTenantId, parseVersion, type TenantId } from "@aibos/domain";
import { seedTenantModule, seedVersion } from "../../../testing/test-catalog.ts";
import { createTestControl, type TestControl } from "../../../testing/test-control.ts";
import { createModuleReadModel } from "../../modules/module-read-model.ts";
import { declareFlags } from "../declare-flags.ts";
import { createFlagApi } from "../flag-api.ts";
import { createFlagEvaluators, type FlagEvaluators } from "../flag-evaluators.ts";
import { createFlagKeys, type FlagKeys } from "../flag-keys.ts";
import { createFlagUsageCounter, type FlagUsageCounter } from "../flag-usage.ts";
import { createTenantVersions, type TenantVersions } from "../tenant-versions.ts";

export const SHOP = parseModuleId("shop");
export const V1 = parseVersion("1.0.0");
export const V2 = parseVersion("2.0.0");

export const FLAGS_V1 = {
  new_ui_enabled: { type: "boolean", default: false },
  page_size: { type: "integer", default: 20 },
  old_name: { type: "boolean", default: false },
  look: { type: "string", default: "light", variants: { light: "light", dark: "dark" } },
  limits: {
    type: "object",
    default: { rows: 10 },
    schema: { type: "object", properties: { rows: { type: "integer", minimum: 1 } }, required: ["rows"] },
  },
  retired_soon: { type: "boolean", default: false },
} as const;
export const FLAGS_V2 = {
  new_ui_enabled: { type: "boolean", default: true },
  page_size: { type: "string", default: "20" },
  new_name: { type: "boolean", default: false, renamedFrom: "old_name" },
  look: { type: "string", default: "light", variants: { light: "light", night: "dark" } },
  limits: FLAGS_V1.limits,
} as const;

/** Flags on a real database: the API as operators use it, and what evaluators elsewhere would see. */
export interface FlagWorld extends AsyncDisposable {
  readonly control: TestControl;
  readonly api: ReturnType<typeof createFlagApi>;
  readonly evaluators: FlagEvaluators;
  readonly versions: TenantVersions;
  readonly keys: FlagKeys;
  readonly usage: FlagUsageCounter;
  /** A tenant of its own, with these versions live, the first with all users. */
  tenant(...versions: string[]): Promise<TenantId>;
  /** Evaluators of another control-plane process. */
  another(): FlagEvaluators;
}

export async function createFlagWorld(): Promise<FlagWorld> {
  const control = await createTestControl();
  const { database, notifications } = control;
  const log = pino({ level: "silent" });
  const now = Date.now;
  await seedVersion(database, SHOP, V1);
  await seedVersion(database, SHOP, V2);
  for (const [version, flags] of [
    [V1, FLAGS_V1],
    [V2, FLAGS_V2],
  ] as const) {
    const manifest = { id: SHOP, version, title: "Shop", runtime: { command: ["true"] }, flags };
    await database.transaction((tx) => declareFlags(tx, moduleManifestSchema.parse(manifest)));
  }
  const evaluators = createFlagEvaluators({ database, notifications, log });
  const versions = createTenantVersions({ database, notifications, now: () => now() });
  const keys = createFlagKeys({ database, secret: "secret of a test", now });
  const usage = createFlagUsageCounter({ database, log });
  const others: FlagEvaluators[] = [];
  return {
    control,
    evaluators,
    versions,
    keys,
    usage,
    api: createFlagApi({ database, modules: createModuleReadModel(database), evaluators, versions, keys, now }),
    async tenant(...live) {
      const tenant = `t${randomBytes(4).toString("hex")}`;
      const weights = Object.fromEntries(live.map((version, index) => [version, index === 0 ? 10_000 : 0]));
      await seedTenantModule(database, { tenant, module: SHOP, weights });
      return parseTenantId(tenant);
    },
    another() {
      const other = createFlagEvaluators({ database, notifications, log });
      others.push(other);
      return other;
    },
    async [Symbol.asyncDispose]() {
      for (const one of [evaluators, ...others]) await one.close();
      await usage.close();
      versions.close();
      await control[Symbol.asyncDispose]();
    },
  };
}
