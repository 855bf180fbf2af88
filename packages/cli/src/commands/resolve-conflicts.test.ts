import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { spawn } from "@lydell/node-pty";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MigrationValidation } from "@aibos/contract";
import { FAKE_TOKEN, type FakeApi, problem, startFakeApi } from "../testing/fake-api.ts";
import { runInProcess } from "../testing/run-in-process.ts";
import { SAMPLE_CONFLICTS, sampleResolution } from "../testing/sample-conflicts.ts";

const CONFLICTS = "GET /v1/modules/shop/customization-conflicts";
const RESOLUTIONS = "POST /v1/modules/shop/customization-resolutions";
const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

let api: FakeApi;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-resolve-"));
  api = await startFakeApi({
    [CONFLICTS]: { body: { items: SAMPLE_CONFLICTS, nextCursor: null } },
    [RESOLUTIONS]: ({ body }) => {
      const given = body as Record<string, unknown>;
      return given["value"] === 400
        ? problem(422, "AIBOS_CUSTOMIZATION_INVALID", "/days must be <= 60. Nothing was changed.")
        : { status: 201, body: sampleResolution(given) };
    },
  });
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function sent(): unknown[] {
  return api.calls.filter(({ address }) => address === RESOLUTIONS).map(({ body }) => body);
}

describe("without a terminal", () => {
  test("conflicts are listed with the tenants behind each, and the exit code says that there are some", async () => {
    const { code, out } = await runInProcess(api.url, ["resolve-conflicts", "-m", "shop"]);
    expect(code).toBe(1);
    expect(out).toBe(
      "● settings /days: change, 1.0.0 → 1.5.0, 30 tenants\n" +
        "● mail /line 1: text, 1.0.0 → 1.5.0, 1 tenant\n2 left to decide.\n",
    );
  });

  test("one is decided for all by its place, and what is left is told", async () => {
    const words = ["resolve-conflicts", "-m", "shop", "--path", "/days", "--strategy", "tenant", "--json"];
    const { code, out } = await runInProcess(api.url, words);
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { decided: [{ conflict: "cf_days", resolution: "res_cf_days", take: "tenant" }], left: [], advice: null },
    ]);
    expect(sent()).toEqual([{ conflict: "cf_days", take: "tenant" }]);
  });

  test("one is decided for one tenant with the value of a file", async () => {
    await writeFile(join(folder, "days.yaml"), "45\n");
    const words = ["resolve-conflicts", "-m", "shop", "-t", "acme", "--name", "settings", "--author", "ann"];
    await runInProcess(api.url, [...words, "--strategy", "value", "--file", join(folder, "days.yaml")]);
    expect(sent()).toEqual([{ conflict: "cf_days", take: "value", value: 45, tenant: "acme", author: "ann" }]);
  });

  test("a place at which nothing conflicts is a failure", async () => {
    const words = ["resolve-conflicts", "-m", "shop", "--path", "/else", "--strategy", "vendor"];
    expect([(await runInProcess(api.url, words)).code, sent()]).toEqual([1, []]);
  });

  test.each([
    ["--strategy value", ["--strategy", "value"]],
    ["--file", ["--file", "x", "--strategy", "tenant"]],
    ["-v", ["-v", "1.5.0"]],
    ["--from", ["--from", "1.0.0"]],
  ])("%s alone is a mistake in the command line", async (_, words) => {
    expect((await runInProcess(api.url, ["resolve-conflicts", "-m", "shop", ...words])).code).toBe(2);
  });

  test("a tenant's modules that don't go together are explained, with the upgrades that settle it", async () => {
    await api[Symbol.asyncDispose]();
    const unmet = { code: "AIBOS_DEPENDENCY_UNMET", message: "crm 1.0.0 needs shop <1.5.0." };
    const validation: MigrationValidation = {
      isValid: false,
      errors: [{ ...unmet, severity: "error" }],
      warnings: [],
      path: [],
      steps: [],
      holdsRequests: false,
      estimate: null,
    };
    api = await startFakeApi({
      [CONFLICTS]: { body: { items: [], nextCursor: null } },
      "POST /v1/tenants/acme/modules/shop/validation": { body: validation },
      "GET /v1/tenants/acme/modules/shop/upgrade-advice": {
        body: {
          explanation: ["Because shop 1.5.0 is wanted and crm 1.0.0 needs shop <1.5.0, crm 1.0.0 can't be used."],
          versions: { crm: "2.0.0", shop: "1.5.0" },
          moves: [
            { module: "crm", from: "1.0.0", to: "2.0.0" },
            { module: "shop", from: "1.0.0", to: "1.5.0" },
          ],
        },
      },
    });
    const { code, out } = await runInProcess(api.url, ["resolve-conflicts", "-m", "shop", "-t", "acme", "-v", "1.5.0"]);
    expect(code).toBe(1);
    expect(out).toBe(`The tenant's modules don't go together:
  Because shop 1.5.0 is wanted and crm 1.0.0 needs shop <1.5.0, crm 1.0.0 can't be used.
The fewest upgrades that settle it, in this order:
  1. crm 1.0.0 → 2.0.0
  2. shop 1.0.0 → 1.5.0
Nothing is left to decide.
`);
  });
});

