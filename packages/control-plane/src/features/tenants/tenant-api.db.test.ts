import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROUTES } from "@aibos/contract";
import { parseTenantId } from "@aibos/domain";
import { createTestControl, type TestControl } from "../../testing/test-control.ts";
import { createGatewayReadModel } from "../gateways/gateway-read-model.ts";
import { createTenantApi } from "./tenant-api.ts";

let control: TestControl;
let api: ReturnType<typeof createTenantApi>;
beforeAll(async () => {
  control = await createTestControl();
  api = createTenantApi({ ...control, gateways: createGatewayReadModel({ ...control, now: Date.now }) });
});
afterAll(() => control[Symbol.asyncDispose]());

const nothing = { params: {}, query: {}, body: undefined };
const create = (id: string, labels: Record<string, string> = {}, title?: string) =>
  api.createTenant({
    ...nothing,
    body: { id: parseTenantId(id), labels, ...(title === undefined ? {} : { title }) },
  });
const label = (id: string, labels: Record<string, string | null>) =>
  api.labelTenant({ ...nothing, params: { tenant: parseTenantId(id) }, body: labels });
const list = (query: { label?: string; cursor?: string; limit?: number } = {}) =>
  api.listTenants({ ...nothing, query: { limit: 100, ...query } });

describe("a tenant", () => {
  test("is created with its labels, and titled by its identifier unless told", async () => {
    const tenant = await create("plain", { tier: "gold" });
    expect(ROUTES.createTenant.answer.parse(tenant)).toEqual(tenant);
    expect(tenant).toMatchObject({ id: "plain", title: "plain", labels: { tier: "gold" }, state: "active" });
    expect((await create("titled", {}, "Titled GmbH")).title).toBe("Titled GmbH");
    expect(await api.getTenant({ ...nothing, params: { tenant: parseTenantId("plain") } })).toEqual(tenant);
  });

  test("exists once, whoever else creates it at the same moment", async () => {
    const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => create("raced")));
    expect(attempts.filter((attempt) => attempt.status === "fulfilled")).toHaveLength(1);
    const refused = attempts.flatMap((attempt) => (attempt.status === "rejected" ? [attempt.reason.code] : []));
    expect(refused).toEqual(refused.map(() => "AIBOS_TENANT_EXISTS"));
  });

  test("that does not exist is told as such", async () => {
    const params = { tenant: parseTenantId("nobody") };
    await expect(api.getTenant({ ...nothing, params })).rejects.toMatchObject({ code: "AIBOS_TENANT_NOT_FOUND" });
    await expect(label("nobody", { a: "b" })).rejects.toMatchObject({ code: "AIBOS_TENANT_NOT_FOUND" });
  });
});

describe("labels", () => {
  test("are set and taken away, and others stay", async () => {
    await create("labelled", { tier: "gold", region: "eu" });
    expect((await label("labelled", { tier: null, size: "xl", missing: null })).labels).toEqual({
      region: "eu",
      size: "xl",
    });
  });

  test("that two callers set at once are all kept", async () => {
    await create("both");
    await Promise.all(Array.from({ length: 10 }, (_, n) => label("both", { [`key-${n}`]: "x" })));
    const { labels } = await api.getTenant({ ...nothing, params: { tenant: parseTenantId("both") } });
    expect(Object.keys(labels)).toHaveLength(10);
  });

  test("are at most 64; one too many changes nothing", async () => {
    const many = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`key-${n}`, "x"]));
    await create("full", many);
    await expect(label("full", { another: "x" })).rejects.toMatchObject({ code: "AIBOS_INVALID_REQUEST" });
    expect((await label("full", { "key-0": null, another: "x" })).labels).toHaveProperty("another");
  });

  test("may be called like members of objects", async () => {
    await create("odd", JSON.parse('{"constructor":"a","__proto__":"b"}'));
    const { items } = await list({ label: "constructor=a" });
    expect(items.map((tenant) => tenant.id)).toEqual(["odd"]);
    expect(Object.prototype).not.toHaveProperty("a");
  });
});

describe("the list of tenants", () => {
  test("comes in pages by identifier, each tenant once", async () => {
    for (const n of [3, 1, 4, 0, 2]) await create(`paged-${n}`, { list: "paged" });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await list({ label: "list=paged", limit: 2, ...(cursor === null ? {} : { cursor }) });
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map((tenant) => tenant.id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(["paged-0", "paged-1", "paged-2", "paged-3", "paged-4"]);
  });

  test.each(["tier=pla'tin", 'tier=a"b', "tier=a=b", "tier=%", "tier="])(
    "is filtered by the label %s as it is",
    async (text) => {
      const value = text.slice(5);
      const id = `exact-${Buffer.from(value).toString("hex") || "none"}`;
      await create(id, { tier: value });
      expect((await list({ label: text })).items.map((tenant) => tenant.id)).toEqual([id]);
    },
  );

  test("refuses a cursor that is none", async () => {
    await expect(list({ cursor: "garbage" })).rejects.toMatchObject({ code: "AIBOS_INVALID_REQUEST" });
  });
});
