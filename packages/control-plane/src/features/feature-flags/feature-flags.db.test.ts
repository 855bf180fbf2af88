import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moduleManifestSchema } from "@aibos/contract";
import { type FlagValue, parseVersion, type TenantId, type Version } from "@aibos/domain";
import { carryFlags, giveFlagsBack } from "./carry-flags.ts";
import { declareFlags } from "./declare-flags.ts";
import { createFlagWorld, FLAGS_V2, type FlagWorld, SHOP, V1, V2 } from "./testing/flag-world.ts";

let world: FlagWorld;
beforeAll(async () => {
  world = await createFlagWorld();
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

const update = (tenant: TenantId, flags: Record<string, FlagValue>, query: { user?: string } = {}) =>
  world.api.updateFeatureFlags({ params: { tenant, module: SHOP }, query: { author: "ann", ...query }, body: flags });

async function valueOf(
  tenant: TenantId,
  flag: string,
  more: { user?: string; version?: Version } = {},
): Promise<unknown> {
  const body = { attributes: {}, ...more };
  return (await world.api.checkFeatureFlag({ params: { tenant, module: SHOP, flag }, query: {}, body })).value;
}

describe("a tenant's own values", () => {
  test("are set, seen at once, and taken away", async () => {
    const tenant = await world.tenant("1.0.0");
    const other = await world.tenant("1.0.0");
    expect(await valueOf(tenant, "new_ui_enabled")).toBe(false);
    const { items } = await update(tenant, { new_ui_enabled: true, page_size: 50 });
    expect(items.find(({ key }) => key === "page_size")).toMatchObject({
      override: { value: 50 },
      result: { value: 50 },
    });
    expect([await valueOf(tenant, "new_ui_enabled"), await valueOf(tenant, "page_size")]).toEqual([true, 50]);
    expect(await valueOf(other, "new_ui_enabled")).toBe(false);
    await update(tenant, { new_ui_enabled: null });
    expect(await valueOf(tenant, "new_ui_enabled")).toBe(false);
  });

  test("may be for one user", async () => {
    const tenant = await world.tenant("1.0.0");
    await update(tenant, { new_ui_enabled: true }, { user: "ann" });
    expect(await valueOf(tenant, "new_ui_enabled", { user: "ann" })).toBe(true);
    expect(await valueOf(tenant, "new_ui_enabled", { user: "bob" })).toBe(false);
  });

  test.each<[string, Record<string, FlagValue>, string, RegExp]>([
    ["an unknown flag", { nothing: true }, "nothing", /not declared/],
    ["a wrong type", { page_size: "many" }, "page_size", /a whole number/],
    ["a schema's violation", { limits: { rows: 0 } }, "limits", /schema/],
    ["a variant's value that is no text", { look: 5 }, "look", /a text/],
  ])("%s is refused by name, and nothing is changed", async (_, flags, flag, message) => {
    const tenant = await world.tenant("1.0.0");
    const refused = update(tenant, { new_ui_enabled: true, ...flags });
    await expect(refused).rejects.toMatchObject({
      code: "AIBOS_FLAGS_INVALID",
      refusals: [{ flag, message: expect.stringMatching(message) }],
    });
    expect(await valueOf(tenant, "new_ui_enabled")).toBe(false);
  });

  test("must fit every live version; each version evaluates its own definitions", async () => {
    const tenant = await world.tenant("1.0.0", "2.0.0");
    expect(await valueOf(tenant, "new_ui_enabled", { version: V1 })).toBe(false);
    expect(await valueOf(tenant, "new_ui_enabled", { version: V2 })).toBe(true);
    await expect(update(tenant, { page_size: 50 })).rejects.toMatchObject({
      refusals: [{ flag: "page_size", message: expect.stringContaining("2.0.0") }],
    });
    await update(tenant, { old_name: true });
    expect(await valueOf(tenant, "old_name", { version: V1 })).toBe(true);
    await expect(valueOf(tenant, "old_name", { version: V2 })).rejects.toMatchObject({ code: "AIBOS_FLAG_NOT_FOUND" });
  });
});

describe("rules for many", () => {
  const setRule = (flag: string, body: object) =>
    world.api.setFlagRule({ params: { module: SHOP, flag }, query: {}, body: body as never });

  test("a module's rule, a segment's, a kill and its end reach everybody", async () => {
    const tenant = await world.tenant("1.0.0");
    await world.tenant("2.0.0");
    // A rule for everybody must fit every live version, which take different types.
    const unfit = setRule("page_size", { level: "module", setting: { value: 7 } });
    await expect(unfit).rejects.toMatchObject({ code: "AIBOS_FLAGS_INVALID" });
    await setRule("look", { level: "module", setting: { value: "dark" } });
    expect(await valueOf(tenant, "look")).toBe("dark");
    await world.api.setFlagSegment({
      params: { module: SHOP, segment: "all" },
      query: {},
      body: { when: { "==": [{ var: "tenant.id" }, tenant] }, author: "ann" },
    });
    await setRule("look", { level: "segment", segment: "all", setting: { value: "light" } });
    expect(await valueOf(tenant, "look")).toBe("light");
    await update(tenant, { look: "dark" });
    expect(await valueOf(tenant, "look")).toBe("dark");
    const kill = (killed: boolean) =>
      world.api.killFlag({ params: { module: SHOP, flag: "look" }, query: {}, body: { killed, author: "ann" } });
    await kill(true);
    expect(await valueOf(tenant, "look")).toBe("light");
    await kill(false);
    expect(await valueOf(tenant, "look")).toBe("dark");
    await setRule("look", { level: "segment", segment: "all", setting: null });
    await setRule("look", { level: "module", setting: null });
  });

  test("each change is in the history, and can be taken back", async () => {
    const tenant = await world.tenant("1.0.0");
    await update(tenant, { retired_soon: true });
    await update(tenant, { retired_soon: false });
    const history = () =>
      world.api.getFlagHistory({
        params: { module: SHOP, flag: "retired_soon" },
        query: { limit: 10, tenant },
        body: undefined,
      });
    const [last] = (await history()).items;
    expect(last).toMatchObject({ before: [{ setting: { value: true } }], after: [{ setting: { value: false } }] });
    await world.api.revertFlagChange({
      params: { module: SHOP, revision: last?.revision ?? 0 },
      query: {},
      body: { author: "bob" },
    });
    expect(await valueOf(tenant, "retired_soon")).toBe(true);
    expect((await history()).items.map(({ author }) => author)).toEqual(["bob", "ann", "ann"]);
  });
});

test("a change is in another process's evaluators within a second", async () => {
  const tenant = await world.tenant("1.0.0");
  const other = world.another();
  const set = await other.setFor(SHOP, V1, tenant);
  expect(set.evaluate("new_ui_enabled", { tenant }, 0).value).toBe(false);
  await update(tenant, { new_ui_enabled: true });
  await expect
    .poll(() => set.evaluate("new_ui_enabled", { tenant }, 0).value, { timeout: 10_000, interval: 20 })
    .toBe(true);
});

describe("a tenant that moves", () => {
  test("takes its values along, renamed and converted, with conflicts told; and has them again when it comes back", async () => {
    const { database } = world.control;
    const tenant = await world.tenant("1.0.0");
    await update(tenant, { new_ui_enabled: false, page_size: 50, old_name: true, look: "dark", retired_soon: true });
    const move = { tenant, module: SHOP, from: V1, to: V2 };
    const carried = await database.transaction((tx) => carryFlags(tx, move));
    expect(carried).toMatchObject({
      kept: 2,
      renamed: ["old_name → new_name"],
      converted: ["page_size → page_size"],
      conflicts: [{ flag: "retired_soon" }],
    });
    const set = await world.evaluators.setFor(SHOP, V2, tenant);
    const at2 = () => Object.keys(FLAGS_V2).map((flag) => set.evaluate(flag, { tenant }, 0).value);
    await expect.poll(at2).toEqual([false, "50", true, "dark", { rows: 10 }]);
    await database.transaction((tx) => giveFlagsBack(tx, move, carried.before));
    await expect.poll(at2).toEqual([true, "20", false, "light", { rows: 10 }]);
    expect([await valueOf(tenant, "page_size"), await valueOf(tenant, "retired_soon")]).toEqual([50, true]);
  });
});

describe("publishing", () => {
  const declare = (flags: object, breakingFlags: string[] = []) =>
    world.control.database.transaction(async (tx) => {
      const version = parseVersion("3.0.0");
      const parts = { id: SHOP, version, title: "Shop", runtime: { command: ["true"] }, flags, breakingFlags };
      const breaks = await declareFlags(tx, moduleManifestSchema.parse(parts));
      await tx.db.deleteFrom("feature_flags").where("version", "=", version).execute();
      return breaks;
    });

  test("a version that removes or retypes flags in use says so, or is refused", async () => {
    await world.tenant("2.0.0");
    await world.control.database.db
      .insertInto("module_versions")
      .columns(["module", "version", "sort_key", "title", "manifest", "digest", "size_bytes", "migrations"])
      .expression((eb) =>
        eb
          .selectFrom("module_versions")
          .select((s) => [
            "module",
            s.val(parseVersion("3.0.0")).as("version"),
            s.val("zzz").as("sort_key"),
            "title",
            "manifest",
            "digest",
            "size_bytes",
            "migrations",
          ])
          .where("module", "=", SHOP)
          .where("version", "=", V2),
      )
      .execute();
    const { limits: _, ...without } = FLAGS_V2;
    await expect(declare({ ...without })).rejects.toMatchObject({ code: "AIBOS_FLAGS_BREAKING" });
    const meant = ["limits", "page_size", "retired_soon", "old_name"];
    const breaks = await declare({ ...without }, meant);
    expect(breaks.map(({ flag, kind }) => `${flag} ${kind}`).sort()).toContain("limits removed");
  });
});

test("usage is counted by flag, version and variant, and only of flags that there are", async () => {
  world.usage.count(SHOP, "1.0.0", "new_ui_enabled", "on", 3);
  world.usage.count(SHOP, "1.0.0", "new_ui_enabled", "on");
  world.usage.count(SHOP, "1.0.0", "no_such_flag", "on");
  await world.usage.write();
  world.usage.count(SHOP, "1.0.0", "new_ui_enabled", "on");
  await world.usage.write();
  const usage = await world.api.getFlagUsage({
    params: { module: SHOP, flag: "new_ui_enabled" },
    query: { days: 2 },
    body: undefined,
  });
  expect(usage.items).toMatchObject([{ version: "1.0.0", variant: "on", evaluations: 5 }]);
});

test("a flag key speaks for its tenant until it is revoked", async () => {
  const tenant = await world.tenant("1.0.0");
  const { key, id } = await world.api.createFlagKey({ params: { tenant, module: SHOP }, query: {}, body: undefined });
  expect(await world.keys.holderOf(key)).toEqual({ kind: "tenant", tenant, module: SHOP });
  expect(await world.keys.holderOf(`${key}x`)).toBeUndefined();
  await world.api.revokeFlagKey({ params: { keyId: id }, query: {}, body: undefined });
  expect(await world.keys.holderOf(key)).toBeUndefined();
  const own = world.keys.processKey(SHOP, V1);
  expect(await world.keys.holderOf(own)).toEqual({ kind: "process", module: SHOP, version: V1 });
  expect(await world.keys.holderOf(own.replace("shop", "crm"))).toBeUndefined();
});
