import { styleText } from "node:util";

/** One thing that a chapter looked at, and whether it was as it should be. */
export interface Check {
  readonly what: string;
  readonly ok: boolean;
  readonly seen: string;
}

/** Tells the demo's story on the terminal, and remembers what was checked. */
export class Story {
  readonly #checks: Check[] = [];
  readonly #started = performance.now();
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  chapter(title: string): void {
    this.#line("");
    this.#line(styleText("bold", `━━ ${title} ${"━".repeat(Math.max(3, 72 - title.length))}`));
  }

  /** What happens next. */
  step(text: string): void {
    const seconds = ((performance.now() - this.#started) / 1_000).toFixed(1).padStart(5);
    this.#line("");
    this.#line(`${styleText("dim", `${seconds} s`)}  ${styleText("cyan", "▸")} ${text}`);
  }

  /** Something to know about the step. */
  note(text: string): void {
    for (const line of text.split("\n").flatMap(wrap)) this.#line(`           ${styleText("dim", line)}`);
  }

  /** Shows a check and remembers it. */
  check(what: string, ok: boolean, seen: string): void {
    this.#checks.push({ what, ok, seen });
    this.#line(
      `         ${ok ? styleText("green", "✔") : styleText("red", "✖")} ${what} ${styleText("dim", `— ${seen}`)}`,
    );
  }

  /** Checks that two values are the same. */
  same(what: string, before: string | number, after: string | number): void {
    this.check(what, before === after, before === after ? String(after) : `${before} before, ${after} after`);
  }

  /** Whether every check so far held. */
  get held(): boolean {
    return this.#checks.every((check) => check.ok);
  }

  /** The last words. True when every check held. */
  end(): boolean {
    const failed = this.#checks.filter((check) => !check.ok);
    const seconds = ((performance.now() - this.#started) / 1_000).toFixed(0);
    this.#line("");
    if (failed.length === 0) {
      this.#line(styleText(["bold", "green"], `✔ All ${this.#checks.length} checks held, in ${seconds} s.`));
    } else {
      this.#line(styleText(["bold", "red"], `✖ ${failed.length} of ${this.#checks.length} checks failed:`));
      for (const { what, seen } of failed) this.#line(`  ✖ ${what} — ${seen}`);
    }
    return failed.length === 0;
  }

  say(text: string): void {
    this.#line(text);
  }

  #line(text: string): void {
    this.#write(`${text}\n`);
  }
}

/** No line of a note is longer than a usual terminal is wide, with what stands before it. */
const LONGEST = 108;

function wrap(line: string): string[] {
  const lines: string[] = [];
  for (const word of line.split(/(?<! :) (?!: )/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= LONGEST) lines.push(last === undefined ? word : `  ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
