import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeApi, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";

const MANIFEST = `id: notes
version: "1.0.0"
title: Notes
runtime:
  command: ["node", "built.txt"]
`;

let folder = "";
let api: FakeApi | undefined;
let published: unknown[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-publish-"));
  published = [];
  api = await startFakeApi({
    "POST /v1/modules": ({ body }) => {
      const created = published.length === 0;
      published.push(body);
      const answer = { module: "notes", version: "1.0.0", digest: "ab".repeat(32), sizeBytes: 1_536, created };
      return { status: created ? 201 : 200, body: answer };
    },
  });
});
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function publish(...words: string[]) {
  return runInProcess(api?.url ?? "", ["publish", folder, ...words]);
}

test("publish builds, packs and stores; the same content again changes nothing", async () => {
  await writeFile(join(folder, "aibos.module.yaml"), `${MANIFEST}build: echo built > built.txt\n`);
  const first = await publish();
  expect(first).toEqual({ code: 0, out: "✔ Published notes 1.0.0 (1.5 KiB, sha256 abababababab…)\n", err: "" });
  expect(await readFile(join(folder, "built.txt"), "utf8")).toBe("built\n");
  const second = await publish();
  expect(second.out).toBe("✔ notes 1.0.0 is already published with this content (1.5 KiB, sha256 abababababab…)\n");
  expect(published[1]).toEqual(published[0]);
  expect(Buffer.isBuffer(published[0]) && published[0].subarray(0, 2).toString("hex")).toBe("1f8b");
});

test("whoever relies on node_modules is told that they are not packed, and what to do", async () => {
  await writeFile(join(folder, "aibos.module.yaml"), MANIFEST);
  expect((await publish()).err).toBe("");
  await mkdir(join(folder, "node_modules", "left"), { recursive: true });
  await writeFile(join(folder, "node_modules", "left", "index.js"), "");
  expect((await publish()).err).toContain("node_modules is not packed: what the version needs must come with it.");
  await writeFile(join(folder, ".aibosignore"), "!node_modules\n");
  expect((await publish()).err).toBe("");
});

test("a build that fails is told, and nothing is published", async () => {
  await writeFile(join(folder, "aibos.module.yaml"), `${MANIFEST}build: echo the reason; exit 3\n`);
  const ran = await publish();
  expect(ran.code).toBe(1);
  expect(ran.err).toContain("the reason");
  expect(ran.err).toContain("AIBOS_BUILD_FAILED");
  expect(published).toEqual([]);
  expect((await publish("--no-build", "--json")).code).toBe(0);
});

test("a manifest with a mistake is told with its line, before anything is built", async () => {
  await writeFile(join(folder, "aibos.module.yaml"), `${MANIFEST}buld: echo built > built.txt\n`);
  const ran = await publish();
  expect(ran.code).toBe(1);
  expect(ran.err).toContain("aibos.module.yaml:6:1 buld");
  expect(published).toEqual([]);
});
