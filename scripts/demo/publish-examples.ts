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
      return publish(fileURLToPath(new URL(`../../examples/${example}`, import.meta.url)), dataFolder);
    }),
  );
}

/** Publishes a release's folder. Gives what the command printed. */
export async function publish(folder: string, dataFolder: string): Promise<string> {
  const { stdout } = await run(process.execPath, [COMMAND, "publish", folder, "--data-dir", dataFolder]);
  return stdout.trim();
}
