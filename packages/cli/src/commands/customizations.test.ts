import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeApi, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";

const AT = "/v1/tenants/acme/modules/shop/customizations";
const SETTINGS = {
  name: "settings",
  kind: "document",
  format: "yaml",
  version: "1.0.0",
  customized: true,
  content: "days: 30\n",
  default: "days: 14\n",
  author: "ann",
  changedAt: "2027-01-31T09:30:00.000Z",
};
const ENTRY = {
  id: "17",
  name: "settings",
  version: "2.0.0",
  origin: "merge",
  author: "upgrade",
  at: "2027-01-31T09:30:00.000Z",
  content: "days: 30\n",
  base: "days: 21\n",
  diff: "--- a\n+++ b\n@@ -1 +1 @@\n-days: 21\n+days: 30\n",
  report: [{ path: "/days", outcome: "resolved", detail: "change: the tenant's was kept, decided by ann" }],
  migrationId: "mig_1",
  aside: true,
};

let api: FakeApi;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-customization-"));
  api = await startFakeApi({
    [`GET ${AT}`]: { body: { items: [SETTINGS] } },
    "GET /v1/tenants/acme/modules/shop/hook-secret": { body: { secret: "whsec_b2xk" } },
    "POST /v1/tenants/acme/modules/shop/hook-secret/rotate": { body: { secret: "whsec_bmV3" } },
    [`GET ${AT}/settings`]: { body: SETTINGS },
    [`PUT ${AT}/settings`]: ({ body }) => ({
      body: { ...SETTINGS, customized: (body as { content: string | null }).content !== null },
    }),
    [`GET ${AT}/settings/history`]: { body: { items: [ENTRY], nextCursor: null } },
    [`POST ${AT}/settings/reapply`]: { body: { ...ENTRY, aside: false } },
  });
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function customization(...words: string[]): Promise<string> {
  const [name = "", ...rest] = words;
  const ran = await runInProcess(api.url, ["customization", name, ...rest, "-t", "acme", "-m", "shop"], {
    environment: { EDITOR: `sh -c 'echo "days: 45" > "$1"' sh` },
  });
  expect([ran.code, ran.err]).toEqual([0, ""]);
  return ran.out;
}

test("list and get show what the tenant has", async () => {
  expect(await customization("list")).toMatch(/settings +document +1\.0\.0 +the tenant's .* ann\n$/);
  expect(await customization("get", "settings")).toBe("days: 30\n");
});

test("set, edit and reset send the content and who did it", async () => {
  await writeFile(join(folder, "s.yaml"), "days: 60\n");
  expect(await customization("set", "settings", "--file", join(folder, "s.yaml"), "--author", "bob")).toBe(
    '✔ acme has its own "settings" of 1.0.0.\n',
  );
  await customization("edit", "settings");
  expect(await customization("reset", "settings")).toBe('✔ acme has the default "settings" of 1.0.0.\n');
  expect(api.calls.flatMap(({ body }) => (body === undefined ? [] : [body]))).toEqual([
    { content: "days: 60\n", author: "bob" },
    { content: "days: 45\n" },
    { content: null },
  ]);
});

test("the key of the tenant's webhooks is printed, or made anew", async () => {
  expect(await customization("hook-secret")).toBe("whsec_b2xk\n");
  expect(await customization("hook-secret", "--rotate")).toBe("whsec_bmV3\n");
});

test("diff, history and reapply show what was changed, and by whom", async () => {
  expect(await customization("diff", "settings")).toContain("-days: 14\n+days: 30\n");
  const history = await customization("history", "settings", "--diff");
  expect(history).toContain("2.0.0  merge by upgrade\n    kept aside");
  expect(history).toContain("    resolved /days: change: the tenant's was kept, decided by ann\n--- a\n");
  expect(await customization("reapply", "settings", "--entry", "17")).toContain("merge by upgrade");
  expect(api.calls.at(-1)?.body).toEqual({ entry: "17" });
});
