import { randomBytes } from "node:crypto";
import { chmod, link, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The bearer token of a data folder, made at first use; its file can be read by its owner alone. */
export async function tokenOfFolder(folder: string): Promise<{ token: string; file: string }> {
  const file = join(folder, "token");
  const before = await readToken(file);
  if (before !== undefined) {
    await chmod(file, 0o600);
    return { token: before, file };
  }
  // Written aside and linked in place, so that nobody ever reads half a token.
  const draft = `${file}.${randomBytes(4).toString("hex")}`;
  await writeFile(draft, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
  await link(draft, file).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await unlink(draft);
  return { token: (await readToken(file)) ?? "", file };
}

async function readToken(file: string): Promise<string | undefined> {
  try {
    const token = (await readFile(file, "utf8")).trim();
    return token === "" ? undefined : token;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
