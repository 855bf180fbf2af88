import type { LogLine, Migration } from "@aibos/contract";
import type { Output } from "./output.ts";
import { oneLine } from "./plain-text.ts";
import { createLiveLine } from "./live-line.ts";
import { runningStep, type StepEvent, stepEvents } from "./step-events.ts";
import { durationText } from "./time-text.ts";

/** Shows a migration while it goes on: a line for each step that ended and, on a terminal, a live one for the next. */
export interface StepView {
  update(migration: Migration): void;
  /** Shows what was run or said. */
  say(line: LogLine): void;
  end(): void;
}

export function createStepView(output: Output): StepView {
  const live = createLiveLine(output);
  let before: Migration | undefined;
  return {
    update: (migration) => {
      const events = stepEvents(before, migration);
      before = migration;
      if (events.length > 0) live.clear();
      for (const event of events) output.line(stepLine(event, output));
      const running = runningStep(migration);
      if (running === undefined) live.clear();
      else live.show(oneLine(running.title));
    },
    say: (line) => {
      live.clear();
      output.line(logLineText(line, output));
      const running = before === undefined ? undefined : runningStep(before);
      if (running !== undefined) live.show(oneLine(running.title));
    },
    end: () => live.clear(),
  };
}

const MARKS: Readonly<Record<LogLine["kind"], string>> = {
  statement: "sql",
  notice: "db",
  process: "out",
  message: "·",
};

/** One line of an operation's log. */
export function logLineText({ kind, text, ms }: LogLine, { colors }: Pick<Output, "colors">): string {
  return colors.dim(`    ${MARKS[kind].padEnd(3)} ${oneLine(text)}${ms === null ? "" : ` (${durationText(ms)})`}`);
}

function stepLine({ kind, title, ms, error }: StepEvent, { colors }: Output): string {
  const text = oneLine(title);
  if (kind === "succeeded") return `${colors.green("✔")} ${text} ${colors.dim(durationText(ms))}`;
  if (kind === "undone") return `${colors.yellow("↩")} undone: ${text}`;
  return `${colors.red("✖")} ${text}${error === null ? "" : `: ${oneLine(error)}`}`;
}
