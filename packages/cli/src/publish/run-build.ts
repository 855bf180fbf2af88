import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { plainText } from "../output/plain-text.ts";
import { BuildFailedError } from "./build-failed-error.ts";

const LINES_KEPT = 20;

/**
 * Runs the manifest's `build` command in the module's folder: one text by `sh -c`, a list directly. It sees the
 * caller's environment, as it would when typed by hand.
 *
 * @throws BuildFailedError with the last lines that it wrote
 */
export async function runBuild(folder: string, command: string | readonly string[]): Promise<void> {
  const [program = "", ...words] = typeof command === "string" ? ["sh", "-c", command] : command;
  const shown = plainText(typeof command === "string" ? command : command.join(" "));
  const lines: string[] = [];
  const child = spawn(program, words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(plainText(line));
      if (lines.length > LINES_KEPT) lines.shift();
    });
  }
  const how = await new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("close", (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    );
  });
  if (how !== "ended with exit code 0") throw new BuildFailedError(shown, how, lines);
}
