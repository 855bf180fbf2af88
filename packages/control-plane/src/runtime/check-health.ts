/** Asks a health path. Undefined: it answered 2xx; else what was wrong. */
export async function checkHealth(url: string, timeoutMs = 5_000): Promise<string | undefined> {
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.ok ? undefined : `its health check answered ${response.status}`;
  } catch (error) {
    if (error instanceof Error && error.name === "TimeoutError") return "its health check did not answer in time";
    const cause = error instanceof Error ? error.cause : undefined;
    return `its health check failed: ${cause instanceof Error ? cause.message : String(error)}`;
  }
}
