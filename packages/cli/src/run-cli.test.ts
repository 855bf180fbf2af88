import { tmpdir } from "node:os";
import { afterEach, expect, test } from "vitest";
import { type FakeAnswer, type FakeApi, problem, startFakeApi } from "./testing/fake-api.ts";
import { runInProcess } from "./testing/run-in-process.ts";

const TARGET = ["-t", "acme", "-m", "accounting"];

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.[Symbol.asyncDispose]();
  api = undefined;
});

async function run(answers: Record<string, FakeAnswer>, ...words: string[]) {
  api = await startFakeApi(answers);
  return runInProcess(api.url, words);
}

const WRONG_LINES: [string, string[]][] = [
  ["an unknown command", ["migrate"]],
  ["no command", []],
  ["a group without a command", ["tenant"]],
  ["an unknown option", ["module", "list", "--foo"]],
  ["a missing option", ["install", "-t", "acme", "-m", "accounting"]],
  ["a missing argument", ["publish"]],
  ["a surplus argument", ["module", "list", "more"]],
  ["a tenant that is no identifier", ["install", "-t", "../x", "-m", "accounting", "-v", "1.0.0"]],
  ["a version that is none", ["install", ...TARGET, "-v", "v1"]],
  ["shares that are not 100", ["set-traffic", ...TARGET, "1.0.0=80", "1.5.0=30"]],
  ["a version twice", ["set-traffic", ...TARGET, "1.0.0=50", "1.0.0=50"]],
  ["a share that is no number", ["set-traffic", ...TARGET, "1.0.0=all"]],
  [
    "percentage without a share",
    ["set-routing", ...TARGET, "--old", "1.0.0", "--new", "1.5.0", "--routing", "percentage"],
  ],
  ["half a target", ["health", "-t", "acme"]],
  ["a limit that is none", ["tenant", "list", "--limit", "0"]],
  ["an identifier that would be a path", ["migration-status", "../tenants"]],
  ["a folder that is no module", ["publish", tmpdir()]],
];

test.each(WRONG_LINES)("2 for %s, and nothing reaches the server", async (_name, words) => {
  const ran = await run({}, ...words);
  expect([ran.code, ran.out]).toEqual([2, ""]);
  expect(ran.err).not.toBe("");
  expect(ran.err).not.toMatch(/^\s+at /m);
  expect(api?.calls).toEqual([]);
  const document = await runInProcess(api?.url ?? "", [...words, "--json"]);
  expect(document).toMatchObject({ code: 2, err: "" });
  expect(JSON.parse(document.out)).toMatchObject({ error: { code: expect.stringMatching(/^AIBOS_/) } });
});

test("an unknown command names the nearest one and the help", async () => {
  const ran = await run({}, "migrate-tenants");
  expect(ran.err).toBe(
    [
      "✖ Unknown command 'migrate-tenants'",
      "  (Did you mean migrate-tenant?)",
      "  See: aibos-versions --help",
      "  AIBOS_CONFIG_INVALID",
      "",
    ].join("\n"),
  );
});

test("3 when no server answers, with the way to start one", async () => {
  api = await startFakeApi({});
  await api[Symbol.asyncDispose]();
  const ran = await runInProcess(api.url, ["module", "list"]);
  expect(ran.code).toBe(3);
  expect(ran.err).toContain('Start one with "aibos-versions up"');
});

test("3 when the token is wrong", async () => {
  api = await startFakeApi({});
  const ran = await runInProcess(api.url, ["module", "list"], { environment: { AIBOS_TOKEN: "another-token" } });
  expect(ran.code).toBe(3);
  expect(ran.err).toContain("AIBOS_UNAUTHORIZED");
});

test("1 when the server refuses, or answers what no server should", async () => {
  const refused = await run({ "GET /v1/modules": problem(500, "AIBOS_INTERNAL", "It broke.") }, "module", "list");
  expect(refused.code).toBe(1);
  await api?.[Symbol.asyncDispose]();
  const strange = await run({ "GET /v1/modules": { body: { items: "none" } } }, "module", "list");
  expect(strange.code).toBe(1);
  expect(strange.err).toContain("may be of different releases");
  expect(strange.err).not.toMatch(/^\s+at /m);
  const debugged = await runInProcess(api?.url ?? "", ["module", "list", "--debug"]);
  expect(debugged.err).toMatch(/^\s+at /m);
});

test("0 for help and the version", async () => {
  expect(await run({}, "--help")).toMatchObject({ code: 0, err: "" });
  expect((await runInProcess("", ["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await runInProcess("", ["tenant", "create", "--help"])).out).toContain("Example:");
});
