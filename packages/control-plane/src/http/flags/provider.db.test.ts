import {
  createLocalFlags,
  createLocalProvider,
  createOfrepProvider,
  type FlagExposure,
} from "@aibos/openfeature-provider";
import { OpenFeature, ProviderEvents, ProviderStatus } from "@openfeature/server-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SHOP, V1 } from "../../features/feature-flags/testing/flag-world.ts";
import { type FlagServer, startFlagServer } from "./testing/flag-server.ts";

let server: FlagServer;
beforeAll(async () => {
  server = await startFlagServer();
}, 60_000);
afterAll(async () => {
  await OpenFeature.close();
  await server[Symbol.asyncDispose]();
});

const eventually = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 15_000, interval: 20 });

test("the provider evaluates at the server", async () => {
  const { tenant, key } = await server.tenant();
  await OpenFeature.setProviderAndWait("remote", createOfrepProvider({ url: server.url, key }));
  const client = OpenFeature.getClient("remote");
  expect(await client.getBooleanDetails("new_ui_enabled", true)).toMatchObject({
    value: false,
    reason: "STATIC",
    variant: "off",
  });
  await server.set(tenant, { new_ui_enabled: true });
  expect(await client.getBooleanValue("new_ui_enabled", false)).toBe(true);
  expect(await client.getNumberDetails("new_ui_enabled", 5)).toMatchObject({ value: 5, errorCode: "TYPE_MISMATCH" });
});

test("the provider evaluates in process, and hears of changes", async () => {
  const { tenant, key } = await server.tenant();
  await OpenFeature.setProviderAndWait("local", createLocalProvider({ url: server.url, key, tenant }));
  const client = OpenFeature.getClient("local");
  const changed: string[] = [];
  client.addHandler(ProviderEvents.ConfigurationChanged, (details) => changed.push(...(details?.flagsChanged ?? [])));
  expect(await client.getBooleanValue("new_ui_enabled", true)).toBe(false);
  await server.set(tenant, { new_ui_enabled: true });
  await eventually(() => client.getBooleanValue("new_ui_enabled", false)).toBe(true);
  expect(changed).toContain("new_ui_enabled");
});

test("flags go on while the server is away, the SDK knows, and what changed meanwhile is there afterwards", async () => {
  await using own = await startFlagServer();
  const { tenant, key } = await own.tenant();
  await own.set(tenant, { page_size: 33 });
  const provider = createLocalProvider({ url: own.url, key, tenant, retryMs: 50, silenceMs: 6_000 });
  await OpenFeature.setProviderAndWait("away", provider);
  const client = OpenFeature.getClient("away");
  await own.stop();
  await eventually(() => client.providerStatus).toBe(ProviderStatus.STALE);
  expect(await client.getNumberValue("page_size", 0)).toBe(33);
  await own.set(tenant, { page_size: 44 });
  await own.start();
  await eventually(() => client.providerStatus).toBe(ProviderStatus.READY);
  await eventually(() => client.getNumberValue("page_size", 0)).toBe(44);
  await provider.onClose?.();
});

test("a key that is refused is a fatal error of the provider, and a server that never comes an ordinary one", async () => {
  const refused = createLocalProvider({ url: server.url, key: "wrong", tenant: "acme" });
  await expect(OpenFeature.setProviderAndWait("refused", refused)).rejects.toMatchObject({ code: "PROVIDER_FATAL" });
  const absent = createLocalProvider({ url: "http://127.0.0.1:1", key: "any", tenant: "acme", startMs: 200 });
  await expect(OpenFeature.setProviderAndWait("absent", absent)).rejects.toThrow("within 200 ms");
  expect(await OpenFeature.getClient("absent").getBooleanValue("new_ui_enabled", true)).toBe(true);
});

test("a module's process evaluates for all its tenants at once, without waiting", async () => {
  const first = await server.tenant();
  const second = await server.tenant();
  await server.set(first.tenant, { new_ui_enabled: true });
  const exposures: FlagExposure[] = [];
  const flags = createLocalFlags({
    url: server.url,
    key: server.world.keys.processKey(SHOP, V1),
    exposed: (exposure) => exposures.push(exposure),
  });
  await flags.ready();
  const valueFor = (tenant: string) => flags.forTenant(tenant).boolean("new_ui_enabled");
  expect([valueFor(first.tenant), valueFor(second.tenant)]).toEqual([true, false]);
  await server.set(second.tenant, { new_ui_enabled: true, page_size: 5 });
  await eventually(() => valueFor(second.tenant)).toBe(true);
  const client = flags.forTenant(second.tenant);
  expect([client.number("page_size", 0), client.string("look", "none"), client.string("page_size", "none")]).toEqual([
    5,
    "light",
    "none",
  ]);
  expect(client.object("limits", {})).toEqual({ rows: 10 });
  // None of these is an experiment.
  expect(exposures).toEqual([]);
  await flags.close();
  await server.world.usage.write();
  const usage = await server.world.api.getFlagUsage({
    params: { module: SHOP, flag: "page_size" },
    query: { days: 1 },
    body: undefined,
  });
  expect(usage.items.reduce((sum, { evaluations }) => sum + evaluations, 0)).toBeGreaterThan(0);
});