describe("in a terminal", () => {
  /** The command in a pseudo-terminal; each answer is typed when its question stands there anew. */
  async function typeInto(answers: readonly string[], editor: string): Promise<{ code: number; screen: string }> {
    const script = join(folder, "editor.sh");
    await writeFile(script, `#!/bin/sh\n${editor}\n`);
    await chmod(script, 0o700);
    const terminal = spawn(process.execPath, [MAIN, "resolve-conflicts", "-m", "shop"], {
      cols: 90,
      rows: 40,
      env: {
        PATH: process.env["PATH"],
        TERM: "xterm-256color",
        NO_COLOR: "1",
        EDITOR: script,
        AIBOS_URL: api.url,
        AIBOS_TOKEN: FAKE_TOKEN,
      },
    });
    let screen = "";
    let typed = 0;
    terminal.onData((text) => {
      screen += text;
      const asked = screen.split("[q] quit").length - 1;
      const answer = answers[typed];
      if (asked > typed && stripVTControlCharacters(screen).endsWith("> ") && answer !== undefined) {
        typed += 1;
        terminal.write(`${answer}\r`);
      }
    });
    const code = await new Promise<number>((resolve) => {
      terminal.onExit(({ exitCode }) => resolve(exitCode));
    });
    return { code, screen: stripVTControlCharacters(screen).replaceAll("\r", "") };
  }

  test("three panes are shown, a letter decides, and the editor takes what is merged by hand", async () => {
    const { code, screen } = await typeInto(["t", "e"], `printf 'Hi {{name}},\\n' > "$1"`);
    expect(screen).toContain("1 of 2  settings /days: change, 1.0.0 → 1.5.0, 30 tenants");
    expect(screen).toMatch(/default of 1\.0\.0 +│ tenant's +│ default of 1\.5\.0\n14 +│ 30 +│ 21\n/);
    expect(screen).toContain("decided for 30 tenants");
    expect(screen).toMatch(/Dear customer, +│ Hi, +│ Hello \{\{name\}\},/);
    expect(screen).toContain("Nothing is left to decide.");
    expect(code).toBe(0);
    expect(sent()).toEqual([
      { conflict: "cf_days", take: "tenant" },
      { conflict: "cf_mail", take: "value", value: "Hi {{name}},\n" },
    ]);
  });

  test("what is refused, or has marks left in it, is asked again; what is skipped stays", async () => {
    const editor = `case "$1" in *.json) printf 400 > "$1" ;; *) : ;; esac`;
    const { code, screen } = await typeInto(["e", "v", "e", "x", "s"], editor);
    expect(screen).toContain("/days must be <= 60");
    expect(screen).toContain("are still there");
    expect(screen).toContain("1 left to decide.");
    expect(code).toBe(1);
    expect(sent().at(-1)).toEqual({ conflict: "cf_days", take: "vendor" });
  });

  test("q leaves everything else as it is", async () => {
    const { code } = await typeInto(["q"], "true");
    expect([code, sent()]).toEqual([1, []]);
  });
});
