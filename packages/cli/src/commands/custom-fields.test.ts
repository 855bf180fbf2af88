import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeApi, problem, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";

const AT = "/v1/tenants/acme/modules/shop/custom-fields";
const FIELDS = {
  version: "1.0.0",
  allowed: { orders: ["text", "integer"] },
  items: [{ table: "orders", name: "vat_id", type: "text" }],
};

let api: FakeApi;
beforeEach(async () => {
  api = await startFakeApi({
    [`GET ${AT}`]: { body: FIELDS },
    [`PUT ${AT}/orders/vat_id`]: { body: FIELDS },
    [`POST ${AT}/orders/vat_id/drop`]: ({ body }) =>
      (body as { acceptDataLoss: boolean }).acceptDataLoss
        ? { body: { ...FIELDS, items: [] } }
        : problem(422, "AIBOS_CUSTOM_FIELD", 'Custom field "vat_id" of table "orders": it holds 2 values.'),
  });
});
afterEach(() => api[Symbol.asyncDispose]());

function run(...words: string[]): ReturnType<typeof runInProcess> {
  return runInProcess(api.url, ["custom-field", ...words, "-t", "acme", "-m", "shop"]);
}

test("a tenant's own columns are listed, with where they may be", async () => {
  const { out } = await run("list");
  expect(out).toMatch(/orders +vat_id +text\n/);
  expect(out).toContain("Allowed on orders (text, integer).");
});

test("one is added with its type and who did it", async () => {
  await run("add", "orders", "vat_id", "--type", "integer", "--author", "ann");
  expect(api.calls.at(-1)?.body).toEqual({ type: "integer", author: "ann" });
});

test("one that holds values goes only when that is accepted", async () => {
  expect(await run("drop", "orders", "vat_id")).toMatchObject({ code: 1 });
  const { code, out } = await run("drop", "orders", "vat_id", "--accept-data-loss");
  expect([code, out]).toEqual([0, "The tenant has no columns of its own. Allowed on orders (text, integer).\n"]);
});

test("a type that there is not is a mistake in the command line", async () => {
  expect((await run("add", "orders", "vat_id", "--type", "money")).code).toBe(2);
});
