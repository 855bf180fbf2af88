import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Puts a file in place by rename: whoever reads it sees the old content or the new one. Only its owner can read it. */
export async function writeFileWhole(path: string, parts: Iterable<string>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(`${path}.part`, "w", 0o600);
  try {
    let text = "";
    for (const part of parts) {
      text += part;
      if (text.length < 65_536) continue;
      await file.appendFile(text);
      text = "";
    }
    await file.appendFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
}
