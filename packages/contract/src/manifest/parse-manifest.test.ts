import { describe, expect, test } from "vitest";
import { ManifestInvalidError } from "./manifest-invalid-error.ts";
import { parseModuleManifest } from "./parse-manifest.ts";

const SMALLEST = `id: accounting
version: "1.5.0"
title: Accounting
runtime:
  command: [node, main.mjs]
`;

function problemsOf(text: string): string[] {
  try {
    parseModuleManifest(text);
  } catch (error) {
    if (error instanceof ManifestInvalidError) {
      return error.problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
    }
    throw error;
  }
  return [];
}

describe("a manifest that can be used", () => {
  test("has its defaults filled in", () => {
    expect(parseModuleManifest(SMALLEST)).toEqual({
      id: "accounting",
      version: "1.5.0",
      title: "Accounting",
      upgrades: { requiredStop: false, blocked: [] },
      dependencies: {},
      runtime: {
        driver: "process",
        command: ["node", "main.mjs"],
        healthPath: "/healthz",
        startTimeoutSeconds: 30,
        stopTimeoutSeconds: 10,
        environment: {},
      },
      data: { migrations: "migrations" },
      customizable: {},
      customFields: { tables: {}, prefer: "ask" },
      flags: {},
      breakingFlags: [],
      lifecycle: {},
    });
  });

  test("may use an anchor, a byte-order mark and comments", () => {
    const text = `\ufeff# ours\n${SMALLEST}upgrades: { from: &old "<1.5.0" }\ndata: { compatibleWith: *old }\n`;
    expect(parseModuleManifest(text).data.compatibleWith).toBe("<1.5.0");
  });

  test("keeps dates as texts", () => {
    expect(parseModuleManifest(`${SMALLEST}lifecycle: { endOfLife: 2027-01-31 }`).lifecycle.endOfLife).toBe(
      "2027-01-31",
    );
  });
});

test("a message names file, line, column, field, and the field that was meant", () => {
  const text = `id: accounting\nversion: "1.5.0"\ntitle: A\nruntime:\n  comand: node main.mjs\n`;
  expect(() => parseModuleManifest(text)).toThrow(
    'aibos.module.yaml:5:3 runtime.comand: unknown field; did you mean "command"?',
  );
  expect(() => parseModuleManifest(text, "modules/a.yaml")).toThrow("modules/a.yaml:5:3 runtime.comand");
});

test("all problems are told at once, in the order of the lines", () => {
  const text = `id: Accounting
version: 1.0
versoin: 3
runtime: { command: [node] }
upgrades:
  blocked:
    - from: 1
dependencies:
`;
  expect(problemsOf(text)).toEqual([
    "1:1 title: is missing",
    "1:5 id: must be 1 to 40 lower-case letters, digits and single dashes, beginning with a letter",
    '2:10 version: must be a semantic version in quotes, such as "1.5.0"',
    '3:1 versoin: unknown field; did you mean "version"?',
    "7:7 upgrades.blocked.0.reason: is missing",
    '7:13 upgrades.blocked.0.from: must be a range of semantic versions in quotes, such as ">=1.0.0 <2.0.0"',
    "8:1 dependencies: is empty: give it a value, or remove the line",
  ]);
});

