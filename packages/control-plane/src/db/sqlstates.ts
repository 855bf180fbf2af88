/** PostgreSQL's error codes that stores turn into errors of ours. */
export const SQLSTATES = {
  uniqueViolation: "23505",
} as const;

/** Tells whether the database refused a statement for this reason, at this constraint where one is named. */
export function isRefusedBy(error: unknown, reason: keyof typeof SQLSTATES, constraint?: string): boolean {
  if (!(error instanceof Error) || !("code" in error) || error.code !== SQLSTATES[reason]) return false;
  return constraint === undefined || ("constraint" in error && error.constraint === constraint);
}
