import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigInvalidError } from "@aibos/contract";
import type { CommandContext } from "../commands/command-context.ts";

/**
 * Opens a text in the user's editor and gives what was saved.
 *
 * @throws ConfigInvalidError when there is no editor, or it ended with an error
 */
export async function editText({ environment }: CommandContext, text: string, name: string): Promise<string> {
  const editor = environment.inherited["VISUAL"] || environment.inherited["EDITOR"];
  if (!editor) throw new ConfigInvalidError("Set EDITOR to the editor to use, or give the content with --file.");
  const folder = await mkdtemp(join(tmpdir(), "aibos-edit-"));
  try {
    const file = join(folder, name);
    await writeFile(file, text, { mode: 0o600 });
    // Editors are given as a command line, such as "code --wait".
    const child = spawn("sh", ["-c", `${editor} "$1"`, "sh", file], { stdio: "inherit", env: environment.inherited });
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new ConfigInvalidError(`The editor (${editor}) ended with an error. Nothing was changed.`);
    return await readFile(file, "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