test.each([
  ["a process without a command", "runtime: {}", '4:10 runtime: needs "command": the driver "process" starts it'],
  [
    "an external module with a command",
    "runtime: { driver: external, command: x }",
    '4:39 runtime.command: is never run with the driver "external"; remove it',
  ],
  [
    "an environment variable of the platform",
    'runtime: { command: x, environment: { PORT: "1" } }',
    "4:45 runtime.environment.PORT: is set by the platform; choose another name",
  ],
  [
    "an environment variable that is a number",
    "runtime: { command: x, environment: { SIZE: 1 } }",
    "4:45 runtime.environment.SIZE: must be a text: put numbers and booleans in quotes",
  ],
  [
    "a health path that is another host's",
    "runtime: { command: x, healthPath: //elsewhere }",
    "4:36 runtime.healthPath: must be a URL path that begins with one `/`, in printable ASCII without spaces",
  ],
  [
    "a dependency on itself",
    'runtime: { command: x }\ndependencies: { a: "*" }',
    "5:20 dependencies.a: is this module itself; a module can't depend on itself",
  ],
  [
    "a dependency that is no module's name",
    'runtime: { command: x }\ndependencies: { Ledger: "*" }',
    "5:25 dependencies.Ledger: is not a module's identifier",
  ],
  [
    "a dependency named like a property of every object",
    'runtime: { command: x }\ndependencies: { constructor: "*" }',
    "5:30 dependencies.constructor: is not a module's identifier",
  ],
  [
    "a dependency that would be lost",
    'runtime: { command: x }\ndependencies: { __proto__: "*" }',
    "5:17 __proto__: is not a name that can be used",
  ],
  [
    "a replacement that is older",
    'runtime: { command: x }\nlifecycle: { replacement: "0.9.0" }',
    "5:27 lifecycle.replacement: must be newer than this version, 1.0.0",
  ],
  [
    "an end of life before the deprecation",
    "runtime: { command: x }\nlifecycle: { deprecatedOn: 2027-02-01, endOfLife: 2027-01-01 }",
    "5:51 lifecycle.endOfLife: must not be before deprecatedOn, 2027-02-01",
  ],
  [
    "blocked upgrades where none is possible",
    'runtime: { command: x }\nupgrades: { blocked: [{ from: "1.x", reason: slow }] }',
    '5:22 upgrades.blocked: blocks nothing: without "upgrades.from" no version can move here',
  ],
  [
    "migrations outside the folder",
    "runtime: { command: x }\ndata: { migrations: ../sql }",
    "5:21 data.migrations: must be a path inside the module's folder: relative, with `/` between names and no `..`",
  ],
])("%s is refused", (_, rest, problem) => {
  expect(problemsOf(`id: a\nversion: "1.0.0"\ntitle: A\n${rest}\n`)).toEqual([problem]);
});

describe("a text that is not a manifest", () => {
  test.each([
    ["nothing", "", "1:1 : is empty"],
    ["a comment", "# later\n", "1:1 : is empty"],
    ["a list", "- id: a\n", "1:1 : must be a mapping of fields such as `id: accounting`"],
    ["two documents", "id: a\n---\nid: b\n", "2:1 : a second YAML document begins here; a manifest is one"],
    ["a field given twice", "id: a\nid: b\n", "2:1 id: is given twice"],
    ["broken YAML", 'id: "a\n', '2:1 : Missing closing "quote'],
    ["a huge file", `# ${"x".repeat(256 * 1024)}`, "1:1 : is larger than 256 KiB; a manifest is a page of text"],
    ["brackets without end", "[".repeat(100_000), "1:1 : is nested too deeply"],
    ["dashes without end", "- ".repeat(100_000), "1:1 : is nested too deeply"],
    ["question marks without end", "? ".repeat(100_000), "1:1 : is nested too deeply"],
  ])("%s is refused", (_, text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  test("an alias bomb is refused before it grows", () => {
    const levels = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    const lines = levels.map((name, index) => {
      const inside = index === 0 ? "x" : `*${levels[index - 1]}`;
      return `${name}: &${name} [${Array(10).fill(inside).join(", ")}]`;
    });
    expect(problemsOf(lines.join("\n"))[0]).toContain("Excessive alias count");
  });

  test("thousands of problems make a message that can be read", () => {
    const text = `{${"a: 1,".repeat(10_000)}}`;
    expect(problemsOf(text)).toHaveLength(9_999);
    expect(() => parseModuleManifest(text)).toThrow(/… and 9979 more$/);
  });
});
