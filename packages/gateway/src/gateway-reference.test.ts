import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import pino from "pino";
import { settingsOf } from "./gateway-options.ts";
import { NUMBER_SETTINGS } from "./number-settings.ts";
import { GATEWAY_PROBLEMS } from "./problem.ts";

// With UPDATE_REFERENCE=1 the page's tables are written anew instead of compared.
const UPDATE = process.env["UPDATE_REFERENCE"] === "1";
const HINT = "The gateway's reference is out of date: run this test with UPDATE_REFERENCE=1.";
const PAGE = new URL("../../../docs/reference/gateway.md", import.meta.url);

const DEFAULTS = settingsOf({ id: "x", controlUrl: "", token: "", folder: "", log: pino({ level: "silent" }) });

/** Rows as oxfmt would write them. */
function table(head: string[], rows: string[][]): string {
  const all = [head, ...rows];
  const widths = head.map((_cell, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

const TABLES = {
  limits: table(
    ["variable", "unit", "default", "of what"],
    NUMBER_SETTINGS.map(({ variable, unit, setting, about }) => [
      `\`${variable}\``,
      unit,
      String(DEFAULTS[setting] ?? "none"),
      about,
    ]),
  ),
  problems: table(
    ["code", "status"],
    Object.entries(GATEWAY_PROBLEMS).map(([code, status]) => [`\`${code}\``, String(status)]),
  ),
};

test.each(Object.entries(TABLES))("the reference page has the %s as they are in the code", async (name, current) => {
  const page = await readFile(PAGE, "utf8");
  const [begin, end] = [`<!-- ${name}: written from the code -->`, `<!-- end of ${name} -->`];
  const [before, rest] = page.split(begin);
  const wanted = `${before}${begin}\n\n${current}\n\n${end}${rest?.split(end)[1]}`;
  if (UPDATE) await writeFile(PAGE, wanted);
  expect((await readFile(PAGE, "utf8")) === wanted ? "up to date" : HINT).toBe("up to date");
});

test("the reference page names every variable that the program reads", async () => {
  const page = await readFile(PAGE, "utf8");
  const config = await readFile(new URL("config.ts", import.meta.url), "utf8");
  const read = new Set(config.match(/"AIBOS_[A-Z_]+"/g)?.map((name) => name.slice(1, -1)));
  expect(read.size).toBeGreaterThan(10);
  expect([...read].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
