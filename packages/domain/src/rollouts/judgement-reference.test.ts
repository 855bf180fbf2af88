import { readFile, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { SIMULATED_POLICY, simulateRollouts } from "./testing/simulated-rollouts.ts";

// With UPDATE_REFERENCE=1 the tables are written anew instead of compared.
const UPDATE = process.env["UPDATE_REFERENCE"] === "1";
const PAGE = new URL("../../../../docs/reference/judgement.md", import.meta.url);

const SAME_RUNS = 2_000;
const RUNS = 200;
const SCENES = [
  ["1 % more errors (2 % instead of 1 %)", { errors: 0.02 }],
  ["4 % more errors", { errors: 0.05 }],
  ["half of the requests fail", { errors: 0.5 }],
  ["all requests take 10 % longer", { median: 110 }],
  ["all requests take 50 % longer", { median: 150 }],
  ["5 % of the requests take 4 times as long (p95 only)", { slowShare: 0.05, slowFactor: 4 }],
  ["20 % of the requests take twice as long", { slowShare: 0.2, slowFactor: 2 }],
] as const;

it("rolls back at most α of 2,000 rollouts of the same version under continuous watching, open windows included, and the page says how many and how much it finds", async () => {
  const same = simulateRollouts(SAME_RUNS, 1, {});
  expect(same.rolledBack / SAME_RUNS).toBeLessThanOrEqual(SIMULATED_POLICY.alpha);
  const rows = SCENES.map(([what, behaviour], index) => {
    const { rolledBack, requests } = simulateRollouts(RUNS, 100 + index, behaviour);
    return [
      what,
      `${Math.round((100 * rolledBack) / RUNS)} %`,
      intervalOf(rolledBack, RUNS),
      rolledBack === 0 ? "–" : requests.toLocaleString("en-US"),
    ];
  });
  expect(same.openLooks).toBeGreaterThan(same.looks / 3);
  const page = await readFile(PAGE, "utf8");
  const wanted = withPart(
    withPart(
      page,
      "same",
      [
        `${same.rolledBack} of ${SAME_RUNS.toLocaleString("en-US")} rollouts of the same version were rolled back, ` +
          `${same.early} of them by a look into an open window.`,
        `There were ${same.looks.toLocaleString("en-US")} looks, ${same.openLooks.toLocaleString("en-US")} of them into ` +
          "open windows.",
      ].join("\n"),
    ),
    "power",
    table([["the new version", "rolled back", "with 95 %", "its requests until then (median)"], ...rows]),
  );
  if (UPDATE) await writeFile(PAGE, wanted);
  expect((await readFile(PAGE, "utf8")) === wanted).toBe(true);
}, 300_000);

function withPart(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}: written from a simulation -->`, `<!-- end of ${name} -->`];
  const [before, rest] = page.split(begin);
  return `${before}${begin}\n\n${content}\n\n${end}${rest?.split(end)[1]}`;
}

/** Of a share that was found by so many runs, in percent: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927). */
function intervalOf(found: number, runs: number): string {
  const z = 1.96;
  const middle = (found + z ** 2 / 2) / (runs + z ** 2);
  const reach = (z / (runs + z ** 2)) * Math.sqrt((found * (runs - found)) / runs + z ** 2 / 4);
  return `${Math.round(100 * (middle - reach))}–${Math.round(100 * (middle + reach))} %`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}
