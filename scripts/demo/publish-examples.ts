import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const COMMAND = fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));
const EXAMPLES = ["accounting/1.0.0", "accounting/1.5.0", "accounting/2.0.0", "guestbook/1.0.0"];

/** Publishes the examples as their authors would, with `aibos-versions publish`. Gives what it printed. */
export async function publishExamples(dataFolder: string): Promise<string[]> {
  return Promise.all(
    EXAMPLES.map(async (example) => {
      const folder = fileURLToPath(new URL(`../../examples/${example}`, import.meta.url));
      const { stdout } = await run(process.execPath, [COMMAND, "publish", folder, "--data-dir", dataFolder]);
      return stdout.trim();
    }),
  );
}
