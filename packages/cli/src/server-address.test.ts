import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FakeApi, FAKE_TOKEN, startFakeApi } from "./testing/fake-api.ts";
import { runInProcess } from "./testing/run-in-process.ts";

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const WITHOUT = { AIBOS_URL: "", AIBOS_TOKEN: "" };
const MODULES = { "GET /v1/modules": { body: { items: [], nextCursor: null } } };

test("a data folder that `up` runs in has address and token", async () => {
  api = await startFakeApi(MODULES);
  await writeFile(join(folder, "server.json"), JSON.stringify({ url: api.url, gatewayUrl: "http://x", pid: 1 }));
  await writeFile(join(folder, "token"), `${FAKE_TOKEN}\n`);
  const words = ["module", "list", "--data-dir", folder];
  expect(await runInProcess("", words, { environment: WITHOUT })).toMatchObject({ code: 0 });
  const environment = { ...WITHOUT, AIBOS_DATA_DIR: folder };
  expect(await runInProcess("", ["module", "list"], { environment })).toMatchObject({ code: 0 });
});

test("a token file that is named comes before the environment's token", async () => {
  api = await startFakeApi(MODULES);
  const file = join(folder, "other-token");
  await writeFile(file, FAKE_TOKEN);
  const environment = { AIBOS_TOKEN: "the-wrong-token-of-the-environment" };
  const words = ["--url", api.url, "--token-file", file];
  expect(await runInProcess("", ["module", "list", ...words], { environment })).toMatchObject({ code: 0 });
  expect(await runInProcess("", [...words, "module", "list"], { environment })).toMatchObject({ code: 0 });
});

test("a token of the environment is not sent to a far address that a folder names", async () => {
  await writeFile(
    join(folder, "server.json"),
    JSON.stringify({ url: "http://192.0.2.1:7400", gatewayUrl: "http://x", pid: 1 }),
  );
  const environment = { AIBOS_URL: "", AIBOS_DATA_DIR: folder };
  const ran = await runInProcess("", ["module", "list"], { environment });
  expect(ran.code).toBe(2);
  expect(ran.err).toContain("There is no token for http://192.0.2.1:7400");
});

test("an address that is no URL, and a token file that is missing or empty, are told", async () => {
  const noUrl = await runInProcess("localhost", ["module", "list"]);
  expect([noUrl.code, noUrl.err.includes("is not the address of a server")]).toEqual([2, true]);
  const missing = await runInProcess("http://127.0.0.1:1", ["module", "list", "--token-file", join(folder, "none")]);
  expect([missing.code, missing.err.includes("can't be read")]).toEqual([2, true]);
  await writeFile(join(folder, "empty"), "\n");
  const empty = await runInProcess("http://127.0.0.1:1", ["module", "list", "--token-file", join(folder, "empty")]);
  expect([empty.code, empty.err.includes("is empty")]).toEqual([2, true]);
});
