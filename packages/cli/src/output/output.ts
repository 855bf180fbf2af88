import type { CliEnvironment } from "../config.ts";
import { type Colors, createColors } from "./colors.ts";
import { plainJson } from "./plain-text.ts";

/**
 * What a command writes. For people: text, tables and live lines on standard output, errors on standard error. With
 * `--json`: exactly one document on standard output, whatever happens, and nothing else.
 */
export interface Output {
  readonly json: boolean;
  readonly colors: Colors;
  /** Width of the terminal; undefined when it is none, where nothing is cut. */
  readonly columns: number | undefined;
  /** Whether a line may be written over, as spinners do. */
  readonly live: boolean;
  /** A line for people; nothing with `--json`. */
  line(text?: string): void;
  /** The answer: the value with `--json`, the text otherwise. */
  answer(value: unknown, text: () => string | Promise<string>): Promise<void>;
  /** The one document of `--json`. */
  document(value: unknown): void;
  /** Text as it is, such as a help page. */
  text(text: string): void;
  /** A failure for people, on standard error, with its own colours. */
  failure(render: (colors: Colors) => string): void;
  /** Replaces what stands on the live line. */
  overwrite(text: string): void;
  /** A line beside the output: warnings, logs. */
  aside(text: string): void;
}

/** Where the output goes: the process's streams, or a test's. */
export interface Streams {
  readonly out: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean };
}

export function createOutput(
  options: { readonly json: boolean },
  environment: CliEnvironment,
  { out, err }: Streams = processStreams(),
): Output {
  const isTerminal = out.isTTY === true;
  const live = isTerminal && !options.json && !environment.dumbTerminal;
  const writeDocument = (value: unknown): void => void out.write(`${plainJson(value)}\n`);
  return {
    json: options.json,
    live,
    colors: createColors(environment.colors, isTerminal && !environment.dumbTerminal),
    columns: isTerminal ? Math.max(40, out.columns ?? 80) : undefined,
    line: (text = "") => {
      if (!options.json) out.write(`${text}\n`);
    },
    answer: async (value, text) => {
      if (options.json) writeDocument(value);
      else out.write(`${await text()}\n`);
    },
    document: writeDocument,
    text: (text) => void out.write(text),
    failure: (render) => void err.write(`${render(createColors(environment.colors, err.isTTY === true))}\n`),
    overwrite: (text) => {
      if (live) out.write(`\r\u001b[2K${text}`);
    },
    aside: (text) => void err.write(`${text}\n`),
  };
}

/** The process's own streams. A reader that went away, as `| head` does, is no failure. */
function processStreams(): Streams {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.listenerCount("error") === 0) {
      stream.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
      });
    }
  }
  return { out: process.stdout, err: process.stderr };
}
