import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { examplesOf } from "./commands/help-example.ts";
import { commandsOf, createProgram, pathOf } from "./program.ts";
import { leavesOf, renderCliReference } from "./testing/cli-reference.ts";
import { runInProcess } from "./testing/run-in-process.ts";

// With UPDATE_REFERENCE=1 the page is written anew instead of compared.
const UPDATE = process.env["UPDATE_REFERENCE"] === "1";
const HINT = "docs/reference/cli.md is out of date: run this test with UPDATE_REFERENCE=1.";
const PAGE = new URL("../../../docs/reference/cli.md", import.meta.url);

const program = createProgram(async () => undefined);
const COMMANDS = leavesOf(program).map(pathOf);

test("the help lists every command, and groups list theirs", async () => {
  const { out } = await runInProcess("", ["--help"]);
  for (const command of program.commands) expect(out).toMatch(new RegExp(`^  ${command.name()} `, "m"));
  const groups = program.commands.filter((command) => command.commands.length > 0);
  expect(groups.map((group) => group.name())).toContain("rollback-point");
  for (const group of groups) {
    const help = (await runInProcess("", [group.name(), "--help"])).out;
    for (const command of group.commands) expect(help).toMatch(new RegExp(`^  ${command.name()} `, "m"));
    for (const command of group.commands) expect(group.summary()).toContain(command.name());
  }
});

test("the commands are the ones that scripts know", () => {
  expect(COMMANDS.toSorted()).toEqual([
    "backup create",
    "backup delete",
    "backup list",
    "backup restore",
    "backup verify",
    "cleanup",
    "compare-versions",
    "complete-migration",
    "custom-field add",
    "custom-field drop",
    "custom-field list",
    "customization diff",
    "customization edit",
    "customization get",
    "customization history",
    "customization hook-secret",
    "customization list",
    "customization reapply",
    "customization reset",
    "customization set",
    "deployment list",
    "enable-side-by-side",
    "flags codegen",
    "flags explain",
    "flags export",
    "flags get",
    "flags history",
    "flags import",
    "flags key",
    "flags kill",
    "flags list",
    "flags revert",
    "flags rollout",
    "flags rule",
    "flags segment",
    "flags stale",
    "flags usage",
    "fleet-upgrade cancel",
    "fleet-upgrade list",
    "fleet-upgrade quarantined",
    "fleet-upgrade release",
    "fleet-upgrade resume",
    "fleet-upgrade rollback",
    "fleet-upgrade status",
    "fleet-upgrade tenants",
    "force-upgrade-all",
    "freeze add",
    "freeze list",
    "freeze remove",
    "gateway export",
    "gateway sync",
    "health",
    "install",
    "migrate-tenant",
    "migration cancel",
    "migration list",
    "migration pause",
    "migration resume",
    "migration retry",
    "migration-path",
    "migration-statistics",
    "migration-status",
    "mirror",
    "module list",
    "monitor-performance",
    "publish",
    "register-url",
    "rehearse-migration",
    "resolve-conflicts",
    "retention apply",
    "retention set",
    "retention show",
    "rollback-point create",
    "rollback-point list",
    "rollback-point restore",
    "rollback-tenant",
    "rollout abort",
    "rollout approve",
    "rollout list",
    "rollout pause",
    "rollout policy get",
    "rollout policy reset",
    "rollout policy set",
    "rollout promote",
    "rollout resume",
    "rollout start",
    "rollout status",
    "rollout step",
    "set-routing",
    "set-rules",
    "set-traffic",
    "show-rules",
    "tenant create",
    "tenant label",
    "tenant list",
    "tenant resume",
    "tenant show",
    "tenant suspend",
    "tester-token",
    "up",
    "update-feature-flags",
    "upgrade-policy consent",
    "upgrade-policy set",
    "upgrade-policy show",
    "validate-migration",
    "version list",
    "version-usage-stats",
  ]);
});

describe.each(COMMANDS)("%s", (path) => {
  const command = commandsOf(program).find((one) => pathOf(one) === path);

  test("has help with an example, and the common options", async () => {
    const { code, out, err } = await runInProcess("", [...path.split(" "), "--help"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(`$ aibos-versions ${path}`);
    for (const option of ["--json", "--url", "--token-file", "--data-dir", "--debug"]) expect(out).toContain(option);
    for (const line of out.split("\n").filter((text) => !text.startsWith("  $ "))) {
      expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  test("has examples that are understood", async () => {
    const lines = command === undefined ? [] : examplesOf(command);
    expect(lines).not.toEqual([]);
    for (const line of lines) {
      let reached = "";
      const fresh = createProgram(async (one) => {
        reached = pathOf(one);
      });
      for (const one of commandsOf(fresh)) one.exitOverride();
      await fresh.parseAsync(wordsOf(line), { from: "user" });
      expect(reached).toBe(path);
    }
  });
});

test("the reference page is the one of the code", async () => {
  const current = renderCliReference();
  if (UPDATE) await writeFile(PAGE, current);
  expect((await readFile(PAGE, "utf8")) === current ? "up to date" : HINT).toBe("up to date");
});

/** Words of a shell line that has no more than double quotes. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}
