/** One step of a scenario, with the table below it. */
export interface GherkinStep {
  readonly text: string;
  readonly table: readonly (readonly string[])[];
}

/** A scenario to run: its background's steps are among its own, and an outline is one for each example. */
export interface GherkinScenario {
  readonly name: string;
  readonly tags: readonly string[];
  readonly steps: readonly GherkinStep[];
}

interface Draft {
  name: string;
  tags: string[];
  steps: { text: string; table: string[][] }[];
  examples: { tags: string[]; rows: string[][] }[];
}

/** Reads a feature file (Gherkin 6), as far as the scenarios of OpenFeature need it. */
export function readFeature(text: string): GherkinScenario[] {
  const background: Draft = draft("", []);
  const drafts: Draft[] = [];
  let current = background;
  let tags: string[] = [];
  let rows: string[][] | undefined;
  for (const line of text.split("\n").map((one) => one.trim())) {
    const [, keyword = "", rest = ""] =
      /^(Feature|Background|Scenario Outline|Scenario|Examples):\s*(.*)$/.exec(line) ?? [];
    if (line.startsWith("@")) tags = line.split(/\s+/).map((tag) => tag.slice(1));
    else if (keyword === "Background") current = background;
    else if (keyword.startsWith("Scenario")) {
      current = draft(rest, tags);
      drafts.push(current);
      tags = [];
      rows = undefined;
    } else if (keyword === "Examples") {
      rows = [];
      current.examples.push({ tags, rows });
      tags = [];
    } else if (line.startsWith("|")) {
      (rows ?? current.steps.at(-1)?.table)?.push(cellsOf(line));
    } else {
      const step = /^(?:Given|When|Then|And|But) (.*)$/.exec(line)?.[1];
      if (step !== undefined) current.steps.push({ text: step, table: [] });
      if (keyword === "Feature") tags = [];
    }
  }
  return drafts.flatMap((one) => scenariosOf(background, one));
}

function draft(name: string, tags: string[]): Draft {
  return { name, tags, steps: [], examples: [] };
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, line.lastIndexOf("|"))
    .split("|")
    .map((cell) => cell.trim());
}

function scenariosOf(background: Draft, { name, tags, steps, examples }: Draft): GherkinScenario[] {
  const all = [...background.steps, ...steps];
  if (examples.length === 0) return [{ name, tags, steps: all }];
  return examples.flatMap(({ tags: more, rows: [titles = [], ...rows] }) =>
    rows.map((row) => {
      const fill = (text: string): string =>
        titles.reduce((filled, title, index) => filled.replaceAll(`<${title}>`, row[index] ?? ""), text);
      return {
        name: `${name}: ${row.join(", ")}`,
        tags: [...tags, ...more],
        steps: all.map(({ text, table }) => ({ text: fill(text), table: table.map((line) => line.map(fill)) })),
      };
    }),
  );
}
