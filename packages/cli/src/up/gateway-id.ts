import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The name of a folder's gateway in its reports: made once and kept with the folder. */
export async function gatewayIdOf(folder: string): Promise<string> {
  const file = join(folder, "id");
  const kept = (await readFile(file, "utf8").catch(() => "")).trim();
  if (/^[A-Za-z0-9._-]{1,64}$/.test(kept)) return kept;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const id = `gateway-${randomBytes(4).toString("hex")}`;
  await writeFile(file, `${id}\n`, { mode: 0o600 });
  return id;
}
