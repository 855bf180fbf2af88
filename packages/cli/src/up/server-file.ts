import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What a running `up` leaves in its data folder for the other commands. */
export interface ServerFile {
  readonly url: string;
  readonly gatewayUrl: string;
  readonly pid: number;
}

/** Reads `server.json`; undefined when there is none that can be understood. */
export async function readServerFile(folder: string): Promise<ServerFile | undefined> {
  const text = await readFile(pathOf(folder), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const value = parseJson(text);
  if (typeof value !== "object" || value === null) return undefined;
  if (!("url" in value && "gatewayUrl" in value && "pid" in value)) return undefined;
  const { url, gatewayUrl, pid } = value;
  if (typeof url !== "string" || typeof gatewayUrl !== "string" || typeof pid !== "number") return undefined;
  return { url, gatewayUrl, pid };
}

/** Written aside and renamed, so that nobody reads half of it. */
export async function writeServerFile(folder: string, file: ServerFile): Promise<void> {
  const draft = `${pathOf(folder)}.${file.pid}`;
  await writeFile(draft, `${JSON.stringify(file)}\n`, { mode: 0o600 });
  await rename(draft, pathOf(folder));
}

/** Removes the file unless another run wrote it. */
export async function removeServerFile(folder: string, pid: number): Promise<void> {
  if ((await readServerFile(folder))?.pid === pid) await rm(pathOf(folder), { force: true });
}

function pathOf(folder: string): string {
  return join(folder, "server.json");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
