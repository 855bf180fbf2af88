/** What the command's exit code tells a script. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The same in words, for the help and the reference page. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: "done; what was asked about is well",
  1: "the operation failed or was refused, or what was asked about is not well",
  2: "the command line is wrong; nothing was done",
  3: "no server answers, or it does not accept the token",
  130: "Ctrl-C while waiting; an operation that was started goes on",
};

const USAGE_CODES = new Set([
  "AIBOS_CONFIG_INVALID",
  "AIBOS_INVALID_IDENTIFIER",
  "AIBOS_INVALID_RANGE",
  "AIBOS_INVALID_REQUEST",
  "AIBOS_INVALID_TRAFFIC_SPLIT",
]);
const UNREACHABLE_CODES = new Set(["AIBOS_CONNECTION_REFUSED", "AIBOS_UNAUTHORIZED"]);

/** The exit code for a failure by its stable code. */
export function exitCodeOf(code: string): ExitCode {
  if (UNREACHABLE_CODES.has(code)) return EXIT.unreachable;
  return USAGE_CODES.has(code) ? EXIT.usage : EXIT.failed;
}
