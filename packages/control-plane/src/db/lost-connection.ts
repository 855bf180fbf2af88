/**
 * Tells whether an error says that the database went away, not that the work was wrong: connection exceptions (class
 * 08), shutdowns (57P01 to 57P03), no free connection (53300), and what the socket says.
 */
export function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (/^(08...|57P0[123]|53300)$/.test(code)) return true;
  if (["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND"].includes(code)) return true;
  return /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect)/.test(
    error.message,
  );
}

/** Tells whether a statement waited too long for somebody else's lock. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "55P03";
}

/** Tells whether the same transaction may succeed when it is tried again: serialisation failure or deadlock. */
export function isRepeatable(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "40001" || error.code === "40P01");
}
