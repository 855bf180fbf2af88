/** Calls of addresses that a policy names take so long at most. */
const TIMEOUT_MS = 5_000;
/** Nobody has more to say than this. */
const MOST_BYTES = 64 * 1024;

/** What an address outside answered to a GET or, with `post`, to a POST of JSON; undefined without an answer in time. */
export async function callOutside(
  url: string,
  post?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly ok: boolean; readonly status: number; readonly text: string } | undefined> {
  try {
    const response = await fetch(url, {
      // Whoever answers for an address does not choose where else the control plane goes.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(post === undefined
        ? {}
        : { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(post) }),
    });
    return { ok: response.ok, status: response.status, text: await readText(response) };
  } catch {
    return undefined;
  }
}

/** @throws RangeError when there is too much of it */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new RangeError("The answer is too long.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
